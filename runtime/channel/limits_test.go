package channel_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/gen"
)

func TestOnlySoManyConnections(t *testing.T) {
	run(t, nil, func(s *site) {
		ws := s.connect()
		p := s.poller("")
		if body := s.refusedWith(503, "/socket/websocket?vsn=2.0.0", nil); body != "too many connections\n" {
			t.Errorf("body %q", body)
		}
		if resp, _ := s.request(context.Background(), http.MethodGet, "/socket/longpoll?vsn=2.0.0", "", nil); resp.status != http.StatusServiceUnavailable {
			t.Errorf("long-polling: got %d, want 503", resp.status)
		}
		s.refusedWith(403, "/socket/websocket?vsn=9.0.0", nil)
		p.expect() // those that are there live on
		ws.close()
		synctest.Wait()
		s.connect().close()
	}, channel.WithLimits(channel.Limits{Connections: 2}))
}

func TestAConnectHookThatTakesTooLong(t *testing.T) {
	run(t, nil, func(s *site) {
		gen.OnConnect(s.server, func(ctx context.Context, _ *http.Request, q *gen.ConnectQuery) (context.Context, error) {
			<-ctx.Done()
			if _, ok := q.Get("late"); ok {
				return ctx, nil
			}
			return nil, ctx.Err()
		})
		began := time.Now()
		s.refusedWith(503, "/socket/websocket?vsn=2.0.0&chgen=1", nil)
		if resp, _ := s.request(context.Background(), http.MethodGet, "/socket/longpoll?vsn=2.0.0", "", nil); resp.status != http.StatusServiceUnavailable {
			t.Errorf("long-polling: got %d, want 503", resp.status)
		}
		if got := time.Since(began); got != 20*time.Second {
			t.Errorf("answered after %v, want 10s each", got)
		}
		s.connectTo("/socket/websocket?vsn=2.0.0&late=1").close()
	})
}

func TestAClientThatReadsNothingIsCutOffInTime(t *testing.T) {
	left := &journal{}
	began := time.Time{}
	r := &room{leave: func(_ context.Context, _ *member, reason channel.Reason) {
		left.add("%s after %v", reason, time.Since(began))
	}}
	run(t, r, func(s *site) {
		began = time.Now()
		ws := s.stalled() // with a few hundred bytes in its queue
		for range 3 {
			<-time.After(10*time.Second - 1)
			if err := ws.Write(context.Background(), websocket.MessageText, []byte(`[null,"1","phoenix","heartbeat",{}]`)); err != nil {
				t.Fatal(err)
			}
			left.expect(t)
		}
		<-time.After(3)
		left.expect(t, "disconnected after 30s")
		if n := s.log.count(`level=WARN msg="connection cut: the client does not read" conn=`); n != 1 {
			t.Errorf("%d log entries say so, want 1", n)
		}
		_ = ws.CloseNow()
	})
}

func TestAClientThatReadsIsNotCutOff(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c := s.join("room:a")
		for range 10 {
			heartbeats(c, 10*time.Second)
			c.expectReplyTo("hb", "ok")
			<-time.After(35 * time.Second) // the deadline of the last write has passed
		}
	})
}

func TestJoinsAndPushesASecond(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c := s.join("room:a")
		limited := map[string]any{"reason": "rate_limited"}
		flood := func(frame string, taken int) {
			t.Helper()
			for i := range taken + 2 {
				c.send(frame)
				status := "ok"
				if i >= taken {
					status = "error"
				}
				response := c.expectReply("2", status)
				if diff := cmp.Diff(limited, response); i >= taken && diff != "" {
					t.Errorf("response (-want +got):\n%s", diff)
				}
				synctest.Wait() // a second join replaces the first
				for len(c.frames) > 0 {
					c.next()
				}
			}
		}
		flood(`["2","2","room:b","phx_join",{}]`, 2) // room:a was the first
		flood(`["1","2","room:a","ping",{}]`, 5)
		<-time.After(time.Second / 3)
		flood(`["2","2","room:b","phx_join",{}]`, 1)
		<-time.After(time.Minute / 2)
		flood(`["2","2","room:c","phx_join",{}]`, 3)
		flood(`["1","2","room:a","ping",{}]`, 5)
		c.send(`[null,"3","phoenix","heartbeat",{}]`) // is not counted
		c.expectReply("3", "ok")
	}, channel.WithLimits(channel.Limits{JoinRate: 3, PushRate: 5}))
}

func TestBytesThatWaitForHandlers(t *testing.T) {
	var gate chan struct{}
	r := &room{ping: func(context.Context, *member) error { <-gate; return nil }}
	run(t, r, func(s *site) {
		gate = make(chan struct{})
		c := s.join("room:a")
		c.send(`["2","2","room:b","phx_join",{}]`)
		c.expectReply("2", "ok")
		c.expectState()
		pad := strings.Repeat(" ", 30<<10)
		for range 3 { // what is given back can be had again
			c.send(`["1","3","room:a","ping",{}` + pad + `]`) // is worked on
			c.send(`["2","4","room:b","ping",{}` + pad + `]`)
			synctest.Wait()
			c.send(`["1","5","room:a","ping",{}` + pad + `]`)
			if diff := cmp.Diff(map[string]any{"reason": "rate_limited"}, c.expectReply("5", "error")); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			c.send(`["1","6","room:a","ping",{}]`) // is small enough
			gate <- struct{}{}
			gate <- struct{}{}
			gate <- struct{}{}
			for range 3 {
				c.expectReplyTo(nil, "ok")
			}
			c.send(`["1","7","room:a","ping",{}` + pad + pad + `]`) // alone
			gate <- struct{}{}
			c.expectReply("7", "ok")
			synctest.Wait()
		}
		other := s.join("room:a")
		other.send(`["1","8","room:a","ping",{}` + pad + `]`)
		gate <- struct{}{}
		other.expectReply("8", "ok")
	}, channel.WithLimits(channel.Limits{MailboxBytes: 61 << 10}))
}

func TestShutdownDrainsInBatches(t *testing.T) {
	for name, test := range map[string]struct {
		within, interval time.Duration
	}{
		"with time":    {time.Minute, 2 * time.Second},
		"without time": {4 * time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, &room{}, func(s *site) {
				closed := make(chan time.Time, 5)
				for range 5 {
					c := s.join("room:a")
					go func() {
						c.expectClose(1012, "")
						closed <- time.Now()
					}()
				}
				ctx, cancel := context.WithTimeout(context.Background(), test.within)
				defer cancel()
				began := time.Now()
				if err := s.server.Shutdown(ctx); err != nil {
					t.Fatal(err)
				}
				var got, want []time.Duration
				for i := range 5 {
					got = append(got, (<-closed).Sub(began))
					want = append(want, time.Duration(i/2)*test.interval)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("closed after (-want +got):\n%s", diff)
				}
			}, channel.WithLimits(channel.Limits{DrainBatch: 2}))
		})
	}
}
