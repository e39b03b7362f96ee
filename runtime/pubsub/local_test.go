package pubsub_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/pubsub"
)

// subscriber is a pubsub.Subscriber that loses nothing.
type subscriber func(pubsub.Publication)

func (s subscriber) Receive(p pubsub.Publication) { s(p) }

func (s subscriber) Lost(pubsub.Position, error) { panic("lost") }

func subscribe(t *testing.T, bus pubsub.PubSub, topic string, handle func(string)) pubsub.Subscription {
	t.Helper()
	to := subscriber(func(p pubsub.Publication) { handle(string(p.Data)) })
	sub, err := bus.Subscribe(context.Background(), topic, pubsub.History{}, to)
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

func publish(t *testing.T, bus pubsub.PubSub, topic, data string) {
	t.Helper()
	if err := bus.Publish(context.Background(), pubsub.Publication{Topic: topic, Data: []byte(data)}); err != nil {
		t.Error(err)
	}
}

func TestPublishReachesTheSubscriptionsOfItsTopicBeforeItReturns(t *testing.T) {
	t.Parallel()
	bus := pubsub.New()
	var a, b, other []string
	subA := subscribe(t, bus, "t", func(s string) { a = append(a, s) })
	subscribe(t, bus, "t", func(s string) { b = append(b, s) })
	subscribe(t, bus, "u", func(s string) { other = append(other, s) })
	publish(t, bus, "t", "1")
	subA.Cancel()
	subA.Cancel()
	publish(t, bus, "t", "2")
	publish(t, bus, "nobody's", "3")
	for _, test := range []struct{ got, want []string }{{a, []string{"1"}}, {b, []string{"1", "2"}}, {other, nil}} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestAllSubscriptionsSeeOneOrder(t *testing.T) {
	t.Parallel()
	bus := pubsub.New()
	var a, b []string // handlers of one topic never overlap, so no lock
	subscribe(t, bus, "t", func(s string) { a = append(a, s) })
	subscribe(t, bus, "t", func(s string) { b = append(b, s) })
	var wg sync.WaitGroup
	for p := range 4 {
		wg.Go(func() {
			for i := range 100 {
				publish(t, bus, "t", fmt.Sprint(p, i))
			}
		})
	}
	wg.Wait()
	if diff := cmp.Diff(a, b); diff != "" || len(a) != 400 {
		t.Errorf("%d publications, (-a +b):\n%s", len(a), diff)
	}
}

func TestCancelReturnsWhenTheHandlerWillNotRunAgain(t *testing.T) {
	t.Parallel()
	bus := pubsub.New()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				publish(t, bus, "t", "x")
			}
		}
	})
	for range 500 {
		var cancelled atomic.Bool
		var calls atomic.Int32
		sub := subscribe(t, bus, "t", func(string) {
			calls.Add(1)
			if cancelled.Load() {
				t.Error("called after Cancel had returned")
			}
		})
		sub.Cancel()
		cancelled.Store(true)
	}
	close(stop)
	wg.Wait()
}

func TestAContextThatHasEndedKeepsNothingBack(t *testing.T) {
	t.Parallel()
	bus := pubsub.New()
	got := 0
	subscribe(t, bus, "t", func(string) { got++ })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := bus.Publish(ctx, pubsub.Publication{Topic: "t"}); err != nil || got != 1 {
		t.Errorf("err %v, %d publications, want one", err, got)
	}
}
