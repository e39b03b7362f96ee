// Package echo serves the chat's contract with the simplest handlers that do all of it: what tests of the server as a
// whole talk to. Nothing is kept between messages.
package echo

import (
	"context"
	"net/http"

	"github.com/chgen/chgen/examples/chat/chat"
	"github.com/chgen/chgen/runtime/channel"
)

// Handle serves the chat's rooms on the server. The name of a client is the id of its connection.
func Handle(server *channel.Server) {
	chat.OnConnect(server, func(ctx context.Context, _ *http.Request, params chat.ConnectParams) (context.Context, error) {
		return context.WithValue(channel.WithID(ctx, params.Name), nameKey{}, params.Name), nil
	})
	chat.HandleRoom(server, room{})
}

type nameKey struct{}

type room struct{}

// Join lets everybody into every room but "private".
func (room) Join(ctx context.Context, socket *chat.RoomSocket, _ chat.RoomJoin) (chat.RoomHandler, chat.RoomJoined, error) {
	if socket.Topic().RoomID == "private" {
		return nil, chat.RoomJoined{}, chat.ErrNotAMember
	}
	name := ctx.Value(nameKey{}).(string)
	m := &member{socket: socket, you: chat.Author{ID: name, Name: name, Role: chat.RoleMember}}
	if err := socket.Presence().Track(ctx, name, chat.RoomPresence{Name: name}); err != nil {
		return nil, chat.RoomJoined{}, err
	}
	return m, chat.RoomJoined{You: m.you}, nil
}

type member struct {
	socket *chat.RoomSocket
	you    chat.Author
}

// SendMessage shows the message to everybody in the room. Its id is its text.
func (m *member) SendMessage(ctx context.Context, in chat.RoomSendMessage) (chat.RoomSendMessageReply, error) {
	message := chat.Message{ID: in.Body, Author: m.you, Body: in.Body, Attachment: in.Attachment}
	return chat.RoomSendMessageReply{ID: message.ID}, m.socket.Broadcast().MessageCreated(ctx, message)
}

// SetTyping shows in presence.
func (m *member) SetTyping(ctx context.Context, in chat.RoomSetTyping) error {
	return m.socket.Presence().Update(ctx, m.you.ID, chat.RoomPresence{Name: m.you.Name, Typing: in.Active})
}
