// Package hostile_test attacks a server as clients can, and holds after each attack that the process lives, that memory
// and goroutines are what they were, and that the others are served as before.
package hostile_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/chgen/chgen/internal/echo"
	"github.com/chgen/chgen/runtime/channel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a server and what its clients reach it by: pipes in memory, in a synctest bubble.
type site struct {
	t      testing.TB
	server *channel.Server
	http   *http.Server
	dialer *pipes
	log    *watch
	conns  []net.Conn // of attackers
}

func newSite(t testing.TB, opts ...channel.Option) *site {
	s := &site{t: t, dialer: &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}, log: &watch{}}
	logger := slog.New(slog.NewTextHandler(s.log, nil))
	s.server = channel.NewServer(append([]channel.Option{channel.WithLogger(logger)}, opts...)...)
	echo.Handle(s.server)
	s.http = &http.Server{Handler: s.server, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(s.log, "", 0)}
	go func() { _ = s.http.Serve(s.dialer) }()
	return s
}

func (s *site) stop() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		s.t.Errorf("Shutdown: %v", err)
	}
	_ = s.http.Close()
	if n := s.log.panics.Load(); n != 0 {
		s.t.Errorf("something panicked, %d times", n)
	}
}

// watch is a log that keeps nothing but how often something has panicked.
type watch struct{ panics atomic.Int64 }

func (w *watch) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("panic")) {
		w.panics.Add(1)
	}
	return len(p), nil
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

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
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

// client returns an HTTP client with connections of its own.
func (s *site) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: s.dialer.Dial, DisableKeepAlives: true}}
}

// attack runs an assault on a server that others use, twice, and then holds what the package comment says. The memory is
// that after the first: the Go runtime keeps what so many goroutines once took.
func attack(t *testing.T, assault func(s *site), opts ...channel.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, opts...)
		ctx, cancel := context.WithCancel(context.Background())
		others := s.bystanders(ctx)
		others.talk(t, "before")
		goroutines, _ := level()
		var heap [2]uint64
		for i := range heap {
			assault(s)
			for _, c := range s.conns {
				_ = c.Close()
			}
			s.conns = nil
			<-time.After(time.Minute) // sessions expire, the idle are found out
			others.talk(t, "after")
			var now int
			now, heap[i] = level()
			if now != goroutines {
				t.Errorf("%d goroutines, %d before", now, goroutines)
			}
		}
		if heap[1] > heap[0]+512<<10 {
			t.Errorf("%d KiB of heap, %d before", heap[1]>>10, heap[0]>>10)
		}
		cancel()
		s.stop()
		others.wait()
	})
}

