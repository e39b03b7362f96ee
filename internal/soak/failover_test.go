package soak_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chgen/chgen/runtime/client"
)

// BenchmarkFailover kills one of three nodes with CLIENTS clients (10,000) on TOPICS topics (100), while somebody
// publishes, and measures until all are back and have been told what they missed. They find the other nodes at the
// first attempt, as behind a load balancer.
func BenchmarkFailover(b *testing.B) {
	for range b.N {
		s, _ := redisService(b, 3)
		failOver(b, s, number("CLIENTS", 10000), number("TOPICS", 100))
	}
}

func failOver(b *testing.B, s *service, clients, topics int) {
	r := &run{t: b, clock: clock(time.Now()), service: s}
	r.followers = make([]*follower, clients)
	var addrs []string
	for _, n := range s.nodes {
		addrs = append(addrs, n.addr())
	}
	var turn atomic.Int64
	next := make(chan int)
	var joining sync.WaitGroup
	for range 64 {
		joining.Go(func() {
			for i := range next {
				f, err := follow(s.url(), fmt.Sprint("f", i), r.clock, []string{fmt.Sprint("long:", i%topics)})
				if err == nil {
					f.wire.dial = balance(addrs, &turn)
					err = f.join(b.Context())
				}
				if err != nil {
					b.Error(err)
				}
				r.followers[i] = f
			}
		})
	}
	for i := range clients {
		next <- i
	}
	close(next)
	joining.Wait()
	b.Logf("%d clients have joined in %v", clients, r.clock.now().Round(time.Millisecond))
	defer func() {
		var closing sync.WaitGroup
		for _, f := range r.followers {
			closing.Go(f.client.Close)
		}
		closing.Wait()
	}()
	ctx, stop := context.WithCancel(b.Context())
	var publishing sync.WaitGroup
	publishing.Go(func() {
		for i := 0; pause(ctx, 20*time.Millisecond); i++ {
			r.say(r.followers[i%clients], 0, false)
		}
	})
	pause(ctx, time.Second)
	killed := r.clock.now()
	s.nodes[0].kill()
	pause(ctx, 10*time.Second) // what has not come back by then is waited for below
	stop()
	publishing.Wait()
	for i := range topics { // so that every topic has something that its members can be waited with
		id, _ := r.say(r.followers[i], 0, false)
		for k := i; k < clients; k += topics {
			r.expect(r.followers[k].recorders[0], id)
		}
	}
	r.reportFailover(b, killed)
}

func (r *run) reportFailover(b *testing.B, killed time.Duration) {
	log := r.collect()
	judge(b, log)
	var back []time.Duration
	for _, stream := range log.Streams {
		for _, e := range stream.Events {
			if e.ID == "" && e.At > killed {
				if back = append(back, e.At-killed); !e.Recovered {
					b.Errorf("client %s has not recovered", stream.Client)
				}
			}
		}
	}
	slices.Sort(back)
	if len(back) == 0 {
		b.Fatal("nobody had to come back")
	}
	const window = 100 * time.Millisecond
	peak, from := 0, 0
	for to := range back {
		for back[to]-back[from] >= window {
			from++
		}
		peak = max(peak, to-from+1)
	}
	b.ReportMetric(float64(len(back)), "rejoins")
	b.ReportMetric(back[len(back)/2].Seconds(), "s-to-half")
	b.ReportMetric(back[len(back)-1].Seconds(), "s-to-all")
	b.ReportMetric(float64(peak)*float64(time.Second/window), "peak-joins/s")
	b.ReportMetric(0, "ns/op")
}

func (r *run) expect(rec *recorder, id string) {
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	if err := rec.await(ctx, id); err != nil {
		r.t.Error(err)
	}
}

// balance connects to the nodes in turn, to the next one where one cannot be reached.
func balance(addrs []string, turn *atomic.Int64) func(context.Context, string, http.Header) (client.Conn, error) {
	return func(ctx context.Context, target string, header http.Header) (conn client.Conn, err error) {
		first := int(turn.Add(1))
		for i := range addrs {
			u, _ := url.Parse(target)
			u.Host = addrs[(first+i)%len(addrs)]
			if conn, err = new(client.WebSocket).Dial(ctx, u.String(), header); err == nil {
				return conn, nil
			}
		}
		return nil, err
	}
}
