package channel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/gen"
)

func TestBroadcastReachesEverybodyBeforeTheReply(t *testing.T) {
	r := &room{say: func(ctx context.Context, m *member, in Text) (Text, error) {
		if strings.HasPrefix(in.Body, "from") {
			return in, m.socket.BroadcastFrom().Said(ctx, in)
		}
		return in, m.socket.Broadcast().Said(ctx, in)
	}}
	run(t, r, func(s *site) {
		a, b, elsewhere := s.join("room:a"), s.join("room:a"), s.join("room:b")
		a.send(`["1","2","room:a","say",{"body":"x"}]`)
		a.expect(`[null,null,"room:a","said",{"body":"x"}]`)
		a.expectReply("2", "ok")
		b.expect(`[null,null,"room:a","said",{"body":"x"}]`)
		a.send(`["1","3","room:a","say",{"body":"from"}]`)
		a.expectReply("3", "ok")
		b.expect(`[null,null,"room:a","said",{"body":"from"}]`)
		elsewhere.expectNothing()
		a.expectNothing()
	})
}

func TestEveryKindOfPayloadIsSent(t *testing.T) {
	r := &room{ping: func(ctx context.Context, m *member) error {
		for _, send := range []RoomSender{m.socket.Push(), m.socket.Broadcast()} {
			for _, err := range []error{send.Raw(ctx, json.RawMessage(`[1,"x"]`)), send.Raw(ctx, nil), send.Cleared(ctx), send.Moved(ctx, Text{"m"})} {
				if err != nil {
					return err
				}
			}
			if send.Raw(ctx, json.RawMessage(`{`)) == nil {
				t.Error("what is no JSON was sent")
			}
		}
		return nil
	}}
	run(t, r, func(s *site) {
		c := s.join("room:a")
		c.send(`["1","2","room:a","ping",{}]`)
		for _, refs := range []string{`"1",null`, `null,null`} {
			c.expect(`[`+refs+`,"room:a","raw",[1,"x"]]`, `[`+refs+`,"room:a","raw",null]`,
				`[`+refs+`,"room:a","cleared",{}]`, `[`+refs+`,"room:a","moved",{"body":"m"}]`)
		}
		c.expectReply("2", "ok")
	})
}

func TestBroadcastFromAnywhere(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c := s.join("room:42")
		ctx := context.Background()
		if err := BroadcastRoom(s.server, RoomTopic{"42"}).Said(ctx, Text{"x"}); err != nil {
			t.Fatal(err)
		}
		c.expect(`[null,null,"room:42","said",{"body":"x"}]`)
		if err := BroadcastRoom(s.server, RoomTopic{"nobody"}).Said(ctx, Text{"x"}); err != nil {
			t.Errorf("to a topic without members: %v", err)
		}
		for _, id := range []string{"", "a:b", "\xff", strings.Repeat("x", 251)} {
			if err := BroadcastRoom(s.server, RoomTopic{id}).Said(ctx, Text{"x"}); err == nil {
				t.Errorf("room_id %q: no error", id)
			}
		}
		if err := BroadcastRoom(s.server, RoomTopic{"42"}).Said(ctx, Text{"far too long for it"}); err == nil {
			t.Error("an invalid payload: no error")
		}
		c.expectNothing()
	})
}

func TestNobodyHearsABroadcastBeforeTheJoinReply(t *testing.T) {
	run(t, &room{}, func(s *site) {
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					_ = BroadcastRoom(s.server, RoomTopic{"a"}).Said(context.Background(), Text{fmt.Sprint(i % 100)})
				}
			}
		})
		for range 20 {
			c := s.connect()
			c.send(`["1","1","room:a","phx_join",{}]`)
			c.expectReply("1", "ok")
			c.close()
		}
		close(stop)
		wg.Wait()
	}, channel.WithLimits(channel.Limits{QueueBytes: 1 << 30}))
}

func TestIntercept(t *testing.T) {
	r := &room{
		say: func(ctx context.Context, m *member, in Text) (Text, error) {
			if in.Body == "from" {
				return in, m.socket.BroadcastFrom().Tagged(ctx, in)
			}
			return in, m.socket.Broadcast().Tagged(ctx, in)
		},
		intercept: func(_ context.Context, m *member, payload *Text) (bool, error) {
			payload.Body += "-" + m.socket.ID()
			return m.socket.ID() != "quiet", nil
		},
	}
	run(t, r, func(s *site) {
		ids := make(chan string, 3)
		withIDs(s, ids)
		ids <- "a"
		a := s.join("room:a")
		ids <- "b"
		b := s.connect()
		b.send(`["7","7","room:a","phx_join",{}]`)
		b.expectReply("7", "ok")
		b.expectState()
		ids <- "quiet"
		quiet := s.join("room:a")
		a.send(`["1","2","room:a","say",{"body":"x"}]`)
		a.expectReply("2", "ok")
		a.expect(`["1",null,"room:a","tagged",{"body":"x-a"}]`)
		b.expect(`["7",null,"room:a","tagged",{"body":"x-b"}]`)
		a.send(`["1","3","room:a","say",{"body":"from"}]`)
		a.expectReply("3", "ok")
		b.expect(`["7",null,"room:a","tagged",{"body":"from-b"}]`)
		a.expectNothing()
		quiet.expectNothing()
	})
}

