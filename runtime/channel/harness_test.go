package channel_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/gen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a server and what its clients reach it by: pipes in memory. It lives in a synctest bubble, whose clock
// stands still while anything runs and which fails the test when a goroutine is left.
type site struct {
	t      *testing.T
	server *channel.Server
	http   *http.Server
	dialer *pipes
	log    *logBuffer
}

// run runs a test against a server with the channel Room at room:{room_id}.
func run(t *testing.T, room RoomChannel, test func(s *site), opts ...channel.Option) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, opts...)
		if room != nil {
			HandleRoom(s.server, room)
		}
		defer s.stop()
		test(s)
	})
}

func newSite(t *testing.T, opts ...channel.Option) *site {
	s := &site{t: t, dialer: &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}, log: &logBuffer{}}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.server = channel.NewServer(append([]channel.Option{channel.WithLogger(log)}, opts...)...)
	s.http = &http.Server{Handler: s.server, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.http.Serve(s.dialer) }()
	return s
}

// stop shuts everything down. The server has to be done in the time that closing may take.
func (s *site) stop() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		s.t.Errorf("Shutdown: %v", err)
	}
	_ = s.http.Close()
}

// pipes is a net.Listener whose connections are made by Dial.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) Dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// logBuffer collects what the server logs.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) count(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.buf.String(), text)
}

// client is a WebSocket client that sends and expects literal frames.
type client struct {
	t      *testing.T
	ws     *websocket.Conn
	frames chan []byte // what has been received; closed when the connection ends
	err    error       // why it has ended

	metas map[string][]map[string]any // what presence has made of state and diffs
}

// try asks for a socket.
func (s *site) try(path string, header http.Header) (*websocket.Conn, *http.Response, error) {
	return websocket.Dial(context.Background(), "ws://example.com"+path, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &http.Transport{DialContext: s.dialer.Dial, DisableKeepAlives: true}},
		HTTPHeader: header,
	})
}

// connect opens a socket.
func (s *site) connect() *client {
	s.t.Helper()
	return s.connectTo("/socket/websocket?vsn=2.0.0")
}

func (s *site) connectTo(path string) *client {
	s.t.Helper()
	ws, _, err := s.try(path, nil) //nolint:bodyclose // an upgrade has none
	if err != nil {
		s.t.Fatal(err)
	}
	ws.SetReadLimit(-1)
	c := newClient(s.t, ws)
	return c
}

// connectAs opens a socket with a header and subprotocols.
func (s *site) connectAs(path string, header http.Header, subprotocols ...string) *client {
	s.t.Helper()
	ws, _, err := websocket.Dial(context.Background(), "ws://example.com"+path, &websocket.DialOptions{
		HTTPClient:   &http.Client{Transport: &http.Transport{DialContext: s.dialer.Dial, DisableKeepAlives: true}},
		HTTPHeader:   header,
		Subprotocols: subprotocols,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return newClient(s.t, ws)
}

func newClient(t *testing.T, ws *websocket.Conn) *client {
	c := &client{t: t, ws: ws, frames: make(chan []byte, 4096)}
	go func() {
		for {
			kind, data, err := ws.Read(context.Background())
			if err != nil {
				c.err = err
				close(c.frames)
				_ = ws.CloseNow()
				return
			}
			if kind == websocket.MessageBinary {
				data = append([]byte("binary:"), data...)
			}
			c.frames <- data
		}
	}()
	return c
}

// join opens a socket and joins a topic with the ref 1.
func (s *site) join(topic string) *client {
	s.t.Helper()
	c := s.connect()
	c.send(`["1","1","` + topic + `","phx_join",{}]`)
	c.expectReply("1", "ok")
	c.expectState()
	return c
}

// expectState takes the presence_state that ends a join.
func (c *client) expectState() {
	c.t.Helper()
	if _, frame := c.next(); frame[3] != "presence_state" {
		c.t.Fatalf("got %v, want presence_state", frame)
	}
}

func (c *client) send(frame string) {
	c.t.Helper()
	if err := c.ws.Write(context.Background(), websocket.MessageText, []byte(frame)); err != nil {
		c.t.Fatalf("sending %s: %v", frame, err)
	}
}

func (c *client) next() (raw string, frame []any) {
	c.t.Helper()
	data, ok := <-c.frames
	if !ok {
		c.t.Fatalf("the connection ended: %v", c.err)
	}
	if bytes.HasPrefix(data, []byte("binary:")) {
		return string(data), make([]any, 5)
	}
	if err := json.Unmarshal(data, &frame); err != nil || len(frame) != 5 {
		c.t.Fatalf("got %s, want a frame of five", data)
	}
	return string(data), frame
}

// expect takes the next frames, which must be these. A phx_ref is written R1, R2, ... in the order in which they
// were seen first.
func (c *client) expect(want ...string) {
	c.t.Helper()
	for _, w := range want {
		raw, got := c.next()
		if strings.HasPrefix(raw, "binary:") {
			if raw != w {
				c.t.Fatalf("got %q, want %q", raw, w)
			}
			continue
		}
		var wanted []any
		if err := json.Unmarshal([]byte(w), &wanted); err != nil {
			c.t.Fatalf("%s: %v", w, err)
		}
		if diff := cmp.Diff(wanted, got); diff != "" {
			c.t.Fatalf("frame (-want +got):\n%s\ngot %s", diff, raw)
		}
	}
}

// expectReply takes the next frame, which must be the reply with this ref and status, and returns the response.
func (c *client) expectReply(ref, status string) map[string]any {
	c.t.Helper()
	return c.expectReplyTo(ref, status)
}

// expectReplyTo is expectReply for a ref of any type; nil is any ref.
func (c *client) expectReplyTo(ref any, status string) map[string]any {
	c.t.Helper()
	raw, frame := c.next()
	payload, _ := frame[4].(map[string]any)
	if ref != nil && frame[1] != ref || frame[3] != "phx_reply" || payload["status"] != status {
		c.t.Fatalf("got %s, want the reply %s to %v", raw, status, ref)
	}
	response, _ := payload["response"].(map[string]any)
	return response
}

// expectNothing checks that the server has nothing more to say, as things are.
func (c *client) expectNothing() {
	c.t.Helper()
	synctest.Wait()
	select {
	case data, ok := <-c.frames:
		if !ok {
			c.t.Fatalf("the connection ended: %v", c.err)
		}
		c.t.Fatalf("got %s, want nothing", data)
	default:
	}
}

// expectClose takes the end of the connection, and drops what comes before it.
func (c *client) expectClose(code websocket.StatusCode, reason string) {
	c.t.Helper()
	for range c.frames {
	}
	var closed websocket.CloseError
	if got := websocket.CloseStatus(c.err); got != code {
		c.t.Fatalf("the connection ended with %v, want close %d", c.err, code)
	}
	if !asCloseError(c.err, &closed) || !strings.Contains(closed.Reason, reason) {
		c.t.Fatalf("close reason %q, want one with %q", closed.Reason, reason)
	}
}

func (c *client) close() { _ = c.ws.Close(websocket.StatusNormalClosure, "") }

// refusedWith asks for a socket that must be refused, and returns the body.
func (s *site) refusedWith(status int, path string, header http.Header) string {
	s.t.Helper()
	ws, resp, err := s.try(path, header)
	if err == nil {
		_ = ws.CloseNow()
		s.t.Fatalf("%s: accepted, want %d", path, status)
	}
	if resp == nil {
		s.t.Fatalf("%s: %v", path, err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != status {
		s.t.Fatalf("%s: got %d, want %d", path, resp.StatusCode, status)
	}
	return string(body)
}

// heartbeats keeps the connection alive for a while.
func heartbeats(c *client, d time.Duration) {
	for range d / (10 * time.Second) {
		<-time.After(10 * time.Second)
		_ = c.ws.Write(context.Background(), websocket.MessageText, []byte(`[null,"hb","phoenix","heartbeat",{}]`))
	}
}

// expectButHeartbeats is expect that skips the replies to heartbeats.
func (c *client) expectButHeartbeats(want string) {
	c.t.Helper()
	for {
		raw, frame := c.next()
		if frame[2] == "phoenix" {
			continue
		}
		var wanted []any
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			c.t.Fatal(err)
		}
		if diff := cmp.Diff(wanted, frame); diff != "" {
			c.t.Fatalf("frame (-want +got):\n%s\ngot %s", diff, raw)
		}
		return
	}
}

// presence takes the frames that are there, and applies the state and the diffs among them as a client does, but
// strictly: a diff before the state, or one that does not fit, fails the test.
func (c *client) presence() map[string][]map[string]any {
	c.t.Helper()
	for len(c.frames) > 0 {
		_, frame := c.next()
		payload, _ := frame[4].(map[string]any)
		switch frame[3] {
		case "presence_state":
			c.metas = map[string][]map[string]any{}
			c.apply(payload, true)
		case "presence_diff":
			if c.metas == nil {
				c.t.Fatal("a diff came before the state")
			}
			// The runtime makes one change a diff, an update being a leave and a join of one key.
			c.apply(payload["leaves"].(map[string]any), false)
			c.apply(payload["joins"].(map[string]any), true)
		}
	}
	return c.metas
}

func (c *client) apply(state map[string]any, join bool) {
	c.t.Helper()
	for key, entry := range state {
		for _, m := range entry.(map[string]any)["metas"].([]any) {
			meta := m.(map[string]any)
			at := slices.IndexFunc(c.metas[key], func(other map[string]any) bool { return other["phx_ref"] == meta["phx_ref"] })
			if (at < 0) != join {
				c.t.Fatalf("%s: %v is there already, or not there", key, meta)
			}
			if join {
				c.metas[key] = append(c.metas[key], meta)
				continue
			}
			c.metas[key] = slices.Delete(c.metas[key], at, at+1)
			if len(c.metas[key]) == 0 {
				delete(c.metas, key)
			}
		}
	}
}

// withIDs gives the connections the ids that are sent.
func withIDs(s *site, ids <-chan string) {
	gen.OnConnect(s.server, func(ctx context.Context, _ *http.Request, _ *gen.ConnectQuery) (context.Context, error) {
		return channel.WithID(ctx, <-ids), nil
	})
}
