//go:build unix

package engine

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/chgen/chgen/runtime/wire"
)

// What is written from several goroutines, partly at once and partly by flushers, with pings in between, over a network
// that takes little at a time, arrives whole and in each one's order.
func TestFramesStayWholeOnANetworkThatTakesThemInPieces(t *testing.T) {
	t.Parallel()
	const writers, frames = 4, 2000
	s, web := parkServer(t, Config{Limits: Limits{QueueBytes: 64 << 20}})
	conn := dial(t, web)
	conn.SetReadLimit(-1)
	until(t, "the connection is there", func() bool { return len(s.links()) == 1 })
	l := s.links()[0]
	if err := l.Conn.(*net.TCPConn).SetWriteBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	for w := range writers {
		work.Go(func() {
			for i := range frames {
				size := i % 700
				if i%1000 == 0 {
					size = 256 << 10 // more than the network takes at once
				}
				payload := fmt.Appendf(nil, `{"w":%d,"i":%d,"x":"%s"}`, w, i, strings.Repeat("x", size))
				m := &wire.Message{Topic: "t", Event: "e", Payload: payload}
				var err error
				if w%2 == 0 {
					err = l.owner.send(m)
				} else {
					err = l.owner.sendHere(m)
				}
				if err != nil {
					t.Error(err)
				}
				if i%100 == 0 {
					if err := l.owner.out.control([]byte{0x89, 1, byte(w)}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	work.Wait() // nobody reads meanwhile, so the network has taken a part of something and no more
	next := [writers]int{}
	for range writers * frames {
		_, text, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var w, i int
		if _, err := fmt.Sscanf(string(text), `[null,null,"t","e",{"w":%d,"i":%d,`, &w, &i); err != nil || next[w] != i {
			t.Fatalf("got %.60s, want frame %v: %v", text, next, err)
		}
		next[w]++
	}
	l.owner.Close(closeGoingAway, "")
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != closeGoingAway {
		t.Error(err)
	}
}

func TestMoreFlushersHelpOnceARoundTakesLong(t *testing.T) {
	t.Parallel()
	const all = 4
	var work sync.WaitGroup
	f := flushers{work: &work, all: all, running: all / 2} // the test is all that half of them do
	for range 8 * flushBatch {
		f.add(&queue{})
	}
	var batch [flushBatch]*queue
	if n := f.take(batch[:]); n != flushBatch || f.running != all/2 {
		t.Fatalf("%d queues are taken with %d flushers, want %d with %d", n, f.running, flushBatch, all/2)
	}
	f.began = f.began.Add(-2 * patience)
	if n := f.take(batch[:]); n != flushBatch {
		t.Fatalf("%d queues are taken, want %d", n, flushBatch)
	}
	work.Wait() // for the one that has come to help, and has done the rest
	if n := f.take(batch[:]); n != 0 || f.running != all/2-1 {
		t.Errorf("%d queues are left, and %d flushers, want none and %d", n, f.running, all/2-1)
	}
}
