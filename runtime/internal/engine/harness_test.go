package engine

import (
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// parkServer is a server on a real network, where there is something to park.
func parkServer(t *testing.T, cfg Config) (*Server, *httptest.Server) {
	t.Helper()
	cfg.Logger = slog.New(slog.DiscardHandler)
	s := New(cfg)
	s.parkAfter = 20 * time.Millisecond
	web := httptest.NewServer(s)
	t.Cleanup(func() {
		if err := s.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		web.Close()
	})
	return s, web
}

func dial(t *testing.T, web *httptest.Server) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), web.URL+"/websocket?vsn=2.0.0", &websocket.DialOptions{HTTPClient: web.Client()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

// links returns the links of all connections.
func (s *Server) links() (links []*link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		if l, ok := c.out.carrier.(*link); ok {
			links = append(links, l)
		}
	}
	return links
}

// until waits for a condition that others bring about.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for !condition() {
		if t.Context().Err() != nil {
			t.Fatalf("never: %s", what)
		}
		runtime.Gosched()
	}
}

func allParked(s *Server, n int) func() bool {
	return func() bool {
		links := s.links()
		for _, l := range links {
			if !l.parked.Load() {
				return false
			}
		}
		return len(links) == n
	}
}

// beat sends a heartbeat and waits for the answer.
func beat(t *testing.T, conn *websocket.Conn, ref int) {
	t.Helper()
	if err := conn.Write(t.Context(), websocket.MessageText, fmt.Appendf(nil, `[null,"%d","phoenix","heartbeat",{}]`, ref)); err != nil {
		t.Fatal(err)
	}
	expectBeat(t, conn, ref)
}

func expectBeat(t *testing.T, conn *websocket.Conn, ref int) {
	t.Helper()
	_, answer, err := conn.Read(t.Context())
	if want := fmt.Sprintf(`[null,"%d","phoenix","phx_reply",{"status":"ok","response":{}}]`, ref); err != nil || string(answer) != want {
		t.Fatalf("got %q, %v; want %q", answer, err, want)
	}
}

// upgraded returns the network's connection of a WebSocket.
func upgraded(t *testing.T, web *httptest.Server) net.Conn {
	t.Helper()
	return upgradedAs(t, web, "")
}

// upgradedAs is upgraded with more in the query.
func upgradedAs(t *testing.T, web *httptest.Server, query string) net.Conn {
	t.Helper()
	raw, err := net.Dial("tcp", web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	_, _ = fmt.Fprintf(raw, "GET /websocket?vsn=2.0.0%s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", query)
	var head []byte
	one := make([]byte, 1)
	for !strings.HasSuffix(string(head), "\r\n\r\n") {
		if _, err := raw.Read(one); err != nil {
			t.Fatal(err)
		}
		head = append(head, one[0])
	}
	return raw
}
