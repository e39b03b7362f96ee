package relay_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/internal/relay"
)

func numbers(from, to int) (all []string) {
	for i := from; i <= to; i++ {
		all = append(all, fmt.Sprint(i))
	}
	return all
}

func TestATopicIsListenedToOnce(t *testing.T) {
	run(t, func(t *testing.T, b *broker, near, far *relay.Relay, e *ear) {
		second, sub := listen(t, far, kept)
		say(t, near, kept, "1")
		sub.Cancel()
		sub.Cancel()
		say(t, near, kept, "2")
		e.expect(t, "1", "2")
		second.expect(t, "1")
		if b.called("listen") != 1 || b.called("ignore") != 0 {
			t.Errorf("%d times listened to and %d times ignored, want once and not", b.called("listen"), b.called("ignore"))
		}
		if _, err := far.Subscribe(t.Context(), "t", pubsub.History{Size: 1, TTL: time.Second}, &ear{}); err == nil {
			t.Error("a topic has two histories")
		}
	})
}

func TestTheLastSubscriptionEndsTheListening(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBroker()
		r := b.node(t)
		_, first := listen(t, r, kept)
		_, second := listen(t, r, kept)
		first.Cancel()
		second.Cancel()
		b.set(func() { b.down = errDown })
		if _, err := r.Subscribe(t.Context(), "t", kept, &ear{}); !errors.Is(err, errDown) {
			t.Errorf("got %v, want that the broker is down", err)
		}
		if b.called("listen") != 2 || b.called("ignore") != 2 {
			t.Errorf("%d times listened to and %d times ignored, want 2 and 2", b.called("listen"), b.called("ignore"))
		}
		b.set(func() { b.down = nil })
		e, _ := listen(t, r, pubsub.History{}) // the topic is another one now
		say(t, r, pubsub.History{}, "plain")
		e.expect(t, "plain")
	})
}

func TestWhatDoesNotArriveIsReadFromTheLog(t *testing.T) {
	run(t, func(t *testing.T, b *broker, near, _ *relay.Relay, e *ear) {
		say(t, near, kept, "1")
		b.set(func() { b.silent = true })
		say(t, near, kept, numbers(2, 600)...) // pages
		b.set(func() { b.silent = false })
		e.expect(t, "1")
		say(t, near, kept, "601", "602")
		e.expect(t, numbers(1, 602)...)
	})
}

func TestWhatComesTwiceOrTooLateIsDeliveredOnce(t *testing.T) {
	run(t, func(t *testing.T, b *broker, near, far *relay.Relay, e *ear) {
		say(t, near, kept, "1", "2", "3")
		for _, m := range b.log {
			far.Arrived("t", m)
		}
		far.Arrived("elsewhere", b.log[0])
		far.Arrived("t", relay.Message{Body: []byte("of another version"), Position: pubsub.Position{Epoch: "one", Offset: 4}, Prev: 3})
		e.expect(t, "1", "2", "3")
		if n := b.called("read"); n != 0 {
			t.Errorf("the log was read %d times", n)
		}
	})
}

func TestWhatArrivesWhileTheLogIsReadWaits(t *testing.T) {
	run(t, func(t *testing.T, b *broker, near, _ *relay.Relay, e *ear) {
		answered := make(chan struct{})
		b.set(func() { b.silent, b.answered = true, answered })
		say(t, near, kept, "1")
		b.set(func() { b.silent = false })
		say(t, near, kept, "2", "3")
		say(t, near, pubsub.History{}, "plain")
		e.expect(t)
		close(answered)
		e.expect(t, "1", "2", "3", "plain")
	})
}

func TestAGapBehindTheGapIsFilledToo(t *testing.T) {
	run(t, func(t *testing.T, b *broker, near, _ *relay.Relay, e *ear) {
		answered := make(chan struct{})
		b.set(func() { b.silent, b.answered = true, answered })
		say(t, near, kept, "1")
		b.set(func() { b.silent = false })
		say(t, near, kept, "2") // upon which the log is read
		synctest.Wait()
		b.set(func() { b.silent = true })
		say(t, near, kept, "3")
		b.set(func() { b.silent = false })
		say(t, near, kept, "4")
		close(answered)
		e.expect(t, "1", "2", "3", "4")
	})
}

// TestNothingIsLostWhileASubscriptionOpens has things happen between the listening and the answer where the topic stands.
func TestNothingIsLostWhileASubscriptionOpens(t *testing.T) {
	for name, silent := range map[string]bool{"what arrives": false, "what does not arrive": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBroker()
				near, far := b.node(t), b.node(t)
				answered := make(chan struct{})
				b.set(func() { b.answered, b.silent = answered, silent })
				e, opened := &ear{}, make(chan pubsub.Subscription, 1)
				go func() {
					sub, err := far.Subscribe(context.Background(), "t", kept, e)
					if err != nil {
						t.Error(err)
					}
					opened <- sub
				}()
				synctest.Wait()
				say(t, near, kept, "1", "2")
				far.Hole(func(string) bool { return silent }, errDown)
				close(answered)
				if start := (<-opened).Start(); start.Offset != 0 {
					t.Errorf("it starts at %v, want the beginning", start)
				}
				e.expect(t, "1", "2")
			})
		})
	}
}

