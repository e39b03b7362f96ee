package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// player plays the client's part of a recording against the peer, at the recorded times of a clock that stands still
// while anything runs: it lives in a synctest bubble.
type player struct {
	t      *testing.T
	server *nodes
	web    *http.Server
	pipes  *pipes
	client *http.Client
	begun  time.Time
	conns  map[string]*websocket.Conn

	requests sync.WaitGroup // of long-polling

	mu    sync.Mutex // guards what follows
	token string     // of the latest answer to a request that carried none
	got   []*event
}

func newPlayer(t *testing.T, size int) *player {
	p := &player{t: t, pipes: newPipes(), begun: time.Now(), conns: make(map[string]*websocket.Conn)}
	p.server = newNodes(slog.New(slog.DiscardHandler), size)
	p.web = &http.Server{Handler: p.server, ReadHeaderTimeout: time.Minute}
	p.client = &http.Client{Transport: &http.Transport{DialContext: p.pipes.Dial}}
	go func() { _ = p.web.Serve(p.pipes) }()
	return p
}

// stop ends everything; the bubble fails the test where a goroutine is left.
func (p *player) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.server.Shutdown(ctx); err != nil {
		p.t.Errorf("Shutdown: %v", err)
	}
	for _, ws := range p.conns {
		_ = ws.CloseNow()
	}
	p.requests.Wait()
	p.client.CloseIdleConnections()
	_ = p.web.Close()
}

// happen notes what the server has done.
func (p *player) happen(events ...*event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, events...)
}

// events waits until nothing moves any more, and returns what has happened so far.
func (p *player) events() []*event {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got[:len(p.got):len(p.got)]
}

// until lets the time come when a line was recorded.
func (p *player) until(l *line) { <-time.After(l.at() - time.Since(p.begun)) }

// do does what the client did. number is the line's, from 1.
func (p *player) do(number int, l *line) {
	p.t.Helper()
	ctx := context.Background()
	switch l.Dir {
	case "connect":
		p.connect(l)
	case "send":
		kind, data := websocket.MessageText, []byte(l.Raw)
		if l.Bin != nil {
			kind, data = websocket.MessageBinary, unhex(p.t, *l.Bin)
		}
		if err := p.conns[l.Conn].Write(ctx, kind, data); err != nil {
			p.t.Errorf("%s: sending %s: %v", l.Conn, l.sent(), err)
		}
	case "pong":
		if err := p.conns[l.Conn].Ping(ctx); err != nil {
			p.t.Errorf("%s: ping: %v", l.Conn, err)
		}
		p.happen(&event{conn: l.Conn, kind: "pong"})
	case "close":
		_ = p.conns[l.Conn].Close(websocket.StatusNormalClosure, "")
	case "http_req":
		p.requests.Go(func() { p.request(number, l) })
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// connect opens a WebSocket and notes what comes over it.
func (p *player) connect(l *line) {
	p.t.Helper()
	header := http.Header{}
	for name, value := range l.Headers {
		header.Set(name, value)
	}
	ws, resp, err := websocket.Dial(context.Background(), "ws://127.0.0.1"+l.URL, &websocket.DialOptions{
		HTTPClient:   p.client,
		HTTPHeader:   header,
		Subprotocols: l.Protocols,
	})
	if err != nil {
		if resp == nil {
			p.t.Fatalf("%s: %v", l.URL, err)
		}
		p.happen(&event{conn: l.Conn, kind: "refused", number: resp.StatusCode})
		return
	}
	p.conns[l.Conn] = ws
	ws.SetReadLimit(-1)
	p.happen(&event{conn: l.Conn, kind: "open", text: ws.Subprotocol()})
	go func() {
		for {
			kind, data, err := ws.Read(context.Background())
			var closed websocket.CloseError
			switch {
			case errors.As(err, &closed) && closed.Code != websocket.StatusNormalClosure:
				p.happen(&event{conn: l.Conn, kind: "close", number: int(closed.Code), text: closed.Reason})
				return
			case err != nil:
				return
			case kind == websocket.MessageBinary:
				p.happen(&event{conn: l.Conn, kind: "frame", text: hex.EncodeToString(data), binary: true})
			default:
				p.happen(&event{conn: l.Conn, kind: "frame", text: string(data)})
			}
		}
	}()
}

// request makes one request of long-polling and notes the answer.
func (p *player) request(number int, l *line) {
	carriesToken := false
	withToken := func(text string) string {
		p.mu.Lock()
		defer p.mu.Unlock()
		carriesToken = carriesToken || strings.Contains(text, "<TOKEN>")
		return strings.ReplaceAll(text, "<TOKEN>", p.token)
	}
	var body string
	if l.Body != nil {
		if err := json.Unmarshal(l.Body, &body); err != nil {
			p.t.Errorf("line %d: %v", number, err)
			return
		}
	}
	r, err := http.NewRequest(l.Method, "http://127.0.0.1"+withToken(l.Path), strings.NewReader(body)) //nolint:noctx // the server ends it
	if err != nil {
		p.t.Error(err)
		return
	}
	for name, value := range l.Headers {
		r.Header.Set(name, withToken(value))
	}
	resp, err := p.client.Do(r)
	if err != nil {
		p.happen(&event{kind: "response", number: number, text: err.Error()})
		return
	}
	data, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		p.t.Error(err)
	}
	var answer struct {
		Token string `json:"token"`
	}
	if json.Unmarshal(data, &answer) == nil && answer.Token != "" && !carriesToken {
		p.mu.Lock()
		p.token = answer.Token
		p.mu.Unlock()
	}
	p.happen(responseEvents(p.t, number, resp.StatusCode, resp.Header.Get, data)...)
}

// pipes is a net.Listener whose connections are made by Dial, in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

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

// Dial is for http.Transport.
func (p *pipes) Dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
