package channeltest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/channeltest"
	"github.com/chgen/chgen/runtime/client"
	"github.com/chgen/chgen/testdata/golang/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a room that answers with what it was sent, after the time that the body says.
type echo struct{ chat.UnimplementedRoomHandler }

func (echo) Join(context.Context, *chat.RoomSocket, chat.RoomJoin) (chat.RoomHandler, chat.RoomJoined, error) {
	return echo{}, chat.RoomJoined{You: chat.Author{Role: chat.RoleMember}}, nil
}

func (echo) SendMessage(ctx context.Context, in chat.RoomSendMessage) (chat.RoomSendMessageReply, error) {
	wait, err := time.ParseDuration(in.Body)
	if err != nil {
		return chat.RoomSendMessageReply{}, err
	}
	select {
	case <-time.After(wait):
		return chat.RoomSendMessageReply{ID: in.Body, SentAt: time.Now()}, nil
	case <-ctx.Done():
		return chat.RoomSendMessageReply{}, ctx.Err()
	}
}

func newServer(opts ...channel.Option) *channel.Server {
	server := channel.NewServer(append(opts, channel.WithLogger(slog.New(slog.DiscardHandler)))...)
	chat.OnConnect(server, func(ctx context.Context, _ *http.Request, params chat.ConnectParams) (context.Context, error) {
		if params.Name == "nobody" {
			return nil, channel.Refuse("nobody may not")
		}
		return channel.WithID(ctx, params.Name), nil
	})
	chat.HandleRoom(server, echo{})
	return server
}

var (
	ada   = &chat.ConnectParams{Name: "ada"}
	lobby = chat.RoomTopic{RoomID: "lobby"}
)

func TestEventsWithoutAPayloadAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ring func()
		bells := channeltest.WatchEmpty(t, func(handle func()) (stop func()) {
			ring = handle
			return func() {}
		})
		ring()
		ring()
		bells.Next()
		bells.Next()
		bells.ExpectNone(time.Hour)
	})
}

func TestTheClockIsTheBubbles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		site := channeltest.New(t, newServer())
		room, _, err := chat.JoinRoom(t.Context(), site.Connect(ada), lobby, chat.RoomJoin{})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := room.SendMessage(ctx, chat.RoomSendMessage{Body: "29s"}); err != nil {
			t.Error(err)
		}
		if waited := time.Since(began); waited != 29*time.Second {
			t.Errorf("it took %v, want exactly 29 s", waited)
		}
		_, err = room.SendMessage(ctx, chat.RoomSendMessage{Body: "31s"})
		if reply, ok := errors.AsType[*client.ReplyError](err); !ok || reply.Code != client.CodeTimeout {
			t.Errorf("got %v, want timeout", err)
		}
	})
}

func TestItWorksWithoutABubble(t *testing.T) {
	t.Parallel()
	site := channeltest.New(t, newServer())
	room, _, err := chat.JoinRoom(t.Context(), site.Connect(ada), lobby, chat.RoomJoin{})
	if err != nil {
		t.Fatal(err)
	}
	if reply, err := room.SendMessage(t.Context(), chat.RoomSendMessage{Body: "1ms"}); err != nil || reply.ID != "1ms" {
		t.Errorf("got %v, %v", reply, err)
	}
}

func TestBroadcastsFromAnywhereReachClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer(channel.WithMount(channel.Mount{Path: "/live"}))
		site := channeltest.New(t, server, channeltest.WithMount("/live"))
		room := chat.NewRoomClient(site.Connect(ada), lobby)
		deleted := channeltest.Watch(t, room.OnMessageDeleted)
		if _, err := room.Join(t.Context(), chat.RoomJoin{}); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			err := chat.BroadcastRoom(server, lobby).MessageDeleted(t.Context(), chat.RoomMessageDeletedEvent{ID: fmt.Sprint(i)})
			if err != nil {
				t.Fatal(err)
			}
		}
		for i := range 3 {
			if got := deleted.Next(); got.ID != fmt.Sprint(i) {
				t.Errorf("got %s, want %d", got.ID, i)
			}
		}
		deleted.ExpectNone(time.Hour)
	})
}