func TestWhatIsNotKeptAnyMoreIsLost(t *testing.T) {
	run(t, func(t *testing.T, b *broker, near, _ *relay.Relay, e *ear) {
		say(t, near, kept, "1")
		b.set(func() { b.silent = true })
		say(t, near, kept, "2", "3", "4")
		b.set(func() { b.silent, b.first = false, 4 })
		say(t, near, kept, "5")
		e.expect(t, "1", "lost, at one5")
		say(t, near, kept, "6")
		e.expect(t, "1", "lost, at one5", "6")
	})
}

func TestAnotherEpochIsALoss(t *testing.T) {
	run(t, func(t *testing.T, b *broker, near, _ *relay.Relay, e *ear) {
		say(t, near, kept, "1", "2")
		b.set(func() { b.epoch, b.log = "two", nil })
		say(t, near, kept, "3")
		e.expect(t, "1", "2", "lost, at two1")
		say(t, near, kept, "4")
		e.expect(t, "1", "2", "lost, at two1", "4")
	})
}

// A message that the log does not know, of the epoch that the log has, is one that the log has lost.
func TestWhatTheLogDoesNotKnowIsLost(t *testing.T) {
	run(t, func(t *testing.T, b *broker, near, far *relay.Relay, e *ear) {
		say(t, near, kept, "1")
		unknown := b.log[0]
		unknown.Position.Offset, unknown.Prev = 7, 6
		far.Arrived("t", unknown)
		e.expect(t, "1", "lost, at one7")
	})
}

func TestALogThatCannotBeReadIsAskedAgain(t *testing.T) {
	run(t, func(t *testing.T, b *broker, near, far *relay.Relay, e *ear) {
		b.set(func() { b.silent = true })
		say(t, near, kept, "1", "2")
		b.set(func() { b.silent, b.down = false, errDown })
		far.Hole(func(string) bool { return true }, errDown)
		<-time.After(time.Minute)
		e.expect(t)
		if n := b.called("read"); n < 50 || n > 80 {
			t.Errorf("the log was asked %d times in a minute, want about once a second", n)
		}
		b.set(func() { b.down = nil })
		<-time.After(2 * time.Second)
		e.expect(t, "1", "2")
	})
}

func TestAHoleIsToldWhereNothingIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newBroker().node(t)
		e, _ := listen(t, r, pubsub.History{})
		r.Hole(func(topic string) bool { return topic != "t" }, errDown)
		e.expect(t)
		r.Hole(func(topic string) bool { return topic == "t" }, errDown)
		e.expect(t, "lost, at 0")
	})
}

func TestAHoleWithoutALossIsNotTold(t *testing.T) {
	run(t, func(t *testing.T, b *broker, near, far *relay.Relay, e *ear) {
		say(t, near, kept, "1")
		for range 5 {
			far.Hole(func(string) bool { return true }, errDown)
		}
		say(t, near, kept, "2")
		e.expect(t, "1", "2")
		if n := b.called("read"); n == 0 || n > 5 {
			t.Errorf("the log was read %d times", n)
		}
	})
}

// More waits than may, so the log is read again, and what was not kept is gone.
func TestMoreThanMayWaitIsReadFromTheLog(t *testing.T) {
	run(t, func(t *testing.T, b *broker, near, _ *relay.Relay, e *ear) {
		answered := make(chan struct{})
		b.set(func() { b.silent, b.answered = true, answered })
		say(t, near, kept, "1")
		b.set(func() { b.silent = false })
		say(t, near, kept, numbers(2, 5000)...)
		close(answered)
		e.expect(t, append(numbers(1, 5000), "lost, at one5000")...)
	})
}

func TestPublishReturnsWhenThisNodeHasIt(t *testing.T) {
	run(t, func(t *testing.T, b *broker, _, far *relay.Relay, e *ear) {
		say(t, far, kept, "1")
		say(t, far, pubsub.History{}, "plain") // which the broker brings back, too
		e.expect(t, "1", "plain")
		b.set(func() { b.silent = true })
		began := time.Now()
		say(t, far, kept, "2")
		e.expect(t, "1", "plain", "2")
		if took := time.Since(began); took != opts.Patience {
			t.Errorf("the log was asked after %v, want %v", took, opts.Patience)
		}
	})
}

func TestPublishDoesNotWaitWhereNobodyListens(t *testing.T) {
	run(t, func(t *testing.T, b *broker, near, _ *relay.Relay, _ *ear) {
		b.set(func() { b.silent = true })
		began := time.Now()
		say(t, near, kept, "1")
		say(t, near, pubsub.History{}, "plain")
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
	})
}

