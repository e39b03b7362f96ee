package channel_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/chgen/chgen/runtime/channel"
	goclient "github.com/chgen/chgen/runtime/client"
	"github.com/chgen/chgen/testdata/golang/chat" // what chgen has generated
)

// lounge accepts joins to room:{room_id}.
type lounge struct{}

type nameOfUser struct{}

func (lounge) Join(ctx context.Context, socket *chat.RoomSocket, _ chat.RoomJoin) (chat.RoomHandler, chat.RoomJoined, error) {
	if socket.Topic().RoomID == "private" {
		return nil, chat.RoomJoined{}, chat.ErrNotAMember
	}
	name, _ := ctx.Value(nameOfUser{}).(string)
	you := chat.Author{ID: name, Name: name, Role: chat.RoleMember}
	return &guest{socket: socket, you: you}, chat.RoomJoined{You: you}, nil
}

// guest serves one client in one room: its fields are its state, its methods never run concurrently.
type guest struct {
	chat.UnimplementedRoomHandler
	socket *chat.RoomSocket
	you    chat.Author
	sent   int
}

func (g *guest) SendMessage(ctx context.Context, in chat.RoomSendMessage) (chat.RoomSendMessageReply, error) {
	g.sent++
	if g.sent > 2 {
		return chat.RoomSendMessageReply{}, &chat.SlowDownError{RetryAfterMs: 1000}
	}
	message := chat.Message{ID: fmt.Sprint(g.sent), Author: g.you, Body: in.Body}
	if err := g.socket.Broadcast().MessageCreated(ctx, message); err != nil {
		return chat.RoomSendMessageReply{}, err
	}
	return chat.RoomSendMessageReply{ID: message.ID}, nil
}

// A server, and a client that talks to it.
func Example() {
	server := channel.NewServer()
	chat.OnConnect(server, func(ctx context.Context, _ *http.Request, params chat.ConnectParams) (context.Context, error) {
		if params.Name == "mallory" {
			return nil, channel.Refuse("not you")
		}
		return context.WithValue(ctx, nameOfUser{}, params.Name), nil
	})
	chat.HandleRoom(server, lounge{})
	web := httptest.NewServer(server) // or http.Handle("/socket/", server)
	defer web.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	defer func() { _ = server.Shutdown(ctx) }()
	c, err := goclient.Dial(ctx, web.URL+"/socket", goclient.WithParams(&chat.ConnectParams{Name: "ada"}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	room := chat.NewRoomClient(c, chat.RoomTopic{RoomID: "lobby"})
	heard := make(chan chat.Message, 10)
	room.OnMessageCreated(func(m chat.Message) { heard <- m })
	joined, err := room.Join(ctx, chat.RoomJoin{})
	fmt.Println(joined.You.Name, err)
	for range 3 {
		reply, err := room.SendMessage(ctx, chat.RoomSendMessage{Body: "hello"})
		fmt.Printf("%q %v\n", reply.ID, err)
	}
	m := <-heard
	fmt.Println(m.Author.Name, "says", m.Body)

	_, _, err = chat.JoinRoom(ctx, c, chat.RoomTopic{RoomID: "private"}, chat.RoomJoin{})
	fmt.Println(err)
	_, err = goclient.Dial(ctx, web.URL+"/socket", goclient.WithParams(&chat.ConnectParams{Name: "mallory"}))
	fmt.Println(err)
	// Output:
	// ada <nil>
	// "1" <nil>
	// "2" <nil>
	// "" slow_down: Too many messages.
	// ada says hello
	// not_a_member: You are not a member of this room.
	// the server has refused the connection: not you
}
