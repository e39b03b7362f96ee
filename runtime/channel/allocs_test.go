//go:build !race

// Under the race detector pools forget at random, so that nothing can be counted: make test runs this file without it.

package channel_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/chgen/chgen/runtime/channel"
)

// The most that the paths may allocate over a socket of the kernel. What they are now stands beside; the rest is for
// other versions of net/http. Who gets below them lowers them.
const (
	maxPerDelivery  = 0.02 // 0, but for a list of connections that grows
	maxPerPushReply = 5    // 4
	maxPerJoin      = 145  // 130, of which the client's own dialing is some 30
)

func TestABroadcastAllocatesNothingForADelivery(t *testing.T) {
	few, many := 100, 500
	s := newLoopback(t)
	clients := s.join(few)
	toFew := s.broadcastAllocs(clients)
	toMany := s.broadcastAllocs(append(clients, s.join(many-few)...))
	if each := (toMany - toFew) / float64(many-few); each > maxPerDelivery {
		t.Errorf("%.3f allocations for each delivery, want at most %.3f", each, maxPerDelivery)
	}
}

func TestAPushAndItsReplyAllocateLittle(t *testing.T) {
	s := newLoopback(t)
	c := s.join(1)[0]
	push := masked(`["1","2","room:a","say",{"body":"hello"}]`)
	n := fewest(func() {
		_, _ = c.Write(push)
		c.await(`["1","2","room:a","phx_reply"`)
	})
	if n > maxPerPushReply {
		t.Errorf("%.1f allocations for a push and its reply, want at most %d", n, maxPerPushReply)
	}
}

func TestAJoinAllocatesLittle(t *testing.T) {
	s := newLoopback(t)
	n := fewest(func() {
		for _, c := range s.join(1) {
			_ = c.Close()
		}
	})
	if n > maxPerJoin {
		t.Errorf("%.1f allocations for a connection with a join, want at most %d", n, maxPerJoin)
	}
}

// loopback is a server and where it listens.
type loopback struct {
	t      *testing.T
	server *channel.Server
	addr   string
}

func newLoopback(t *testing.T) *loopback {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limits := channel.Limits{PushRate: 1 << 30, JoinRate: 1 << 30}
	s := &loopback{t, channel.NewServer(channel.WithLogger(slog.New(slog.DiscardHandler)), channel.WithLimits(limits)), listener.Addr().String()}
	HandleRoom(s.server, &room{})
	hs := &http.Server{Handler: s.server, ReadHeaderTimeout: time.Minute}
	go func() { _ = hs.Serve(listener) }()
	t.Cleanup(func() { _ = hs.Close() })
	return s
}

// plainClient reads what it waits for and nothing else, into memory that it has.
type plainClient struct {
	net.Conn
	t    *testing.T
	buf  []byte
	have int
}

// await returns once want has come, and forgets what has come with it.
func (c *plainClient) await(want string) {
	for !bytes.Contains(c.buf[:c.have], []byte(want)) {
		n, err := c.Read(c.buf[c.have:])
		if err != nil {
			c.t.Fatalf("waiting for %s: %v", want, err)
		}
		c.have += n
	}
	c.have = 0
}

// join makes n connections that join room:a.
func (s *loopback) join(n int) []*plainClient {
	var clients []*plainClient
	for range n {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		c := &plainClient{Conn: conn, t: s.t, buf: make([]byte, 1024)}
		_, _ = io.WriteString(c, upgradeRequest)
		c.await("\r\n\r\n")
		_, _ = c.Write(masked(`["1","1","room:a","phx_join",{}]`))
		c.await("presence_state")
		clients = append(clients, c)
	}
	return clients
}

// broadcastAllocs is what a broadcast that arrives at all clients allocates.
func (s *loopback) broadcastAllocs(clients []*plainClient) float64 {
	send := BroadcastRoom(s.server, RoomTopic{"a"})
	return fewest(func() {
		_ = send.Said(context.Background(), Text{"hello"})
		for _, c := range clients {
			c.await("said")
		}
	})
}

// fewest is how often f allocates when nothing else happens: the runtime's own work counts with it, so some runs have more.
func fewest(f func()) float64 {
	runs := make([]float64, 10)
	for i := range runs {
		runs[i] = testing.AllocsPerRun(10, f)
	}
	return slices.Min(runs)
}