func TestPublishFailsWhereTheBrokerDoes(t *testing.T) {
	run(t, func(t *testing.T, b *broker, _, far *relay.Relay, e *ear) {
		publish := func(ctx context.Context, history pubsub.History) error {
			return far.Publish(ctx, pubsub.Publication{Topic: "t", Data: []byte("x"), History: history})
		}
		b.set(func() { b.down = errDown })
		for _, history := range []pubsub.History{{}, kept} {
			if err := publish(t.Context(), history); !errors.Is(err, errDown) {
				t.Errorf("got %v, want that the broker is down", err)
			}
		}
		e.expect(t, "x") // what is not kept has reached this node
		b.set(func() { b.down, b.silent, b.answered = nil, true, make(chan struct{}) })
		began := time.Now()
		if err := publish(t.Context(), kept); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != opts.Timeout {
			t.Errorf("after %v: %v, want that it is too late", time.Since(began), err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := publish(ended, kept); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
}

// A publication that is lost does not keep its publisher waiting.
func TestLossEndsTheWaitOfPublishers(t *testing.T) {
	run(t, func(t *testing.T, b *broker, _, far *relay.Relay, e *ear) {
		b.set(func() { b.silent = true })
		published := make(chan struct{})
		go func() { defer close(published); say(t, far, kept, "1") }()
		synctest.Wait()
		b.set(func() { b.epoch, b.log = "two", nil })
		began := time.Now()
		far.Hole(func(string) bool { return true }, errDown)
		<-published
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
		e.expect(t, "lost, at two0")
	})
}

func TestASubscriptionStartsWithWhatComesAfterItsStart(t *testing.T) {
	run(t, func(t *testing.T, _ *broker, near, far *relay.Relay, e *ear) {
		say(t, near, kept, "1", "2")
		late, sub := listen(t, far, kept)
		if want := (pubsub.Position{Epoch: "one", Offset: 2}); sub.Start() != want {
			t.Errorf("it starts at %v, want %v", sub.Start(), want)
		}
		say(t, near, kept, "3")
		e.expect(t, "1", "2", "3")
		late.expect(t, "3")
		page, err := near.Replay(t.Context(), "t", kept, sub.Start(), 5)
		if err != nil || len(page.Publications) != 1 || string(page.Publications[0].Data) != "3" || page.Head.Offset != 3 {
			t.Errorf("replay: %+v, %v", page, err)
		}
	})
}

func TestNothingComesAfterClose(t *testing.T) {
	run(t, func(t *testing.T, b *broker, near, far *relay.Relay, e *ear) {
		b.set(func() { b.silent, b.answered = true, make(chan struct{}) })
		say(t, near, kept, "1")
		far.Hole(func(string) bool { return true }, errDown) // it reads, and gets no answer
		synctest.Wait()
		far.Close()
		far.Arrived("t", b.log[0])
		far.Hole(func(string) bool { return true }, errDown)
		e.expect(t)
		for _, err := range []error{
			far.Publish(t.Context(), pubsub.Publication{Topic: "t"}),
			func() error { _, err := far.Subscribe(t.Context(), "t", kept, e); return err }(),
			func() error { _, err := far.Replay(t.Context(), "t", kept, pubsub.Position{}, 1); return err }(),
		} {
			if !errors.Is(err, relay.ErrClosed) {
				t.Errorf("got %v, want ErrClosed", err)
			}
		}
	})
}

// TestEverybodyHearsEverythingInOneOrder has several nodes publish at once over a broker that carries things or not.
func TestEverybodyHearsEverythingInOneOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			b := newBroker()
			var ears []*ear
			for range 3 {
				e, _ := listen(t, b.node(t), kept)
				ears = append(ears, e)
			}
			var publishers sync.WaitGroup
			for i, r := range b.nodes {
				publishers.Go(func() {
					for n := range 100 {
						say(t, r, kept, fmt.Sprint(i, ".", n))
					}
				})
			}
			done := make(chan struct{})
			go func() { publishers.Wait(); close(done) }()
			pick := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // a seed is to bring the same again
			for running := true; running; {
				b.set(func() { b.silent = pick.IntN(2) == 0 })
				if pick.IntN(4) == 0 {
					b.nodes[pick.IntN(3)].Hole(func(string) bool { return true }, errDown)
				}
				select {
				case <-time.After(time.Duration(pick.IntN(1500)) * time.Millisecond):
				case <-done:
					running = false
				}
			}
			b.set(func() { b.silent = false })
			say(t, b.nodes[0], kept, "the end")
			synctest.Wait()
			var want []string
			page, err := b.nodes[0].Replay(t.Context(), "t", kept, pubsub.Position{Epoch: "one"}, 1000)
			for _, p := range page.Publications {
				want = append(want, string(p.Data))
			}
			if err != nil || len(want) != 301 {
				t.Fatalf("%d are kept, want 301; %v", len(want), err)
			}
			for _, e := range ears {
				e.expect(t, want...)
			}
		})
	}
}
