package channel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
)

func TestPositionsGoToGeneratedClientsAlone(t *testing.T) {
	r := &room{ping: func(ctx context.Context, m *member) error {
		err := errors.Join(m.socket.Broadcast().Moved(ctx, Text{"v"}), m.socket.Broadcast().Status(ctx, Text{"l"}))
		return errors.Join(err, m.socket.Push().Said(ctx, Text{"p"}), m.socket.Broadcast().Said(ctx, Text{"s"}))
	}}
	runLogged(t, r, false, func(s *site) {
		plain, old := s.connect(), s.connectTo("/socket/websocket?vsn=1.0.0")
		plain.send(`["1","1","log:a","phx_join",{}]`)
		plain.expect(`["1","1","log:a","phx_reply",{"status":"ok","response":{"body":""}}]`)
		old.send(`{"topic":"log:a","event":"phx_join","payload":{},"ref":"1"}`)
		<-old.frames
		f := s.follow("f", "")
		f.expectRecovered(false)
		f.send(`["1","2","log:a","ping",{}]`)
		f.expect(`[null,null,"log:a","moved",{"body":"v"}]`, `[null,null,"log:a","status",{"body":"l"}]`, `["1",null,"log:a","said",{"body":"p"}]`)
		f.expectEvents("s")
		f.expectReply("2", "ok")
		plain.expect(`[null,null,"log:a","moved",{"body":"v"}]`, `[null,null,"log:a","status",{"body":"l"}]`, `[null,null,"log:a","said",{"body":"s"}]`)
		oldFrames := []string{string(<-old.frames), string(<-old.frames), string(<-old.frames)}
		if want := `{"topic":"log:a","event":"said","payload":{"body":"s"},"ref":null}`; oldFrames[2] != want {
			t.Errorf("version 1: got %s, want %s", oldFrames[2], want)
		}
	})
}

func TestARejoinBringsWhatWasMissedThenWhatIsNew(t *testing.T) {
	for _, intercept := range []bool{false, true} {
		t.Run(fmt.Sprintf("intercept=%v", intercept), func(t *testing.T) {
			runLogged(t, saying(), intercept, func(s *site) {
				f := s.follow("f", "")
				f.expectRecovered(false)
				s.publish(numbers(1, 5)...)
				f.expectEvents(numbers(1, 5)...)
				f.close()
				s.publish(numbers(6, 60)...)
				f = s.follow("f", f.position)
				f.expectRecovered(true)
				s.publish(numbers(61, 65)...)
				f.expectEvents(numbers(6, 65)...)
				f.expectNothing()
				f = s.follow("g", f.position)
				f.expectRecovered(true)
				s.publish("66")
				f.expectEvents("66")
				f.expectNothing()
			})
		})
	}
}

func TestARejoinOverLongPollingBringsWhatWasMissed(t *testing.T) {
	for _, version := range []string{"", "1"} {
		t.Run("version "+version, func(t *testing.T) {
			runLogged(t, saying(), false, func(s *site) {
				p := s.poller("&chgen=1")
				p.send(`["1","1","log:a","phx_join",{}]`)
				var frame []any
				_ = json.Unmarshal([]byte(p.poll().Messages[0]), &frame)
				at := frame[4].(map[string]any)["recovery"].(map[string]any)["position"].(string)
				s.publish("1", "2")
				join := fmt.Sprintf(`["1","1","log:a","phx_join",{"_recover":%q}]`, at)
				query := "&chgen=1"
				if version != "" {
					query = "&vsn=1.0.0&chgen=1"
					join = fmt.Sprintf(`{"topic":"log:a","event":"phx_join","payload":{"_recover":%q},"ref":"1"}`, at)
				}
				p = s.poller(query)
				p.send(join)
				messages := p.poll().Messages
				if len(messages) != 3 || !strings.Contains(messages[0], `"recovered":true`) ||
					!strings.Contains(messages[1], `{"body":"1"}`) || !strings.Contains(messages[2], `{"body":"2"}`) {
					t.Errorf("got %q, want the reply and what was missed", messages)
				}
			})
		})
	}
}

func TestWhatIsPublishedWhileJoinRunsComesAfterTheReply(t *testing.T) {
	for _, path := range []string{"/socket/websocket?vsn=2.0.0", generated} {
		t.Run(path, func(t *testing.T) {
			var gate, began chan struct{}
			r := &room{join: func(context.Context, *member, RoomJoin) error {
				began <- struct{}{}
				<-gate
				return nil
			}}
			runLogged(t, r, false, func(s *site) {
				gate, began = make(chan struct{}), make(chan struct{})
				s.publish("before")
				c := s.connectTo(path)
				c.send(`["1","1","log:a","phx_join",{}]`)
				<-began
				s.publish("1", "2")
				gate <- struct{}{}
				c.expectReply("1", "ok")
				s.publish("3")
				for _, want := range []string{"1", "2", "3"} {
					if raw, frame := c.next(); frame[4].(map[string]any)["body"] != want {
						t.Fatalf("got %s, want %s", raw, want)
					}
				}
				c.expectNothing()
			})
		})
	}
}

