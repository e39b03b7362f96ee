package channel_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
)

// pigeons is a Transport whose clients are Go values.
type pigeons struct{ opened chan *pigeon }

// pigeon is one of its clients.
type pigeon struct {
	conn    *channel.Conn
	refused error
	news    chan struct{}
	ended   chan struct{}
}

func (p pigeons) Name() string { return "pigeons" }

func (p pigeons) Serve(_ http.ResponseWriter, r *http.Request, e channel.Endpoint) {
	b := &pigeon{news: make(chan struct{}, 1), ended: make(chan struct{})}
	b.conn, b.refused = e.Open(r, b)
	p.opened <- b
}

func (b *pigeon) Ready()   { b.news <- struct{}{} }
func (b *pigeon) Closing() { go b.end() }
func (b *pigeon) Cut()     { go b.end() }

func (b *pigeon) end() {
	b.conn.End()
	close(b.ended)
}

func (b *pigeon) send(t *testing.T, text string) {
	t.Helper()
	if err := b.conn.Receive(channel.Message{Data: []byte(text)}); err != nil {
		t.Errorf("%s: %v", text, err)
	}
	synctest.Wait()
}

func (b *pigeon) expect(t *testing.T, want ...string) {
	t.Helper()
	<-b.news
	var got []string
	for _, m := range b.conn.Next() {
		got = append(got, string(m.Data))
	}
	if diff := cmp.Diff(normal(want), normal(got)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func (b *pigeon) expectEnd(t *testing.T, want int) {
	t.Helper()
	<-b.ended
	if code, reason, closed := b.conn.Closed(); code != want || (reason != "") != (code == 1007) || !closed {
		t.Errorf("closed with %d %q %v, want %d, and a reason with 1007 alone", code, reason, closed, want)
	}
	if err := b.conn.Receive(channel.Message{Data: []byte("x")}); !errors.Is(err, channel.ErrClosed) {
		t.Errorf("after the end: got %v, want ErrClosed", err)
	}
}

// TestATransportOfOnesOwn holds that a transport needs no more than the public interface, and that a connection over it
// is one like any other.
func TestATransportOfOnesOwn(t *testing.T) {
	left := &journal{}
	r := &room{leave: func(_ context.Context, _ *member, reason channel.Reason) { left.add("%s", reason) }}
	transport := pigeons{make(chan *pigeon, 1)}
	run(t, r, func(s *site) {
		ids := make(chan string, 1)
		withIDs(s, ids)
		open := func(id, query, origin string) *pigeon {
			if id != "" {
				ids <- id
			}
			request := httptest.NewRequest(http.MethodGet, "/socket/pigeons?"+query, nil)
			request.Header.Set("Origin", origin)
			s.server.ServeHTTP(httptest.NewRecorder(), request)
			return <-transport.opened
		}
		for _, refused := range []*pigeon{open("", "vsn=2.0.0", "http://evil.example"), open("", "vsn=9.0.0", "")} {
			if err, ok := errors.AsType[*channel.RefusedError](refused.refused); !ok || err.Status != 403 {
				t.Errorf("got %v, want a refusal with 403", refused.refused)
			}
		}
		a, b, c := open("a", "vsn=2.0.0", ""), open("b", "vsn=2.0.0", ""), open("c", "vsn=2.0.0", "")
		for _, bird := range []*pigeon{a, b, c} {
			bird.send(t, `["1","1","room:x","phx_join",{}]`)
			<-bird.news
			bird.conn.Next()
		}
		a.send(t, `["1","2","room:x","ping",{}]`)
		a.expect(t, `["1","2","room:x","phx_reply",{"status":"ok","response":{}}]`)
		_ = BroadcastRoom(s.server, RoomTopic{"x"}).Said(context.Background(), Text{"x"})
		_ = BroadcastRoom(s.server, RoomTopic{"x"}).Said(context.Background(), Text{"y"})
		a.expect(t, `[null,null,"room:x","said",{"body":"x"}]`, `[null,null,"room:x","said",{"body":"y"}]`)
		if err := s.server.Disconnect(context.Background(), "a"); err != nil {
			t.Error(err)
		}
		a.expectEnd(t, 1001)
		if b.conn.Receive(channel.Message{Data: []byte("x")}) == nil {
			t.Error("what is no frame was taken")
		}
		b.expectEnd(t, 1007)
		left.expect(t, "disconnected", "disconnected")
		if err := s.server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		c.expectEnd(t, 1012)
		left.expect(t, "draining")
	}, channel.WithMount(channel.Mount{Path: "/socket", Transports: []channel.Transport{transport}}))
}
