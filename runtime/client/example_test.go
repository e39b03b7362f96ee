package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/client"
	"github.com/chgen/chgen/testdata/golang/chat"
)

// A bot: it says hello and waits until it hears itself.
func Example() {
	server := channel.NewServer(channel.WithLogger(slog.New(slog.DiscardHandler)))
	chat.HandleRoom(server, room{})
	web := httptest.NewServer(server)
	defer web.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := client.Dial(ctx, web.URL+"/socket", client.WithParams(&chat.ConnectParams{Name: "bot"}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	lobby := chat.NewRoomClient(c, chat.RoomTopic{RoomID: "lobby"})
	heard := make(chan string, 1)
	lobby.OnMessageCreated(func(m chat.Message) { heard <- m.Body })
	if _, err := lobby.Join(ctx, chat.RoomJoin{}); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := lobby.SendMessage(ctx, chat.RoomSendMessage{Body: "hello"}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(<-heard)

	_, err = lobby.SendMessage(ctx, chat.RoomSendMessage{Body: "slow down"})
	if slow, ok := errors.AsType[*chat.SlowDownError](err); ok {
		fmt.Println("wait", time.Duration(slow.RetryAfterMs)*time.Millisecond)
	}
	_, _, err = chat.JoinRoom(ctx, c, chat.RoomTopic{RoomID: "private"}, chat.RoomJoin{})
	fmt.Println(errors.Is(err, chat.ErrNotAMember))
	// Output:
	// hello
	// wait 70ms
	// true
}

// A token is replaced while the client is connected: nothing has to be joined again.
func ExampleClient_Renew() {
	server := channel.NewServer(channel.WithLogger(slog.New(slog.DiscardHandler)))
	chat.OnConnect(server, func(ctx context.Context, _ *http.Request, params chat.ConnectParams) (context.Context, error) {
		if params.Name == "expired" {
			return nil, channel.Refuse("the token has expired")
		}
		return ctx, nil
	})
	web := httptest.NewServer(server)
	defer web.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := client.Dial(ctx, web.URL+"/socket", client.WithParams(&chat.ConnectParams{Name: "first"}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Println(chat.RenewParams(ctx, c, chat.ConnectParams{Name: "second"}))
	fmt.Println(chat.RenewParams(ctx, c, chat.ConnectParams{Name: "expired"}))
	// Output:
	// <nil>
	// the server has refused the connection: the token has expired
}