func TestRefusalsAndClosesCanBeExpected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newServer()
		site := channeltest.New(t, server)
		if reason := site.ExpectRefusal(&chat.ConnectParams{Name: "nobody"}); reason != "nobody may not" {
			t.Errorf("reason %q", reason)
		}
		if reason := site.ExpectRefusal(nil); reason != "name is required" {
			t.Errorf("reason %q", reason)
		}
		c := site.Connect(ada)
		if err := server.Disconnect(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		site.ExpectClose(c, 1001)
	})
}

func TestClientsOfATestsOwnMakingAreServedToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		site := channeltest.New(t, newServer())
		c, err := client.Dial(t.Context(), "ws://anywhere/socket", client.WithTransport(site.Transport()), client.WithParams(ada))
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	})
}

// failing is a testing.TB that notes why the test would have failed.
type failing struct {
	testing.TB
	text string
}

func (f *failing) Helper() {}

func (f *failing) Fatal(args ...any) { f.fatal(fmt.Sprint(args...)) }

func (f *failing) Fatalf(format string, args ...any) { f.fatal(fmt.Sprintf(format, args...)) }

func (f *failing) fatal(text string) {
	f.text = text
	runtime.Goexit()
}

func TestWhatIsNotAsExpectedFailsTheTest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		test func(site *channeltest.Site, deleted *channeltest.Events[chat.RoomMessageDeletedEvent], server *channel.Server)
		want string
	}{
		"no event": {func(_ *channeltest.Site, deleted *channeltest.Events[chat.RoomMessageDeletedEvent], _ *channel.Server) {
			deleted.Next()
		}, "no chat.RoomMessageDeletedEvent came within 5s"},
		"an event": {func(_ *channeltest.Site, deleted *channeltest.Events[chat.RoomMessageDeletedEvent], server *channel.Server) {
			_ = chat.BroadcastRoom(server, lobby).MessageDeleted(context.Background(), chat.RoomMessageDeletedEvent{ID: "7"})
			deleted.ExpectNone(time.Second)
		}, "got {ID:7}, want none"},
		"a refusal": {func(site *channeltest.Site, _ *channeltest.Events[chat.RoomMessageDeletedEvent], _ *channel.Server) {
			site.Connect(&chat.ConnectParams{Name: "nobody"})
		}, "nobody may not"},
		"no refusal": {func(site *channeltest.Site, _ *channeltest.Events[chat.RoomMessageDeletedEvent], _ *channel.Server) {
			site.ExpectRefusal(ada)
		}, "want the server to refuse"},
		"another close code": {func(site *channeltest.Site, _ *channeltest.Events[chat.RoomMessageDeletedEvent], server *channel.Server) {
			c := site.Connect(&chat.ConnectParams{Name: "bob"})
			_ = server.Disconnect(context.Background(), "bob")
			site.ExpectClose(c, 1012)
		}, "want close code 1012"},
		"no close": {func(site *channeltest.Site, _ *channeltest.Events[chat.RoomMessageDeletedEvent], _ *channel.Server) {
			site.ExpectClose(site.Connect(ada), 1001)
		}, "no client.StateChange came within 5s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &failing{TB: t}
				server := newServer()
				site := channeltest.New(f, server)
				room := chat.NewRoomClient(site.Connect(ada), lobby)
				deleted := channeltest.Watch(f, room.OnMessageDeleted)
				if _, err := room.Join(t.Context(), chat.RoomJoin{}); err != nil {
					t.Fatal(err)
				}
				done := make(chan struct{})
				go func() {
					defer close(done)
					c.test(site, deleted, server)
				}()
				<-done
				if !strings.Contains(f.text, c.want) {
					t.Errorf("it fails with %q, want %q", f.text, c.want)
				}
			})
		})
	}
}
