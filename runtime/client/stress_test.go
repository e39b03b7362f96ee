package client_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/channeltest"
	"github.com/chgen/chgen/testdata/golang/chat"
)

// Whatever is called at whatever time: nothing hangs, and Close leaves nothing behind, which the bubble checks.
func TestEverythingAtOnceComesToAnEnd(t *testing.T) {
	t.Parallel()
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			server := channel.NewServer(channel.WithLogger(slog.New(slog.DiscardHandler)))
			chat.OnConnect(server, func(ctx context.Context, _ *http.Request, params chat.ConnectParams) (context.Context, error) {
				return channel.WithID(ctx, params.Name), nil
			})
			chat.HandleRoom(server, room{})
			c := channeltest.New(t, server).Connect(&chat.ConnectParams{Name: "ada"})
			rooms := []*chat.RoomClient{chat.NewRoomClient(c, lobby), chat.NewRoomClient(c, lobby), chat.NewRoomClient(c, chat.RoomTopic{RoomID: "2"})}
			for _, r := range rooms {
				r.OnMessageCreated(func(chat.Message) { _ = r.Channel().State() })
			}
			var callers sync.WaitGroup
			for range 6 {
				callers.Go(func() {
					for range 40 {
						r := rooms[rand.IntN(len(rooms))]
						ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(1000))*time.Millisecond)
						switch rand.IntN(8) {
						case 0, 1:
							_, _ = r.Join(ctx, chat.RoomJoin{})
						case 2:
							_ = r.Leave(ctx)
						case 3:
							_ = r.SetTyping(ctx, chat.RoomSetTyping{}) // ends the membership
						case 4:
							_, _ = r.SendMessage(ctx, chat.RoomSendMessage{Body: "panic"})
						case 5:
							_ = server.Disconnect(ctx, "ada")
							for range 3 {
								_, _ = r.SendMessage(ctx, chat.RoomSendMessage{Body: "hello"})
							}
						default:
							_, _ = r.SendMessage(ctx, chat.RoomSendMessage{Body: "hello"})
						}
						cancel()
					}
				})
			}
			callers.Go(func() {
				<-time.After(time.Duration(rand.IntN(20_000)) * time.Millisecond)
				c.Close()
			})
			callers.Wait()
		})
	}
}
