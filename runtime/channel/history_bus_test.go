package channel_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/gen"
	"github.com/chgen/chgen/runtime/observe"
	"github.com/chgen/chgen/runtime/pubsub"
)

func TestWhatTheBusHasLostIsFetchedFromTheHistory(t *testing.T) {
	for _, intercept := range []bool{false, true} {
		t.Run(fmt.Sprintf("intercept=%v", intercept), func(t *testing.T) {
			bus := newFlaky(pubsub.New())
			runLogged(t, saying(), intercept, func(s *site) {
				a, b := s.follow("a", ""), s.follow("b", "")
				s.publish("1")
				bus.lose()
				s.publish("2", "3")
				bus.find()
				s.publish("4")
				a.expectEvents(numbers(1, 4)...)
				b.expectEvents(numbers(1, 4)...)
				a.expectNothing()
				bus.lose()
				s.publish(numbers(5, 105)...) // one more than is kept
				bus.find()
				_, frame := a.next()
				if frame[3] != "phx_error" {
					t.Fatalf("got %v, want phx_error", frame)
				}
				a.join(a.position)
				a.expectRecovered(false)
				s.publish("106")
				a.expectEvents("106")
				if got := s.log.count("broadcasts may have been lost"); got != 2 {
					t.Errorf("logged %d times, want 2", got)
				}
			}, channel.WithPubSub(bus))
		})
	}
}

func TestABusThatFailsIsNoVerdict(t *testing.T) {
	bus := newFlaky(pubsub.New())
	runLogged(t, saying(), false, func(s *site) {
		f := s.follow("f", "")
		at := f.expectRecovered(false)
		s.publish("1", "2")
		f.close()
		synctest.Wait()
		bus.breakDown(errors.New("out of order"))
		f = s.follow("f", at) // nobody is here: it subscribes
		if f.reply["status"] != "error" || f.reply["response"].(map[string]any)["reason"] != "internal" {
			t.Errorf("got %v, want internal", f.reply)
		}
		bus.breakDown(nil)
		other := s.follow("other", "")
		other.expectRecovered(false)
		bus.breakDown(errors.New("out of order"))
		f.join(at) // somebody is here: it asks for the history
		if f.reply["status"] != "error" || f.reply["response"].(map[string]any)["reason"] != "internal" {
			t.Errorf("got %v, want internal", f.reply)
		}
		bus.breakDown(nil)
		f.join(at)
		f.expectRecovered(true)
		f.expectEvents("1", "2")
	}, channel.WithPubSub(bus))
}

func TestPositionsAreGoodAtEveryNodeOfAService(t *testing.T) {
	bus := pubsub.New()
	runLogged(t, saying(), false, func(s *site) {
		next := newSite(t, secret, channel.WithPubSub(bus))
		defer next.stop()
		handleLogged(next, &logged, saying(), false)
		f := s.follow("f", "")
		s.publish("1")
		f.expectEvents("1")
		if err := s.server.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
		f.expectClose(1012, "retry_after_ms")
		next.publish("2", "3")
		f2 := next.follow("f", f.position)
		f2.expectRecovered(true)
		f2.expectEvents("2", "3")
		stranger := newSite(t, channel.WithPubSub(bus)) // with a secret of its own
		defer stranger.stop()
		handleLogged(stranger, &logged, saying(), false)
		stranger.follow("f", f.position).expectRecovered(false)
	}, channel.WithPubSub(bus))
}

func TestAnInterceptSeesWhatWasMissedAndKeepsItsPlace(t *testing.T) {
	r := saying()
	r.intercept = func(_ context.Context, _ *member, payload *Text) (bool, error) {
		payload.Body += "!"
		return payload.Body != "hidden!", nil
	}
	runLogged(t, r, true, func(s *site) {
		send := RoomSender{gen.Broadcast(s.server, &logged, "a")}
		f := s.follow("f", "")
		start := f.expectRecovered(false)
		publish := func() {
			ctx := context.Background()
			for i := range 10 {
				if err := errors.Join(send.Said(ctx, Text{fmt.Sprint(i)}), send.Tagged(ctx, Text{fmt.Sprint(i)}), send.Tagged(ctx, Text{"hidden"})); err != nil {
					t.Error(err)
				}
			}
		}
		var want []string
		for i := range 20 {
			want = append(want, fmt.Sprint(i%10), fmt.Sprint(i%10, "!"))
		}
		publish()
		f.expectEvents(want[:20]...)
		c := s.follow("c", start)
		c.expectRecovered(true)
		publish()
		c.expectEvents(want...)
		f.expectEvents(want[20:]...)
		c.expectNothing()
	})
}

