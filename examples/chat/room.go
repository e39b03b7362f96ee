package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/chgen/chgen/examples/chat/chat"
	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/pubsub"
)

// newServer returns a server that serves the chat's rooms, together with all others on the bus that have the secret. Without
// a bus, nil, it is alone; without a secret, nil, it has one of its own.
func newServer(ctx context.Context, bus pubsub.PubSub, secret []byte, log *slog.Logger) (*channel.Server, error) {
	options := []channel.Option{channel.WithLogger(log)}
	if bus == nil {
		bus = pubsub.New()
	} else {
		options = append(options, channel.WithPubSub(bus))
	}
	messages, err := newMessageLog(ctx, bus, 200, log)
	if err != nil {
		return nil, err
	}
	if secret != nil {
		options = append(options, channel.WithSecret(secret))
	}
	server := channel.NewServer(options...)
	chat.OnConnect(server, connect)
	chat.HandleRoom(server, &Room{log: messages})
	return server, nil
}

type authorKey struct{}

// connect makes an author of whoever opens a socket: the name is the client's word, the id is ours.
func connect(ctx context.Context, _ *http.Request, params chat.ConnectParams) (context.Context, error) {
	name := strings.TrimSpace(params.Name)
	if name == "" {
		return nil, channel.Refuse("a name needs more than spaces")
	}
	author := chat.Author{ID: rand.Text(), Name: name, Role: chat.RoleMember}
	return context.WithValue(ctx, authorKey{}, author), nil
}

// Room accepts joins to room:{room_id}.
type Room struct {
	log *messageLog
}

// Join lets everybody into every room but "private".
func (r *Room) Join(ctx context.Context, socket *chat.RoomSocket, in chat.RoomJoin) (chat.RoomHandler, chat.RoomJoined, error) {
	room := socket.Topic().RoomID
	if room == "private" {
		return nil, chat.RoomJoined{}, chat.ErrNotAMember
	}
	you := ctx.Value(authorKey{}).(chat.Author)
	if err := socket.Presence().Track(ctx, you.ID, chat.RoomPresence{Name: you.Name}); err != nil {
		return nil, chat.RoomJoined{}, err
	}
	var since time.Time
	if in.Since != nil {
		since = *in.Since
	}
	joined := chat.RoomJoined{You: you, Recent: r.log.after(room, since)}
	return &member{room: r, socket: socket, you: you}, joined, nil
}

// member serves one client in one room. Its methods never run concurrently.
type member struct {
	room   *Room
	socket *chat.RoomSocket
	you    chat.Author
	limit  limiter
}

// SendMessage keeps the message and shows it to everyone in the room.
func (m *member) SendMessage(ctx context.Context, in chat.RoomSendMessage) (chat.RoomSendMessageReply, error) {
	if wait := m.limit.take(time.Now()); wait > 0 {
		return chat.RoomSendMessageReply{}, &chat.SlowDownError{RetryAfterMs: wait.Milliseconds() + 1}
	}
	mentions, err := m.mentions(ctx, in.Body)
	if err != nil {
		return chat.RoomSendMessageReply{}, err
	}
	message, err := m.room.log.add(ctx, m.socket.Topic().RoomID, chat.Message{
		ID:         rand.Text(),
		Author:     m.you,
		Body:       in.Body,
		Mentions:   mentions,
		Attachment: in.Attachment,
	})
	if err != nil {
		return chat.RoomSendMessageReply{}, err
	}
	if err := m.socket.Broadcast().MessageCreated(ctx, message); err != nil {
		return chat.RoomSendMessageReply{}, err
	}
	return chat.RoomSendMessageReply{ID: message.ID, SentAt: message.SentAt}, nil
}

// SetTyping shows the others that this member is typing, or no longer is.
func (m *member) SetTyping(ctx context.Context, in chat.RoomSetTyping) error {
	return m.socket.Presence().Update(ctx, m.you.ID, chat.RoomPresence{Name: m.you.Name, Typing: in.Active})
}

// mentions returns who of those present is called by "@name" in body, in the order of their ids.
func (m *member) mentions(ctx context.Context, body string) ([]chat.Author, error) {
	if !strings.Contains(body, "@") {
		return nil, nil
	}
	present, err := m.socket.Presence().List(ctx)
	if err != nil {
		return nil, err
	}
	var mentioned []chat.Author
	for id, metas := range present {
		if name := metas[0].Name; strings.Contains(body, "@"+name) {
			mentioned = append(mentioned, chat.Author{ID: id, Name: name, Role: chat.RoleMember})
		}
	}
	slices.SortFunc(mentioned, func(a, b chat.Author) int { return strings.Compare(a.ID, b.ID) })
	return mentioned, nil
}
