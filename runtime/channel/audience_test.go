package channel_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/gen"
)

// TestEveryAudienceOnEveryTransport: a push, a broadcast, one from a client and one from anywhere, each to whom it is for
// and to nobody else.
func TestEveryAudienceOnEveryTransport(t *testing.T) {
	r := &room{say: func(ctx context.Context, m *member, in Text) (Text, error) {
		return in, errors.Join(
			m.socket.Push().Said(ctx, Text{"push"}),
			m.socket.Broadcast().Said(ctx, Text{"broadcast"}),
			m.socket.BroadcastFrom().Said(ctx, Text{"from"}),
		)
	}}
	run(t, r, func(s *site) {
		const (
			pushed    = `["1",null,"room:a","said",{"body":"push"}]`
			broadcast = `[null,null,"room:a","said",{"body":"broadcast"}]`
			from      = `[null,null,"room:a","said",{"body":"from"}]`
			anywhere  = `[null,null,"room:a","said",{"body":"anywhere"}]`
			reply     = `["1","2","room:a","phx_reply",{"status":"ok","response":{"body":"x"}}]`
			say       = `["1","2","room:a","say",{"body":"x"}]`
		)
		ws, lp, elsewhere := s.join("room:a"), s.joinPoller("room:a", ""), s.join("room:b")
		ws.send(say)
		ws.expect(pushed, broadcast, reply)
		synctest.Wait()
		lp.expect(broadcast, from)
		lp.send(say)
		lp.expect(pushed, broadcast, reply)
		ws.expect(broadcast, from)
		if err := BroadcastRoom(s.server, RoomTopic{"a"}).Said(context.Background(), Text{"anywhere"}); err != nil {
			t.Fatal(err)
		}
		ws.expect(anywhere)
		lp.expect(anywhere)
		elsewhere.expectNothing()
	})
}

func TestPendingJoinsCountAsChannels(t *testing.T) {
	var gate chan struct{}
	r := &room{join: func(context.Context, *member, RoomJoin) error { <-gate; return nil }}
	run(t, r, func(s *site) {
		gate = make(chan struct{})
		c := s.connect()
		for _, topic := range []string{"room:a", "room:b", "room:c"} {
			c.send(`["` + topic + `","` + topic + `","` + topic + `","phx_join",{}]`)
			synctest.Wait()
		}
		c.expect(`["room:c","room:c","room:c","phx_reply",{"status":"error","response":{"reason":"too many channels joined"}}]`)
		close(gate)
		for range 4 { // two replies, two states
			c.next()
		}
		c.send(`["room:a","9","room:a","phx_leave",{}]`)
		c.expectReply("9", "ok")
		c.expect(`["room:a","room:a","room:a","phx_close",{}]`)
		c.joinTopic("room:c") // now there is room
	}, channel.WithLimits(channel.Limits{Channels: 2}))
}

// TestLeaveTellsEveryReason holds each reason to what brings it about.
func TestLeaveTellsEveryReason(t *testing.T) {
	for reason, end := range map[channel.Reason]func(s *site, c *client){
		channel.Left:         func(_ *site, c *client) { c.send(`["1","2","room:a","phx_leave",{}]`) },
		channel.Closed:       func(_ *site, c *client) { c.send(`["1","2","room:a","say",{"body":"close"}]`) },
		channel.Crashed:      func(_ *site, c *client) { c.send(`["1","2","room:a","say",{"body":"panic"}]`) },
		channel.Replaced:     func(_ *site, c *client) { c.send(`["2","2","room:a","phx_join",{}]`) },
		channel.Disconnected: func(_ *site, c *client) { c.close() },
		channel.Draining:     func(s *site, _ *client) { s.stop() },
	} {
		t.Run(string(reason), func(t *testing.T) {
			left := &journal{}
			r := &room{
				say: func(_ context.Context, m *member, in Text) (Text, error) {
					if in.Body == "panic" {
						panic("boom")
					}
					m.socket.Close()
					return in, nil
				},
				leave: func(_ context.Context, _ *member, reason channel.Reason) { left.add("%s", reason) },
			}
			run(t, r, func(s *site) {
				end(s, s.join("room:a"))
				left.expect(t, string(reason))
			})
		})
	}
}

// TestShutdownWaitsForHooks: the connect hook that renews, and the function that fetches presence.
func TestShutdownWaitsForHooks(t *testing.T) {
	run(t, nil, func(s *site) {
		gate, ended := make(chan struct{}), &journal{}
		HandleRoom(s.server, lobby(t), FetchRoomPresences(func(context.Context, RoomTopic, map[string][]Text) error {
			<-gate
			ended.add("fetch")
			return nil
		}))
		first := true
		gen.OnConnect(s.server, func(ctx context.Context, _ *http.Request, _ *gen.ConnectQuery) (context.Context, error) {
			if !first {
				<-gate
				ended.add("renewal")
			}
			first = false
			return ctx, nil
		})
		c := s.connectTo(asAda)
		c.send(`["1","1","room:a","phx_join",{"note":"ada"}]`)
		c.expectReply("1", "ok")
		c.send(`[null,"r","phoenix","chgen_params",{}]`)
		synctest.Wait()
		done := make(chan error, 1)
		go func() { done <- s.server.Shutdown(context.Background()) }()
		c.expectClose(1012, "")
		synctest.Wait()
		if len(done) > 0 {
			t.Fatal("Shutdown has returned while hooks run")
		}
		close(gate)
		if err := <-done; err != nil {
			t.Error(err)
		}
		ended.mu.Lock()
		defer ended.mu.Unlock()
		if len(ended.entries) < 2 {
			t.Errorf("only %v has ended", ended.entries)
		}
	})
}