func TestPeopleWhoComeBackTogetherAskTheHistoryOnce(t *testing.T) {
	bus := newFlaky(pubsub.New())
	runLogged(t, saying(), false, func(s *site) {
		f := s.follow("f", "")
		at := f.expectRecovered(false)
		f.close()
		synctest.Wait()
		s.publish(numbers(1, 50)...)
		for range 5 {
			c := s.follow("f", at)
			c.expectRecovered(true)
			c.expectEvents(numbers(1, 50)...)
		}
		if got := bus.replays.Load(); got != 1 {
			t.Errorf("the history was asked %d times, want once", got)
		}
	}, channel.WithPubSub(bus))
}

func TestNodesThatBelongTogetherShareOneOrder(t *testing.T) {
	bus := pubsub.New()
	runLogged(t, saying(), false, func(s *site) {
		other := newSite(t, secret, channel.WithPubSub(bus))
		defer other.stop()
		handleLogged(other, &logged, saying(), false)
		a, b := s.follow("a", ""), other.follow("b", "")
		var wg sync.WaitGroup
		for _, at := range []*site{s, other} {
			wg.Go(func() { at.publish(numbers(1, 20)...) })
		}
		wg.Wait()
		fromA, fromB := a.take(40), b.take(40)
		if diff := cmp.Diff(fromA, fromB); diff != "" || a.position != b.position {
			t.Errorf("two orders (-a +b):\n%s", diff)
		}
	}, channel.WithPubSub(bus))
}

// TestANodeThatLagsBehindRepeatsNothing has clients come to a node that has not received yet what they have had elsewhere.
func TestANodeThatLagsBehindRepeatsNothing(t *testing.T) {
	for _, intercept := range []bool{false, true} {
		t.Run(fmt.Sprintf("intercept=%v", intercept), func(t *testing.T) {
			bus := newFlaky(pubsub.New())
			runLogged(t, saying(), intercept, func(s *site) {
				ahead := newSite(t, secret, channel.WithPubSub(bus.PubSub))
				defer ahead.stop()
				handleLogged(ahead, &logged, saying(), intercept)
				there, here := ahead.follow("there", ""), s.follow("here", "")
				ahead.publish("1", "2")
				bus.hold()
				ahead.publish("3", "4", "5")
				there.expectEvents("1", "2", "3")
				three := there.position
				there.expectEvents("4", "5")
				all, some := s.follow("all", there.position), s.follow("some", three)
				all.expectRecovered(true)
				some.expectRecovered(true)
				late := s.follow("late", "")
				late.expectRecovered(false)
				bus.release()
				ahead.publish("6")
				all.expectEvents("6")
				some.expectEvents("4", "5", "6")
				late.expectEvents("3", "4", "5", "6")
				here.expectEvents(numbers(1, 6)...)
				for _, f := range []*follower{all, some, late, here} {
					f.expectNothing()
				}
			}, channel.WithPubSub(bus))
		})
	}
}

func TestObserversHearOfRecoveryAndLoss(t *testing.T) {
	var recovered []observe.Recovered
	lost := 0
	bus := newFlaky(pubsub.New())
	observer := observe.Observer{
		Recovered:        func(_ context.Context, e observe.Recovered) { recovered = append(recovered, e) },
		SubscriptionLost: func(context.Context, observe.SubscriptionLost) { lost++ },
	}
	runLogged(t, saying(), false, func(s *site) {
		f := s.follow("f", "")
		at := f.expectRecovered(false)
		bus.lose()
		s.publish("1", "2")
		bus.find()
		f.expectEvents("1", "2")
		s.follow("g", at).expectRecovered(true)
		s.follow("h", "forged").expectRecovered(false)
		want := []observe.Recovered{{Channel: "Logged", Recovered: true, Replayed: 2}, {Channel: "Logged"}}
		if diff := cmp.Diff(want, recovered); diff != "" || lost != 1 {
			t.Errorf("%d lost; recovered (-want +got):\n%s", lost, diff)
		}
	}, channel.WithPubSub(bus), channel.WithObserver(observer))
}

func TestLossesOneUponTheOtherBringNothingTwice(t *testing.T) {
	for _, intercept := range []bool{false, true} {
		t.Run(fmt.Sprintf("intercept=%v", intercept), func(t *testing.T) {
			bus := newFlaky(pubsub.New())
			runLogged(t, saying(), intercept, func(s *site) {
				a := s.follow("a", "")
				for n := 1; n < 4000; n += 8 {
					for i := range 4 { // the second loss may come when the first has just been made good
						bus.lose()
						s.publish(numbers(n+2*i, n+2*i+1)...)
						bus.find()
					}
					a.expectEvents(numbers(n, n+7)...)
				}
				a.expectNothing()
			}, channel.WithPubSub(bus))
		})
	}
}