func TestAPositionThatIsNoneRecoversNothing(t *testing.T) {
	runLogged(t, saying(), false, func(s *site) {
		f := s.follow("f", "")
		at := f.expectRecovered(false)
		s.publish(numbers(1, 3)...)
		f.expectEvents(numbers(1, 3)...)
		parts := strings.Split(at, ":")
		other := s.connectTo(generated)
		other.send(`["1","1","log:b","phx_join",{}]`)
		_, frame := other.next()
		elsewhere := frame[4].(map[string]any)["recovery"].(map[string]any)["position"].(string)
		for _, forged := range []string{
			"x", ":", "::", parts[0] + ":0:" + parts[2] + "x", parts[0] + ":1:" + parts[2], parts[0] + ":0", "x:0:" + parts[2], elsewhere,
			strings.Repeat("9", 1000),
		} {
			c := s.follow("c", forged)
			if position := c.expectRecovered(false); position != f.position {
				t.Errorf("%s: got %s to go on from, want %s", forged, position, f.position)
			}
			c.expectNothing()
			c.close()
		}
		c := s.connectTo(generated)
		c.send(`["1","1","log:a","phx_join",{"_recover":{"no":"text"}}]`)
		c.expectReply("1", "ok")
		c.expectNothing()
	})
}

func TestWhatIsNotKeptAnyMoreIsSaid(t *testing.T) {
	runLogged(t, saying(), false, func(s *site) {
		f := s.follow("f", "")
		start := f.expectRecovered(false)
		s.publish(numbers(1, 101)...) // one more than is kept
		f.expectEvents(numbers(1, 101)...)
		c := s.follow("c", start)
		c.expectRecovered(false)
		c.expectNothing()
		s.publish("late")
		heartbeats(f.client, time.Minute)
		c = s.follow("c", f.position)
		c.expectRecovered(false)
		c.expectNothing()
	})
}

func TestWhatBroadcastFromKeptFromItsSenderIsKeptFromItInReplay(t *testing.T) {
	for _, intercept := range []bool{false, true} {
		t.Run(fmt.Sprintf("intercept=%v", intercept), func(t *testing.T) {
			runLogged(t, saying(), intercept, func(s *site) {
				a, b := s.follow("a", ""), s.follow("b", "")
				start := a.expectRecovered(false)
				a.send(`["1","2","log:a","say",{"body":"from a"}]`)
				a.expectReply("2", "ok")
				s.publish("x")
				a.expectEvents("x")
				b.expectEvents("from a", "x")
				for name, want := range map[string][]string{"a": {"x"}, "b": {"from a", "x"}, strings.Repeat("a", 65): {"from a", "x"}} {
					c := s.follow(name, start)
					c.expectRecovered(true)
					c.expectEvents(want...)
					c.expectNothing()
				}
			})
		})
	}
}

// TestReplayWaitsForASlowReader lets what was missed be many times as large as the queue.
func TestReplayWaitsForASlowReader(t *testing.T) {
	for _, intercept := range []bool{false, true} {
		t.Run(fmt.Sprintf("intercept=%v", intercept), func(t *testing.T) {
			runLogged(t, saying(), intercept, func(s *site) {
				p := s.poller("&chgen=1")
				p.send(`["1","1","log:a","phx_join",{}]`)
				var frame []any
				_ = json.Unmarshal([]byte(p.poll().Messages[0]), &frame)
				at := frame[4].(map[string]any)["recovery"].(map[string]any)["position"].(string)
				s.publish(numbers(1, 90)...)
				p = s.poller("&chgen=1")
				p.send(fmt.Sprintf(`["1","1","log:a","phx_join",{"_recover":%q}]`, at))
				var got []string
				polls := 0
				for ; len(got) < 95; polls++ {
					if polls == 2 {
						s.publish(numbers(91, 95)...)
					}
					for _, m := range p.poll().Messages {
						_ = json.Unmarshal([]byte(m), &frame)
						if frame[3] == "said" {
							got = append(got, frame[4].(map[string]any)["body"].(string))
						}
					}
					synctest.Wait()
				}
				if diff := cmp.Diff(numbers(1, 95), got); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				if polls < 5 {
					t.Errorf("it took %d polls: the queue was overfilled", polls)
				}
				p.expect()
			}, channel.WithLimits(channel.Limits{QueueBytes: 2000}))
		})
	}
}

func TestAReaderThatIsSlowerThanTheHistoryIsToldSo(t *testing.T) {
	runLogged(t, saying(), false, func(s *site) {
		p := s.poller("&chgen=1")
		p.send(`["1","1","log:a","phx_join",{}]`)
		var frame []any
		_ = json.Unmarshal([]byte(p.poll().Messages[0]), &frame)
		at := frame[4].(map[string]any)["recovery"].(map[string]any)["position"].(string)
		s.publish(numbers(1, 50)...)
		p = s.poller("&chgen=1")
		p.send(fmt.Sprintf(`["1","1","log:a","phx_join",{"_recover":%q}]`, at))
		s.publish(numbers(51, 300)...)
		var got []string
		for {
			answer := p.poll()
			for _, m := range answer.Messages {
				_ = json.Unmarshal([]byte(m), &frame)
				if frame[3] == "said" {
					got = append(got, frame[4].(map[string]any)["body"].(string))
				}
			}
			if frame[3] == "phx_error" {
				break
			}
			synctest.Wait()
		}
		if diff := cmp.Diff(numbers(1, len(got)), got); diff != "" || len(got) > 200 {
			t.Errorf("events before the end (-want +got):\n%s", diff)
		}
	}, channel.WithLimits(channel.Limits{QueueBytes: 2000}))
}
