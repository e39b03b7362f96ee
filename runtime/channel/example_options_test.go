package channel_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/testdata/golang/chat"
)

// Two mounts: one for browsers of one site, one for services that present a token, over WebSocket alone.
func ExampleWithMount() {
	server := channel.NewServer(
		channel.WithMount(channel.Mount{
			Path:    "/socket",
			Origins: []string{"https://example.com", "//*.example.com"},
		}),
		channel.WithMount(channel.Mount{
			Path:      "/services/{service}",
			AuthToken: true,
			LongPoll:  channel.LongPoll{Off: true},
		}),
		channel.WithLimits(channel.Limits{Channels: 20, IdleTimeout: 90 * time.Second}),
	)
	http.Handle("/socket/", server)
	http.Handle("/services/", server)
	// Output:
}

// The id that a connection is given ends all connections of one user, wherever they are.
func ExampleServer_Disconnect() {
	server := channel.NewServer()
	chat.OnConnect(server, func(ctx context.Context, _ *http.Request, params chat.ConnectParams) (context.Context, error) {
		return channel.WithID(ctx, "user:"+params.Name), nil
	})
	fmt.Println(server.Disconnect(context.Background(), "user:ada"))
	// Output: <nil>
}

// Who is there is filled in where it is sent, once for everybody.
func ExampleHandleOption() {
	server := channel.NewServer()
	names := func(_ context.Context, _ chat.RoomTopic, who map[string][]chat.RoomPresence) error {
		for id, metas := range who { // one query for all of them
			for i := range metas {
				metas[i].Name = "user " + id
			}
		}
		return nil
	}
	chat.HandleRoom(server, lounge{}, chat.FetchRoomPresences(names))
	n, err := chat.CountRoomPresences(server, chat.RoomTopic{RoomID: "lobby"})
	fmt.Println(n, err)
	// Output: 0 <nil>
}

// Large channels tell how many are there, and not who.
func ExampleWithPresenceCount() {
	server := channel.NewServer()
	chat.HandleRoom(server, lounge{}, channel.WithPresenceCount(5*time.Second))
	// Output:
}
