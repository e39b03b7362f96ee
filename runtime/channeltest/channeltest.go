// Package channeltest tests handlers without a network: it serves a channel.Server in memory and connects Go clients
// (package client) to it, over which generated clients join, push and listen.
//
//	func TestAMessageReachesTheRoom(t *testing.T) {
//		synctest.Test(t, func(t *testing.T) {
//			site := channeltest.New(t, newServer())
//			ada, bob := site.Connect(&chat.ConnectParams{Name: "ada"}), site.Connect(&chat.ConnectParams{Name: "bob"})
//			...
//			messages := channeltest.Watch(t, room.OnMessageCreated)
//			...
//			got := messages.Next()
//		})
//	}
//
// In a bubble of testing/synctest the clock stands still while anything runs, and jumps when everything waits: a test
// of a handler's ten minutes takes no time, and one that waits for what never comes fails at once. Everything that is
// started here lives in the bubble and has ended when the test has. It works without a bubble, too, in real time.
//
// Only tests import this package.
package channeltest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/client"
	"github.com/chgen/chgen/runtime/codec"
)

// patience is how long is waited for what a test expects, on the bubble's clock where there is one.
const patience = 5 * time.Second

// Site is a server that is served in memory. Its methods may be called from any goroutine, but those that can fail the
// test from its own alone.
type Site struct {
	t      testing.TB
	target string
	http   *http.Server
	pipes  *pipes
	dialer client.Transport

	mu     sync.Mutex
	states map[*client.Client]*Events[client.StateChange]
}

// Option configures a Site.
type Option func(*Site)

// WithMount sets where the server serves sockets: the path of one of its mounts. Default "/socket", which a server
// without mounts serves like any other.
func WithMount(path string) Option {
	return func(s *Site) { s.target = "ws://" + host + path }
}

const host = "channeltest.invalid"

// New serves server until the test ends; then the clients are closed and the server is shut down, which must not take
// long.
func New(t testing.TB, server *channel.Server, opts ...Option) *Site {
	t.Helper()
	s := &Site{
		t:      t,
		http:   &http.Server{Handler: server, ReadHeaderTimeout: time.Minute},
		pipes:  newPipes(),
		states: make(map[*client.Client]*Events[client.StateChange]),
	}
	WithMount("/socket")(s)
	for _, opt := range opts {
		opt(s)
	}
	s.dialer = &client.WebSocket{HTTPClient: &http.Client{
		Transport: &http.Transport{DialContext: s.pipes.dial, DisableKeepAlives: true},
	}}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := s.http.Serve(s.pipes); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("channeltest: %v", err)
		}
	}()
	t.Cleanup(func() {
		s.closeClients()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("channeltest: the server does not stop: %v", err)
		}
		_ = s.http.Close()
		<-served
	})
	return s
}

// Connect opens a socket with these params (nil: none), and fails the test where the server refuses it.
func (s *Site) Connect(params codec.Marshaler, opts ...client.Option) *client.Client {
	s.t.Helper()
	c, err := s.Dial(params, opts...)
	if err != nil {
		s.t.Fatalf("connect: %v", err)
	}
	return c
}

// ExpectRefusal opens a socket, which the server must refuse, and returns its reason.
func (s *Site) ExpectRefusal(params codec.Marshaler, opts ...client.Option) (reason string) {
	s.t.Helper()
	_, err := s.Dial(params, opts...)
	var refused *client.RefusedError
	if !errors.As(err, &refused) {
		s.t.Fatalf("connect: got %v, want the server to refuse", err)
	}
	return refused.Reason
}

// Dial opens a socket and returns what comes of it.
func (s *Site) Dial(params codec.Marshaler, opts ...client.Option) (*client.Client, error) {
	s.t.Helper()
	base := []client.Option{client.WithTransport(s.dialer)}
	if params != nil {
		base = append(base, client.WithParams(params))
	}
	c, err := client.New(s.target, append(base, opts...)...)
	if err != nil {
		return nil, err
	}
	states := Watch(s.t, c.OnState)
	s.mu.Lock()
	s.states[c] = states
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if err := c.Connect(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Transport makes connections to the server, for clients that tests make themselves.
func (s *Site) Transport() client.Transport { return s.dialer }

// ExpectClose waits until the server closes the connection of c, one of Connect's, with this code, and returns the
// reason. (c then reconnects, as clients do.)
func (s *Site) ExpectClose(c *client.Client, code int) (reason string) {
	s.t.Helper()
	s.mu.Lock()
	states := s.states[c]
	s.mu.Unlock()
	if states == nil {
		s.t.Fatal("ExpectClose: the client is not of Connect")
	}
	for {
		change := states.Next()
		var closed *client.CloseError
		var refused *client.RefusedError
		switch {
		case errors.As(change.Err, &closed) && closed.Code == code:
			return closed.Reason
		case errors.As(change.Err, &refused) && code == 4403:
			return refused.Reason
		case change.Err != nil:
			s.t.Fatalf("the connection ended with: %v, want close code %d", change.Err, code)
		}
	}
}

func (s *Site) closeClients() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.states {
		c.Close()
	}
}

// pipes is a net.Listener whose connections are made by dial.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }
