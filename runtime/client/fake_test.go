package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/chgen/chgen/runtime/client"
	"github.com/chgen/chgen/testdata/golang/chat"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script is a server that a test plays by hand, and the Transport that leads to it.
type script struct {
	t     *testing.T
	conns chan *line

	mu   sync.Mutex
	fail []error // of the next attempts to connect
}

// play runs a test in a bubble, with a server that it plays.
func play(t *testing.T, test func(t *testing.T, s *script)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		test(t, &script{t: t, conns: make(chan *line, 16)})
	})
}

// client returns a client of the script, which is closed with the test.
func (s *script) client(opts ...client.Option) *client.Client {
	s.t.Helper()
	c, err := client.New("wss://example.com/socket", append([]client.Option{client.WithTransport(s), client.WithLogger(slog.New(slog.DiscardHandler))}, opts...)...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	return c
}

// Dial implements client.Transport.
func (s *script) Dial(_ context.Context, target string, _ http.Header) (client.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.fail) > 0 {
		err := s.fail[0]
		s.fail = s.fail[1:]
		return nil, err
	}
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	l := &line{t: s.t, query: u.Query(), path: u.Path, at: time.Now(), in: make(chan message, 4096), out: make(chan message, 4096), cut: make(chan struct{})}
	s.conns <- l
	return l, nil
}

// accept takes the next connection.
func (s *script) accept() *line {
	s.t.Helper()
	select {
	case l := <-s.conns:
		return l
	case <-time.After(time.Hour):
		s.t.Fatal("the client does not connect")
		return nil
	}
}

type message struct {
	data   []byte
	binary bool
	err    error
}

// line is one connection, seen from both ends.
type line struct {
	t     *testing.T
	path  string
	query url.Values
	at    time.Time // when it was made
	in    chan message
	out   chan message
	deaf  bool // heartbeats are not answered

	once sync.Once
	cut  chan struct{}
}

// Read implements client.Conn.
func (l *line) Read() ([]byte, bool, error) {
	select {
	case m := <-l.in:
		return m.data, m.binary, m.err
	case <-l.cut:
		return nil, false, errors.New("cut")
	}
}

// Write implements client.Conn.
func (l *line) Write(_ context.Context, data []byte, binary bool) error {
	select {
	case l.out <- message{data: data, binary: binary}:
		return nil
	case <-l.cut:
		return errors.New("cut")
	}
}

// Close implements client.Conn.
func (l *line) Close(int, string) error { return l.CloseNow() }

// CloseNow implements client.Conn.
func (l *line) CloseNow() error {
	l.once.Do(func() { close(l.cut) })
	return nil
}

// next takes the next frame of the client. Heartbeats are answered on the way.
func (l *line) next() (frame [5]any) {
	l.t.Helper()
	late := time.After(time.Hour) // heartbeats aside
	for {
		select {
		case m := <-l.out:
			if m.binary {
				l.t.Fatalf("got the binary frame %q, want text", m.data)
			}
			if err := json.Unmarshal(m.data, &frame); err != nil {
				l.t.Fatalf("%s: %v", m.data, err)
			}
			if frame[3] != "heartbeat" {
				return frame
			}
			if !l.deaf {
				l.send(`[null,%q,"phoenix","phx_reply",{"status":"ok","response":{}}]`, frame[1])
			}
		case <-late:
			l.t.Fatal("the client sends nothing")
		}
	}
}

// beat answers a heartbeat, which must be the next frame.
func (l *line) beat() {
	if m := <-l.out; !strings.Contains(string(m.data), `"phoenix","heartbeat",{}`) {
		l.t.Errorf("got %s, want a heartbeat", m.data)
	}
	l.send(`[null,"1","phoenix","phx_reply",{"status":"ok","response":{}}]`)
}

// expect takes the next frame, which must be this event with this payload, and returns its refs.
func (l *line) expect(event, payload string) (joinRef, ref any) {
	l.t.Helper()
	frame := l.next()
	var want any
	if err := json.Unmarshal([]byte(payload), &want); err != nil {
		l.t.Fatal(err)
	}
	if diff := cmp.Diff([]any{event, want}, []any{frame[3], frame[4]}); diff != "" {
		l.t.Fatalf("frame (-want +got):\n%s", diff)
	}
	return frame[0], frame[1]
}

func (l *line) send(format string, args ...any) {
	l.in <- message{data: fmt.Appendf(nil, format, args...)}
}

func (l *line) fail(err error) { l.in <- message{err: err} }

// reply answers a frame on the topic room:lobby.
func (l *line) reply(joinRef, ref any, status, response string) {
	l.send(`[%q,%q,"room:lobby","phx_reply",{"status":%q,"response":%s}]`, joinRef, ref, status, response)
}

const joined = `{"you":{"id":"1","name":"ada","role":"member"},"recent":[]}`

var lobby = chat.RoomTopic{RoomID: "lobby"}

// joinLobby joins room:lobby, which the connection accepts, and returns the ref of the join.
func joinLobby(t *testing.T, room *chat.RoomClient, s *script) (l *line, joinRef any) {
	t.Helper()
	result := start(func() error {
		_, err := room.Join(t.Context(), chat.RoomJoin{})
		return err
	})
	l = s.accept()
	joinRef, ref := l.expect("phx_join", `{}`)
	l.reply(joinRef, ref, "ok", joined)
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	return l, joinRef
}

// start does something that the test has a part in.
func start(do func() error) <-chan error {
	result := make(chan error, 1)
	go func() { result <- do() }()
	return result
}

// deleted sends the event message_deleted for everybody, with a position if there is one.
func (l *line) deleted(position, id string) {
	ref := "null"
	if position != "" {
		ref = `"` + position + `"`
	}
	l.send(`[null,%s,"room:lobby","message_deleted",{"id":%q}]`, ref, id)
}

// recorder notes what callbacks tell.
type recorder struct {
	mu  sync.Mutex
	all []string
}

func (r *recorder) add(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, fmt.Sprintf(format, args...))
}

// expect compares what was noted once everything waits.
func (r *recorder) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff(want, r.all); diff != "" {
		t.Errorf("callbacks (-want +got):\n%s", diff)
	}
	r.all = nil
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}
