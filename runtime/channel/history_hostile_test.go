package channel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/gen"
	"github.com/chgen/chgen/runtime/pubsub"
)

func TestAPositionThatIsChangedAnywhereIsNone(t *testing.T) {
	runLogged(t, saying(), false, func(s *site) {
		f := s.follow("f", "")
		s.publish("1")
		f.expectEvents("1")
		f.expectNothing()
		at := f.position
		c := s.follow("c", at)
		c.expectRecovered(true)
		try := func(position string) {
			c.join(position)
			c.expectRecovered(false)
			if _, frame := c.next(); frame[3] != "phx_close" { // of the join before
				t.Fatalf("got %v, want phx_close", frame)
			}
		}
		for i := range at {
			try(at[:i] + "~" + at[i:])
			if i > 0 {
				try(at[:i])
				try(at[:i-1] + string(at[i-1]^1) + at[i:])
			}
		}
		try(at + ":")
		try(" " + at)
		try(strings.ToUpper(at[:len(at)-1]) + at[len(at)-1:] + "x")
		try(strings.Repeat("x:1:", 10_000))
	})
}

// forgetful is a bus whose log says that it cannot go on from anywhere.
type forgetful struct {
	pubsub.PubSub
	asked int
}

func (f *forgetful) Replay(ctx context.Context, topic string, history pubsub.History, _ pubsub.Position, limit int) (pubsub.Page, error) {
	f.asked++
	return f.PubSub.Replay(ctx, topic, history, pubsub.Position{}, limit)
}

// A client has had what its new node has not received: whether it can go on from there, the log knows alone.
func TestAPositionAheadOfTheNodeIsForTheLogToJudge(t *testing.T) {
	shared := pubsub.New()
	log := &forgetful{PubSub: shared}
	bus := newFlaky(log)
	runLogged(t, saying(), false, func(s *site) {
		ahead := newSite(t, secret, channel.WithPubSub(shared))
		defer ahead.stop()
		handleLogged(ahead, &logged, saying(), false)
		there, here := ahead.follow("there", ""), s.follow("here", "")
		ahead.publish("1")
		here.expectEvents("1")
		bus.hold()
		ahead.publish("2")
		there.expectEvents("1", "2")
		c := s.follow("there", there.position)
		if at := c.expectRecovered(false); at != here.position || log.asked != 1 {
			t.Errorf("to go on from %s, want %s; the log was asked %d times, want once", at, here.position, log.asked)
		}
		bus.release()
		c.expectEvents("2")
		c.expectNothing()
	}, channel.WithPubSub(bus))
}

func TestAHistoryOfOneOrOfNoTimeLosesNothingInSilence(t *testing.T) {
	for _, history := range []gen.History{{Size: 1, TTL: time.Minute}, {Size: 1, TTL: 1}, {Size: 100, TTL: 1}} {
		t.Run(fmt.Sprint(history), func(t *testing.T) {
			run(t, nil, func(s *site) {
				spec := &gen.Channel{Name: "Logged", Topic: "log:{id}", History: history}
				handleLogged(s, spec, saying(), false)
				publish := func(bodies ...string) {
					for _, body := range bodies {
						if err := (RoomSender{gen.Broadcast(s.server, spec, "a")}).Said(context.Background(), Text{body}); err != nil {
							t.Error(err)
						}
					}
				}
				stays, f := s.follow("stays", ""), s.follow("f", "")
				publish("1", "2", "3")
				f.expectEvents("1", "2", "3")
				f = s.follow("f", f.position) // who has missed nothing
				f.expectRecovered(true)
				publish("4")
				f.expectEvents("4")
				f.close()
				publish("5")
				<-time.After(2) // ns, after which one of them keeps nothing
				f = s.follow("f", f.position)
				if f.expectRecovered(history.TTL > 1); history.TTL > 1 {
					f.expectEvents("5")
				}
				f.expectNothing()
				stays.expectEvents(numbers(1, 5)...)
			}, secret)
		})
	}
}