// level returns how many goroutines there are and how much memory is in use, once everything is still.
func level() (goroutines int, heap uint64) {
	synctest.Wait()
	for range 3 { // pools empty at the second, what has a finalizer goes at the next
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return runtime.NumGoroutine(), stats.HeapAlloc
}

// bystanders are two clients in room:lobby, one over WebSocket and one over long-polling, who do what clients do.
type bystanders struct {
	ws    *websocket.Conn
	heard [2]chan string // the messages that each has heard
	done  sync.WaitGroup
}

func (s *site) bystanders(ctx context.Context) *bystanders {
	s.t.Helper()
	b := &bystanders{heard: [2]chan string{make(chan string, 1024), make(chan string, 1024)}}
	ws, _, err := websocket.Dial(ctx, "ws://example.com/socket/websocket?vsn=2.0.0&name=Ada", &websocket.DialOptions{HTTPClient: s.client()})
	if err != nil {
		s.t.Fatal(err)
	}
	b.ws = ws
	ws.SetReadLimit(-1)
	b.done.Go(func() { b.listen() })
	b.done.Go(func() {
		for ctx.Err() == nil {
			_ = ws.Write(context.WithoutCancel(ctx), websocket.MessageText, []byte(`[null,"hb","phoenix","heartbeat",{}]`))
			select {
			case <-time.After(20 * time.Second):
			case <-ctx.Done():
			}
		}
	})
	p := s.poller("Grace")
	b.done.Go(func() {
		for ctx.Err() == nil {
			b.take(p.do(ctx, http.MethodGet, "").Messages)
		}
	})
	b.say(s.t, `["1","1","room:lobby","phx_join",{}]`)
	p.do(ctx, http.MethodPost, `["1","1","room:lobby","phx_join",{}]`)
	synctest.Wait()
	return b
}

func (b *bystanders) listen() {
	for {
		_, data, err := b.ws.Read(context.Background())
		if err != nil {
			_ = b.ws.CloseNow()
			return
		}
		if body := heard(data); body != "" {
			b.heard[0] <- body
		}
	}
}

func (b *bystanders) take(messages []string) {
	for _, m := range messages {
		if body := heard([]byte(m)); body != "" {
			b.heard[1] <- body
		}
	}
}

// heard returns the text of a frame that is a message_created.
func heard(data []byte) string {
	var frame [5]json.RawMessage
	var message struct{ Body string }
	if json.Unmarshal(data, &frame) != nil || string(frame[3]) != `"message_created"` || json.Unmarshal(frame[4], &message) != nil {
		return ""
	}
	return message.Body
}

func (b *bystanders) say(t testing.TB, frame string) {
	t.Helper()
	if err := b.ws.Write(context.Background(), websocket.MessageText, []byte(frame)); err != nil {
		t.Fatalf("an innocent client cannot send: %v", err)
	}
}

// talk has the one over WebSocket say something, which both must hear at once, and nothing before it.
func (b *bystanders) talk(t testing.TB, body string) {
	t.Helper()
	b.say(t, fmt.Sprintf(`["1","2","room:lobby","send_message",{"body":%q}]`, body))
	synctest.Wait()
	for i, heard := range b.heard {
		select {
		case got := <-heard:
			if got != body {
				t.Errorf("bystander %d heard %q, want %q", i, got, body)
			}
		default:
			t.Errorf("bystander %d heard nothing, want %q", i, body)
		}
	}
}

func (b *bystanders) wait() { b.done.Wait() }

// poller is a client of long-polling.
type poller struct {
	http  *http.Client
	url   string
	token string
}

// answer is what a request of long-polling is answered.
type answer struct {
	http     int // the status of HTTP, 0 where there was no answer
	Status   int
	Token    string
	Messages []string
}

// poller opens a session.
func (s *site) poller(name string) *poller {
	p := &poller{http: s.client(), url: "http://example.com/socket/longpoll?vsn=2.0.0&name=" + name}
	p.token = p.do(context.Background(), http.MethodGet, "").Token
	return p
}

func (p *poller) do(ctx context.Context, method, body string) (a answer) {
	return p.stream(ctx, method, strings.NewReader(body))
}

func (p *poller) stream(ctx context.Context, method string, body io.Reader) (a answer) {
	r, _ := http.NewRequestWithContext(ctx, method, p.url, body)
	r.Header.Set("X-Phoenix-Longpoll-Token", p.token)
	r.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := p.http.Do(r)
	if err != nil {
		return a
	}
	defer func() { _ = resp.Body.Close() }()
	a.http = resp.StatusCode
	data, _ := io.ReadAll(resp.Body)
	_ = json.Unmarshal(data, &a)
	return a
}

// attacker is a connection that sends whatever it wants.
type attacker struct {
	net.Conn
	received <-chan []byte // all of it, once the connection has ended
}

// dial opens a connection that reads nothing.
func (s *site) dial() net.Conn {
	s.t.Helper()
	conn, err := s.dialer.Dial(context.Background(), "", "")
	if err != nil {
		s.t.Fatal(err)
	}
	s.conns = append(s.conns, conn)
	return conn
}

// open opens a connection that reads whatever comes, and says something over it.
func (s *site) open(request string) *attacker {
	s.t.Helper()
	conn := s.dial()
	received := make(chan []byte, 1)
	go func() {
		data, _ := io.ReadAll(conn)
		received <- data
	}()
	a := &attacker{conn, received}
	a.send([]byte(request))
	return a
}

// upgrade is what opens a WebSocket.
const upgrade = "GET /socket/websocket?vsn=2.0.0&name=Mallory HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"

// webSocket opens a WebSocket that reads whatever comes.
func (s *site) webSocket() *attacker {
	s.t.Helper()
	return s.open(upgrade + "\r\n")
}

// send sends bytes, and reports whether they were taken.
func (a *attacker) send(data []byte) bool {
	_, err := a.Write(data)
	return err == nil
}

func (a *attacker) text(frame string) { a.send(masked(finText, []byte(frame))) }

// The first bytes of frames.
const (
	finText      = 0x81
	finBinary    = 0x82
	text         = 0x01
	continuation = 0x00
	compressed   = 0xc1
	ping         = 0x89
)

// masked is a frame as a client sends it, with a mask of zeros.
func masked(first byte, payload []byte) []byte {
	frame := []byte{first}
	switch n := len(payload); {
	case n < 126:
		frame = append(frame, 0x80|byte(n))
	case n <= 0xffff:
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(n))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 0x80|127), uint64(n))
	}
	return append(append(frame, 0, 0, 0, 0), payload...)
}

// closed waits for the end of the connection and returns the code of the close frame that came before it, 0 where none
// did.
func (a *attacker) closed() int {
	frames := serverFrames(<-a.received)
	if len(frames) == 0 {
		return 0
	}
	last := frames[len(frames)-1]
	if last.first != 0x88 || len(last.payload) < 2 {
		return 0
	}
	return int(binary.BigEndian.Uint16(last.payload))
}

// frame is one WebSocket frame of the server.
type frame struct {
	first   byte
	payload []byte
}

// serverFrames returns the frames that follow the answer to the upgrade. What is left over at the end is none.
func serverFrames(data []byte) (frames []frame) {
	_, data, _ = bytes.Cut(data, []byte("\r\n\r\n"))
	for len(data) >= 2 {
		n, head := int(data[1]), 2
		switch {
		case n == 126 && len(data) >= 4:
			n, head = int(binary.BigEndian.Uint16(data[2:])), 4
		case n == 127 && len(data) >= 10:
			n, head = int(binary.BigEndian.Uint64(data[2:])), 10
		case n >= 126:
			return frames
		}
		if len(data) < head+n {
			return frames
		}
		frames = append(frames, frame{data[0], data[head : head+n]})
		data = data[head+n:]
	}
	return frames
}