func TestAnInterceptThatFailsCrashesTheMembership(t *testing.T) {
	r := &room{intercept: func(context.Context, *member, *Text) (bool, error) { panic("boom") }}
	run(t, r, func(s *site) {
		c := s.join("room:a")
		_ = BroadcastRoom(s.server, RoomTopic{"a"}).Tagged(context.Background(), Text{"x"})
		c.expect(`["1","1","room:a","phx_error",{"reason":"channel_crash"}]`)
	})
}

func TestInterceptedEventsAreNeverLostInSilence(t *testing.T) {
	var gate chan struct{}
	r := &room{ping: func(context.Context, *member) error { <-gate; return nil }}
	run(t, r, func(s *site) {
		gate = make(chan struct{})
		c := s.join("room:a")
		c.send(`["1","2","room:a","ping",{}]`)
		synctest.Wait()
		for range 4 {
			_ = BroadcastRoom(s.server, RoomTopic{"a"}).Tagged(context.Background(), Text{"x"})
		}
		close(gate)
		c.expectReply("2", "ok")
		c.expect(`["1","1","room:a","phx_error",{"reason":"channel_crash"}]`)
	}, channel.WithLimits(channel.Limits{MailboxWork: 3}))
}

func TestTheMostSpecificPatternWins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		defer s.stop()
		specs := map[string]*gen.Channel{}
		for _, pattern := range []string{"r:{rest*}", "r:{id}", "r:{id:int}", "r:{id:uuid}", "r:lobby", "r:{id}:x", "{rest*}"} {
			specs[pattern] = &gen.Channel{Name: pattern, Topic: pattern}
			gen.Handle(s.server, specs[pattern], gen.Handlers[string]{
				Join: func(_ context.Context, m *gen.Membership, call *gen.Call) (string, error) {
					reply := Text{pattern[:min(10, len(pattern))]}
					if pattern == "r:{id:int}" {
						reply.Body = fmt.Sprint("int ", m.IntParam(0))
					}
					return "handler", call.Reply(&reply)
				},
			})
		}
		c := s.connect()
		for topic, want := range map[string]string{
			"r:lobby": "r:lobby", "r:42": "int 42", "r:-1": "int -1", "r:007": "r:{id}", "r:-0": "r:{id}", "r:+1": "r:{id}", "r:a": "r:{id}",
			"r:9007199254740993": "r:{id}", "r:a:x": "r:{id}:x", "r:a:b": "r:{rest*}", "r:": "r:{rest*}", "r": "{rest*}", "": "{rest*}",
			"r:00000000-0000-4000-8000-00000000000a": "r:{id:uuid}"[:10], "r:00000000-0000-4000-8000-00000000000A": "r:{id}",
		} {
			c.send(`["1","` + topic + `","` + topic + `","phx_join",{}]`)
			if got := c.expectReply(topic, "ok")["body"]; got != want {
				t.Errorf("%q went to %v, want %s", topic, got, want)
			}
		}
		if err := gen.Broadcast(s.server, specs["r:{id}"], "42").Send(context.Background(), gen.Event{Name: "e"}, &Text{}); err == nil {
			t.Error("a broadcast to a topic of another channel was taken")
		}
		for _, params := range [][]string{{"007"}, {}, {"1", "2"}} {
			if err := gen.Broadcast(s.server, specs["r:{id:int}"], params...).SendEmpty(context.Background(), gen.Event{Name: "e"}); err == nil {
				t.Errorf("params %q: no error", params)
			}
		}
	})
}

func TestPatternsThatClashPanic(t *testing.T) {
	t.Parallel()
	for _, patterns := range [][2]string{{"a:{x}", "a:{y}"}, {"{x}:b", "a:{y}"}, {"a:{x*}", "a:{y*}"}, {"a:{x", "b"}, {"a:{x*}:b", "c"}, {"{}", "c"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q: no panic", patterns)
				}
			}()
			server := channel.NewServer()
			for i, p := range patterns {
				handleRoom(server, &gen.Channel{Name: fmt.Sprint(i), Topic: p}, &room{})
			}
		}()
	}
}

// TestEveryMemberSeesOneOrder holds what the default PubSub promises: publications of one topic come to all its
// members in one order, whoever publishes.
func TestEveryMemberSeesOneOrder(t *testing.T) {
	run(t, &room{}, func(s *site) {
		a, b := s.join("room:a"), s.join("room:a")
		var wg sync.WaitGroup
		const publishers, each = 4, 50
		for p := range publishers {
			wg.Go(func() {
				for i := range each {
					_ = BroadcastRoom(s.server, RoomTopic{"a"}).Said(context.Background(), Text{fmt.Sprint(p, ".", i)})
				}
			})
		}
		wg.Wait()
		last := map[string]int{}
		for range publishers * each {
			rawA, frame := a.next()
			if rawB, _ := b.next(); rawA != rawB {
				t.Fatalf("one member got %s where the other got %s", rawA, rawB)
			}
			var p string
			var i int
			body := frame[4].(map[string]any)["body"].(string)
			p, rest, _ := strings.Cut(body, ".")
			_, _ = fmt.Sscan(rest, &i)
			if i < last[p] {
				t.Fatalf("publisher %s: %d came after %d", p, i, last[p])
			}
			last[p] = i
		}
	})
}

var _ codec.Marshaler = (*Text)(nil)
