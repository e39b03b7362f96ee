package channel_test

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chgen/chgen/runtime/gen"
)

// newLoggedBench is a bench with the channel Logged at log:{id}, without intercepts.
func newLoggedBench(b *testing.B) *bench {
	s := newBench(b, &room{})
	handlers := roomHandlers(&room{})
	handlers.Intercepts = nil
	gen.Handle(s.server, &logged, handlers)
	return s
}

// connect opens n connections of generated clients; each calls wrote with what it is then sent.
func (s *bench) connect(n int, wrote func(p []byte)) []*sink {
	var open sync.WaitGroup
	sinks := make([]*sink, n)
	for i := range sinks {
		c := &sink{in: make(chan []byte, 64), closed: make(chan struct{})}
		open.Add(1)
		c.wrote = func(p []byte) {
			if bytes.HasPrefix(p, []byte("HTTP/1.1 101")) {
				open.Done()
			} else {
				wrote(p)
			}
		}
		s.conns <- c
		c.in <- bytes.Replace([]byte(upgradeRequest), []byte("vsn=2.0.0"), fmt.Appendf(nil, "vsn=2.0.0&chgen=1&_client=%d", i), 1)
		sinks[i] = c
	}
	open.Wait()
	return sinks
}

func (s *bench) publish(b *testing.B, n int) {
	for range n {
		if err := (RoomSender{gen.Broadcast(s.server, &logged, "a")}).Said(context.Background(), Text{"hello"}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFanOutWithHistory is BenchmarkFanOut on a channel with history, to generated clients.
func BenchmarkFanOutWithHistory(b *testing.B) {
	const members = 1000
	s := newLoggedBench(b)
	var joined, missing atomic.Int64 // joins and events
	done := make(chan struct{}, 1)
	for _, c := range s.connect(members, func(p []byte) {
		if bytes.Contains(p, []byte("phx_reply")) && joined.Add(1) == members {
			done <- struct{}{}
		}
		if n := bytes.Count(p, []byte(`"said"`)); n > 0 && missing.Add(-int64(n)) == 0 {
			done <- struct{}{}
		}
	}) {
		s.sinks = append(s.sinks, c)
		c.in <- masked(`["1","1","log:a","phx_join",{}]`)
	}
	<-done
	publications := (b.N + members - 1) / members
	missing.Store(int64(publications) * members)
	b.ReportAllocs()
	b.ResetTimer()
	s.publish(b, publications)
	<-done
}

// BenchmarkReconnectStorm measures how long it takes until 10,000 members of one topic, connected again, have joined
// and got the 50 events that each has missed.
func BenchmarkReconnectStorm(b *testing.B) {
	const members, missed = 10_000, 50
	s := newLoggedBench(b)
	position := make(chan string, 1)
	text := regexp.MustCompile(`"position":"([^"]+)"`)
	first := s.connect(1, func(p []byte) {
		if m := text.FindSubmatch(p); m != nil {
			position <- string(m[1])
		}
	})[0]
	first.in <- masked(`["1","1","log:a","phx_join",{}]`)
	join := masked(fmt.Sprintf(`["1","1","log:a","phx_join",{"_recover":%q}]`, <-position))
	_ = first.Close()
	s.publish(b, missed)
	for b.Loop() {
		b.StopTimer()
		var missing atomic.Int64
		missing.Store(members * missed)
		done := make(chan struct{})
		s.sinks = s.connect(members, func(p []byte) {
			if n := bytes.Count(p, []byte(`"said"`)); n > 0 && missing.Add(-int64(n)) == 0 {
				close(done)
			}
		})
		b.StartTimer()
		began := time.Now()
		for _, c := range s.sinks {
			c.in <- join
		}
		<-done
		b.ReportMetric(members/time.Since(began).Seconds(), "joins/s")
		b.StopTimer()
		for _, c := range s.sinks {
			_ = c.Close()
		}
		b.StartTimer()
	}
}
