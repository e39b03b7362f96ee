package channel_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chgen/chgen/runtime/channel"
	chgenprom "github.com/chgen/chgen/runtime/prometheus"
)

// sink is the server's end of a connection in memory that costs next to nothing, so that a benchmark measures the
// server: what the client says comes from a channel, what the server says is counted.
type sink struct {
	in     chan []byte
	rest   []byte
	wrote  func(p []byte)
	closed chan struct{}
	once   sync.Once
}

func (s *sink) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		select {
		case s.rest = <-s.in:
		case <-s.closed:
			return 0, io.EOF
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *sink) Write(p []byte) (int, error) {
	if s.wrote != nil {
		s.wrote(p)
	}
	return len(p), nil
}

func (s *sink) Close() error                     { s.once.Do(func() { close(s.closed) }); return nil }
func (s *sink) LocalAddr() net.Addr              { return &net.UnixAddr{Name: "sink"} }
func (s *sink) RemoteAddr() net.Addr             { return &net.UnixAddr{Name: "sink"} }
func (s *sink) SetDeadline(time.Time) error      { return nil }
func (s *sink) SetReadDeadline(time.Time) error  { return nil }
func (s *sink) SetWriteDeadline(time.Time) error { return nil }

const upgradeRequest = "GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"

// masked is a text frame as a client sends it, with a mask of zeros.
func masked(text string) []byte {
	frame := []byte{0x81, 0x80 | 126, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(frame[2:], uint16(len(text)))
	return append(frame, text...)
}

// bench is a server and the server ends of its connections.
type bench struct {
	server *channel.Server
	conns  chan net.Conn
	sinks  []*sink
}

func newBench(b *testing.B, r *room, opts ...channel.Option) *bench {
	b.Helper()
	limits := channel.Limits{QueueBytes: 1 << 30, MailboxPushes: 1 << 20, MailboxBytes: 1 << 30, PushRate: 1 << 30}
	opts = append(opts, channel.WithLogger(slog.New(slog.DiscardHandler)), channel.WithLimits(limits))
	s := &bench{server: channel.NewServer(opts...)}
	HandleRoom(s.server, r)
	listener := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	s.conns = listener.conns
	hs := &http.Server{Handler: s.server, ReadHeaderTimeout: time.Minute}
	go func() { _ = hs.Serve(listener) }()
	b.Cleanup(func() {
		for _, c := range s.sinks {
			_ = c.Close()
		}
		_ = s.server.Shutdown(context.Background())
		_ = hs.Close()
	})
	return s
}

// join makes n connections that join room:a; each calls wrote with what it is then sent.
func (s *bench) join(n int, wrote func(p []byte)) {
	var joined sync.WaitGroup
	for range n {
		c := &sink{in: make(chan []byte, 64), closed: make(chan struct{})}
		s.sinks = append(s.sinks, c)
		joined.Add(1)
		c.wrote = func(p []byte) {
			if bytes.Contains(p, []byte("presence_state")) {
				joined.Done()
			} else if wrote != nil {
				wrote(p)
			}
		}
		s.conns <- c
		c.in <- []byte(upgradeRequest)
		c.in <- masked(`["1","1","room:a","phx_join",{}]`)
	}
	joined.Wait()
}

// BenchmarkFanOut measures a delivery: a broadcast to 1,000 members, divided by them.
func BenchmarkFanOut(b *testing.B) {
	const members = 1000
	s := newBench(b, &room{})
	frame := int64(len(`[null,null,"room:a","said",{"body":"hello"}]`) + 2)
	var missing atomic.Int64 // bytes
	done := make(chan struct{}, 1)
	s.join(members, func(p []byte) {
		if bytes.Contains(p, []byte("said")) && missing.Add(-int64(len(p))) == 0 {
			done <- struct{}{}
		}
	})
	send := BroadcastRoom(s.server, RoomTopic{"a"})
	missing.Store(int64((b.N+members-1)/members) * members * frame)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += members {
		if err := send.Said(context.Background(), Text{"hello"}); err != nil {
			b.Fatal(err)
		}
	}
	<-done
}

// BenchmarkPushReply measures a push through a handler and its reply.
func BenchmarkPushReply(b *testing.B) { pushReply(b) }

// BenchmarkPushReplyObserved is the same with Prometheus watching.
func BenchmarkPushReplyObserved(b *testing.B) {
	pushReply(b, channel.WithObserver(chgenprom.New().Observer()))
}

func pushReply(b *testing.B, opts ...channel.Option) {
	b.Helper()
	s := newBench(b, &room{}, opts...)
	replied := make(chan struct{}, 1)
	s.join(1, func(p []byte) {
		if bytes.Contains(p, []byte(`"2"`)) {
			replied <- struct{}{}
		}
	})
	push := masked(`["1","2","room:a","say",{"body":"hello"}]`)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		s.sinks[0].in <- push
		<-replied
	}
}

// BenchmarkSnapshot measures a look at 10,000 connections.
func BenchmarkSnapshot(b *testing.B) {
	s := newBench(b, &room{})
	s.join(10_000, nil)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if n := s.server.Snapshot().Connections["websocket"]; n != 10_000 {
			b.Fatal(n)
		}
	}
}

// BenchmarkJoin measures a connection with one join.
func BenchmarkJoin(b *testing.B) {
	s := newBench(b, &room{})
	b.ReportAllocs()
	for range b.N {
		s.join(1, nil)
		_ = s.sinks[0].Close()
		s.sinks = s.sinks[:0]
	}
}