// TestWhatExpiresDuringAReplayIsSaid has a reader take a long replay slowly, until the history is too old.
func TestWhatExpiresDuringAReplayIsSaid(t *testing.T) {
	for _, intercept := range []bool{false, true} {
		t.Run(fmt.Sprintf("intercept=%v", intercept), func(t *testing.T) {
			bus := pubsub.New()
			small := channel.WithLimits(channel.Limits{QueueBytes: 2000})
			run(t, nil, func(s *site) {
				spec := &gen.Channel{Name: "Logged", Topic: "log:{id}", History: gen.History{Size: 1000, TTL: 10 * time.Second}}
				handleLogged(s, spec, saying(), intercept)
				f := s.poller("&chgen=1")
				f.send(`["1","1","log:a","phx_join",{}]`)
				at := recoveryOf(t, f.poll().Messages[0])
				for _, body := range numbers(1, 600) {
					if err := (RoomSender{gen.Broadcast(s.server, spec, "a")}).Said(context.Background(), Text{body}); err != nil {
						t.Error(err)
					}
				}
				p := s.poller("&chgen=1")
				p.send(fmt.Sprintf(`["1","1","log:a","phx_join",{"_recover":%q}]`, at))
				var got []string
				for polls := 0; ; polls++ {
					if polls == 3 { // everything is too old at once
						<-time.After(spec.History.TTL)
					}
					var frame []any
					for _, m := range p.poll().Messages {
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
				if diff := cmp.Diff(numbers(1, len(got)), got); diff != "" || len(got) == 600 {
					t.Errorf("%d before the end (-want +got):\n%s", len(got), diff)
				}
			}, secret, small, channel.WithPubSub(bus))
		})
	}
}

// recoveryOf is the position in a join reply.
func recoveryOf(t *testing.T, reply string) string {
	t.Helper()
	var frame []any
	if err := json.Unmarshal([]byte(reply), &frame); err != nil {
		t.Fatal(err)
	}
	return frame[4].(map[string]any)["recovery"].(map[string]any)["position"].(string)
}

// TestWhoIsClosedDuringAReplayGoesOnFromThere has what does not wait for the replay fill the queue.
func TestWhoIsClosedDuringAReplayGoesOnFromThere(t *testing.T) {
	runLogged(t, saying(), false, func(s *site) {
		f := s.follow("f", "")
		at := f.expectRecovered(false)
		for _, body := range numbers(1, 100) {
			s.publish(body)
			f.expectEvents(body)
		}
		p := s.poller("&chgen=1")
		p.send(fmt.Sprintf(`["1","1","log:a","phx_join",{"_recover":%q}]`, at))
		var got []string
		position := at
		read := func(messages []string) {
			for _, m := range messages {
				var frame []any
				_ = json.Unmarshal([]byte(m), &frame)
				if frame[3] == "said" {
					got = append(got, frame[4].(map[string]any)["body"].(string))
					position = frame[1].(string)
				}
			}
		}
		read(p.poll().Messages)
		synctest.Wait()
		for i := range 100 { // each is answered, and nobody reads
			if answer := p.post(fmt.Sprintf(`["1","%d","log:a","say",{"body":"from %d"}]`, i+2, i)); answer.Status != 200 {
				break
			}
		}
		p.gone()
		if len(got) == 0 || len(got) >= 100 {
			t.Errorf("%d were read before the end", len(got))
		}
		n := len(got)
		f = s.follow("g", position)
		if _, recovered := f.recovery(); recovered { // else what was said since is more than is kept
			f.expectEvents(numbers(n+1, 100)...)
		}
	}, channel.WithLimits(channel.Limits{QueueBytes: 2000}))
}

func TestClientNamesAreAnyText(t *testing.T) {
	for _, name := range []string{"", "\x00", "\xff\xfe", "a\n\"}", "é", strings.Repeat("x", 64), strings.Repeat("x", 65), strings.Repeat("x", 255), strings.Repeat("x", 2000)} {
		t.Run(fmt.Sprintf("%.10q", name), func(t *testing.T) {
			runLogged(t, saying(), false, func(s *site) {
				a, twin, b := s.follow(url.QueryEscape(name), ""), s.follow(url.QueryEscape(name), ""), s.follow("b", "")
				start := a.expectRecovered(false)
				a.send(`["1","2","log:a","say",{"body":"from a"}]`)
				a.expectReply("2", "ok")
				s.publish("x")
				a.expectEvents("x")
				b.expectEvents("from a", "x")
				known := name != "" && len(name) <= 64 && utf8.ValidString(name) // else it is known by its connection
				want := []string{"from a", "x"}
				if known {
					want = want[1:]
				}
				twin.expectEvents(want...)
				again := s.follow(url.QueryEscape(name), start)
				again.expectRecovered(true)
				again.expectEvents(want...)
				again.expectNothing()
			})
		})
	}
}

// TestManyComeBackWhileALossIsRepaired has clients join while the log, which the node needs for the others, does not answer.
func TestManyComeBackWhileALossIsRepaired(t *testing.T) {
	bus := newFlaky(pubsub.New())
	runLogged(t, saying(), false, func(s *site) {
		var all []*follower
		for i := range 20 {
			all = append(all, s.follow(fmt.Sprint(i), ""))
		}
		s.publish("1")
		for _, f := range all {
			f.expectEvents("1")
		}
		for round := range 5 {
			bus.lose()
			s.publish(fmt.Sprint(2 + 3*round))
			if round == 2 {
				bus.breakDown(errors.New("out of order"))
			}
			bus.find()
			s.publish(fmt.Sprint(3 + 3*round))
			for i, f := range all {
				if i%2 == 0 {
					f.close()
					f.client = s.connectTo(generated + fmt.Sprint(i))
					f.join(f.position)
				}
			}
			bus.breakDown(nil)
			s.publish(fmt.Sprint(4 + 3*round))
			for _, f := range all {
				f.catchUp(fmt.Sprint(4 + 3*round))
			}
		}
		for i, f := range all {
			if diff := cmp.Diff(numbers(2, 16), f.heard); diff != "" {
				t.Errorf("%d (-want +got):\n%s", i, diff)
			}
		}
	}, channel.WithPubSub(bus))
}

// catchUp takes events up to one, and joins again where it has to, which has to recover.
func (f *follower) catchUp(last string) {
	f.t.Helper()
	for len(f.heard) == 0 || f.heard[len(f.heard)-1] != last {
		if f.reply["status"] == "error" {
			f.join(f.position)
			continue
		}
		raw, frame := f.next()
		switch frame[3] {
		case "phx_error":
			f.join(f.position)
			if f.reply["status"] == "ok" {
				f.expectRecovered(true)
			}
		case "said":
			f.position = frame[1].(string)
			f.heard = append(f.heard, frame[4].(map[string]any)["body"].(string))
		default:
			f.t.Fatalf("got %s", raw)
		}
	}
}

// TestAJoinMayTakeLongerThanTheHistory has far more published while Join runs than is kept, and for longer.
func TestAJoinMayTakeLongerThanTheHistory(t *testing.T) {
	for _, intercept := range []bool{false, true} {
		for _, path := range []string{"/socket/websocket?vsn=2.0.0", generated} {
			t.Run(fmt.Sprintf("intercept=%v %s", intercept, path), func(t *testing.T) {
				run(t, nil, func(s *site) {
					gate := make(chan struct{})
					r := &room{join: func(ctx context.Context, m *member, in RoomJoin) error {
						<-gate
						if in.Note == "refuse" {
							return errors.New("refused")
						}
						return nil
					}}
					spec := &gen.Channel{Name: "Logged", Topic: "log:{id}", History: gen.History{Size: 3, TTL: time.Second}}
					handleLogged(s, spec, r, intercept)
					refused, c := s.connect(), s.connectTo(path)
					refused.send(`["1","1","log:a","phx_join",{"note":"refuse"}]`)
					c.send(`["1","1","log:a","phx_join",{}]`)
					publish := func(bodies ...string) {
						for _, body := range bodies {
							if err := (RoomSender{gen.Broadcast(s.server, spec, "a")}).Said(context.Background(), Text{body}); err != nil {
								t.Error(err)
							}
						}
					}
					synctest.Wait()
					publish(numbers(1, 500)...)
					after(5 * time.Second)
					publish(numbers(501, 510)...)
					close(gate)
					c.expectReply("1", "ok")
					publish("511")
					for _, want := range numbers(1, 511) {
						if raw, frame := c.next(); frame[4].(map[string]any)["body"] != want {
							t.Fatalf("got %s, want %s", raw, want)
						}
					}
					publish(numbers(512, 520)...)
					late := s.follow("late", "")
					for range 9 {
						c.next()
					}
					late.expectRecovered(false)
					late.expectNothing()
				}, secret, channel.WithLimits(channel.Limits{MailboxWork: 10_000}))
			})
		}
	}
}

// TestAJoinThatTakesTooLongForWhatIsHeldIsTriedAgain has more come while Join runs than anybody holds.
func TestAJoinThatTakesTooLongForWhatIsHeldIsTriedAgain(t *testing.T) {
	run(t, nil, func(s *site) {
		gate := make(chan struct{})
		r := &room{join: func(context.Context, *member, RoomJoin) error { <-gate; return nil }}
		spec := &gen.Channel{Name: "Logged", Topic: "log:{id}", History: gen.History{Size: 3, TTL: time.Second}}
		handleLogged(s, spec, r, false)
		c := s.connectTo(generated)
		c.send(`["1","1","log:a","phx_join",{}]`)
		synctest.Wait()
		for range 5000 {
			if err := (RoomSender{gen.Broadcast(s.server, spec, "a")}).Said(context.Background(), Text{"x"}); err != nil {
				t.Error(err)
			}
		}
		close(gate)
		c.expectReply("1", "ok")
		if _, frame := c.next(); frame[3] != "phx_error" {
			t.Errorf("got %v, want phx_error", frame)
		}
	}, secret)
}
