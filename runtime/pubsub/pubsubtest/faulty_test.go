package pubsubtest_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/pubsubtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// faulty is a node of a bus in memory, some of whose methods are replaced.
type faulty struct {
	pubsub.PubSub
	publish func(ctx context.Context, p pubsub.Publication) error
	replay  func(page pubsub.Page, after pubsub.Position, limit int) pubsub.Page
	history func(pubsub.History) pubsub.History
	receive func(to pubsub.Subscriber) func(pubsub.Publication) // for each subscription
	start   func(pubsub.Position) pubsub.Position
	cancel  func(pubsub.Subscription)
	name    func(topic string) string
	close   func()
}

func (f *faulty) Close() {
	if f.close != nil {
		f.close()
	}
}

func (f *faulty) Publish(ctx context.Context, p pubsub.Publication) error {
	p.Topic, p.History = f.name(p.Topic), f.history(p.History)
	return f.publish(ctx, p)
}

func (f *faulty) Replay(ctx context.Context, topic string, history pubsub.History, after pubsub.Position, limit int) (pubsub.Page, error) {
	page, err := f.PubSub.Replay(ctx, f.name(topic), f.history(history), after, limit)
	return f.replay(page, after, limit), err
}

func (f *faulty) Subscribe(ctx context.Context, topic string, history pubsub.History, to pubsub.Subscriber) (pubsub.Subscription, error) {
	sub, err := f.PubSub.Subscribe(ctx, f.name(topic), f.history(history), subscriber{to, f.receive(to)})
	return subscription{sub, f}, err
}

type subscriber struct {
	pubsub.Subscriber
	receive func(pubsub.Publication)
}

func (s subscriber) Receive(p pubsub.Publication) { s.receive(p) }

type subscription struct {
	pubsub.Subscription
	bus *faulty
}

func (s subscription) Start() pubsub.Position { return s.bus.start(s.Subscription.Start()) }

func (s subscription) Cancel() { s.bus.cancel(s.Subscription) }

// fault is something that a PubSub does wrong, and the test of the suite that has to find it.
type fault struct {
	found string
	make  func(f *faulty)
}

// each receives as spoil does, which is told how many publications the subscription has been given before.
func each(spoil func(n int, p pubsub.Publication, to pubsub.Subscriber)) func(*faulty) {
	return func(f *faulty) {
		f.receive = func(to pubsub.Subscriber) func(pubsub.Publication) {
			n := -1
			return func(p pubsub.Publication) { n++; spoil(n, p, to) }
		}
	}
}

// swap hands every other publication on after the next.
func swap(f *faulty) {
	f.receive = func(to pubsub.Subscriber) func(pubsub.Publication) {
		var late *pubsub.Publication
		return func(p pubsub.Publication) {
			if late == nil {
				late = &p
				return
			}
			to.Receive(p)
			to.Receive(*late)
			late = nil
		}
	}
}

// loseFirst loses what comes first after any position.
func loseFirst(f *faulty) {
	each(func(n int, p pubsub.Publication, to pubsub.Subscriber) {
		if n > 0 {
			to.Receive(p)
		}
	})(f)
	f.replay = func(page pubsub.Page, _ pubsub.Position, _ int) pubsub.Page {
		page.Publications = page.Publications[min(1, len(page.Publications)):]
		return page
	}
}

// later hands publications on beside Publish.
func later(f *faulty) {
	f.receive = func(to pubsub.Subscriber) func(pubsub.Publication) {
		var mu sync.Mutex
		return func(p pubsub.Publication) {
			time.AfterFunc(10*time.Millisecond, func() { mu.Lock(); defer mu.Unlock(); to.Receive(p) })
		}
	}
}

// afterCancel goes on until a moment after Cancel.
func afterCancel(f *faulty) {
	f.cancel = func(sub pubsub.Subscription) { time.AfterFunc(100*time.Millisecond, sub.Cancel) }
}

// beside hands what is not kept to a subscription many times at once.
func beside(f *faulty) {
	f.receive = func(to pubsub.Subscriber) func(pubsub.Publication) {
		return func(p pubsub.Publication) {
			if p.Position.Epoch != "" {
				to.Receive(p)
				return
			}
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() { to.Receive(p) })
			}
			all.Wait()
		}
	}
}

// faults are what the suite is to find. Each test of the suite finds one at least.
var faults = map[string]fault{
	"drops a publication": {"WhatOnePublisherSaysArrivesInOrder", each(func(n int, p pubsub.Publication, to pubsub.Subscriber) {
		if n != 20 {
			to.Receive(p)
		}
	})},
	"delivers a publication twice": {"KeptPublicationsHaveOneOrderEverywhere", each(func(n int, p pubsub.Publication, to pubsub.Subscriber) {
		if to.Receive(p); n == 20 {
			to.Receive(p)
		}
	})},
	"lets one publication overtake another": {"WhatOnePublisherSaysArrivesInOrder", swap},
	"lets a kept publication overtake":      {"KeptPublicationsHaveOneOrderEverywhere", swap},
	"says that something is lost": {"ASubscriptionIsCompleteFromItsFirstMoment", each(func(_ int, p pubsub.Publication, to pubsub.Subscriber) {
		to.Lost(p.Position, nil)
		to.Receive(p)
	})},
	"loses what comes after a position": {"ReplayAndSubscriptionFitTogether", loseFirst},
	"calls a subscriber twice at once":  {"EverythingAtOnce", beside},
	"returns from Publish too soon":     {"PublishReturnsWhenTheSubscriptionsOfItsNodeHaveIt", later},
	"delivers after Cancel":             {"CancelReturnsWhenTheSubscriberIsNotCalledAgain", afterCancel},
	"has offsets that do not rise": {"KeptPublicationsHaveOneOrderEverywhere", each(func(_ int, p pubsub.Publication, to pubsub.Subscriber) {
		p.Position.Offset = min(p.Position.Offset, 10)
		to.Receive(p)
	})},
	"has offsets that only the subscription knows": {"ASubscriptionStartsAtItsStart", each(func(_ int, p pubsub.Publication, to pubsub.Subscriber) {
		p.Position.Offset += 7
		to.Receive(p)
	})},
	"mixes topics": {"PublicationsReachTheirTopicAlone", func(f *faulty) { f.name = strings.ToLower }},
	"spoils data": {"PublicationsAreCarriedAsTheyAre", each(func(_ int, p pubsub.Publication, to pubsub.Subscriber) {
		p.Data = bytes.TrimSpace(p.Data)
		to.Receive(p)
	})},
	"starts elsewhere than it says": {"ASubscriptionStartsAtItsStart", func(f *faulty) {
		f.start = func(at pubsub.Position) pubsub.Position { at.Offset -= min(at.Offset, 1); return at }
	}},
	"has a start where nothing is kept": {"ASubscriptionStartsAtItsStart", func(f *faulty) {
		f.start = func(at pubsub.Position) pubsub.Position { at.Epoch += "x"; return at }
	}},
	"keeps nothing where nobody listens": {"PublishingWhereNobodyListensIsFine", func(f *faulty) {
		f.publish = func(context.Context, pubsub.Publication) error { return nil }
	}},
	"never has a gap": {"TheNewestAreKept", func(f *faulty) {
		f.replay = func(page pubsub.Page, _ pubsub.Position, _ int) pubsub.Page { page.Gap = false; return page }
	}},
	"goes on from positions of elsewhere": {"APositionOfElsewhereIsAGap", func(f *faulty) {
		f.replay = func(page pubsub.Page, _ pubsub.Position, _ int) pubsub.Page { page.Gap = false; return page }
	}},
	"always has a gap": {"ReplayIsPaged", func(f *faulty) {
		f.replay = func(page pubsub.Page, _ pubsub.Position, _ int) pubsub.Page {
			return pubsub.Page{Head: page.Head, Gap: true}
		}
	}},
	"replays less than there is": {"ReplayIsPaged", func(f *faulty) {
		f.replay = func(page pubsub.Page, _ pubsub.Position, limit int) pubsub.Page {
			if len(page.Publications) == limit && limit > 1 {
				page.Publications = slices.Delete(page.Publications, limit/2, limit/2+1)
			}
			return page
		}
	}},
	"replays the one before, too": {"ReplayIsPaged", func(f *faulty) {
		f.replay = func(page pubsub.Page, after pubsub.Position, _ int) pubsub.Page {
			if len(page.Publications) > 0 {
				page.Publications = append([]pubsub.Publication{{Topic: page.Publications[0].Topic, Position: after}}, page.Publications...)
			}
			return page
		}
	}},
	"keeps everything for ever": {"PublicationsExpireAndPositionsDoNot", func(f *faulty) {
		f.history = func(h pubsub.History) pubsub.History {
			if h.Kept() {
				h = pubsub.History{Size: 1 << 20, TTL: time.Hour}
			}
			return h
		}
	}},
	"keeps more than it is told": {"TheNewestAreKept", func(f *faulty) {
		f.history = func(h pubsub.History) pubsub.History { h.Size *= 2; return h }
	}},
	"ends with the context of a call": {"AnEndedContextEndsTheCallAlone", func(f *faulty) {
		publish, over := f.publish, false
		f.publish = func(ctx context.Context, p pubsub.Publication) error {
			if over = over || ctx.Err() != nil; over {
				return context.Canceled
			}
			return publish(ctx, p)
		}
	}},
	"publishes after Close": {"NothingIsDeliveredAfterClose", func(*faulty) {}},
}

func newFaulty(bus pubsub.PubSub, f fault) *faulty {
	node := &faulty{
		PubSub:  bus,
		publish: bus.Publish,
		replay:  func(page pubsub.Page, _ pubsub.Position, _ int) pubsub.Page { return page },
		history: func(h pubsub.History) pubsub.History { return h },
		receive: func(to pubsub.Subscriber) func(pubsub.Publication) { return to.Receive },
		start:   func(at pubsub.Position) pubsub.Position { return at },
		cancel:  pubsub.Subscription.Cancel,
		name:    func(topic string) string { return topic },
	}
	f.make(node)
	return node
}

// faultVariable names the fault of the PubSub that a process of its own runs the suite with.
const faultVariable = "PUBSUBTEST_FAULT"

func TestSuite(t *testing.T) {
	t.Parallel()
	name, ok := os.LookupEnv(faultVariable)
	if !ok {
		return // TestEachFaultIsFound runs it in a process of its own
	}
	pubsubtest.SetPatience(5 * time.Second)
	pubsubtest.Run(t, func(_ *testing.T, n int) []pubsub.PubSub {
		bus := pubsub.New()
		nodes := make([]pubsub.PubSub, n)
		for i := range nodes {
			nodes[i] = newFaulty(bus, faults[name])
		}
		return nodes
	})
}

// TestEachFaultIsFound runs the test that is to find a fault with a PubSub that has it.
func TestEachFaultIsFound(t *testing.T) {
	t.Parallel()
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output, err := suite(t, name, f.found)
			if failed := fmt.Sprintf("--- FAIL: TestSuite/%s ", f.found); err == nil || !strings.Contains(output, failed) {
				t.Errorf("%s does not find it: %v\n%s", f.found, err, output)
			}
		})
	}
}

// TestEachTestFindsAFault has the suite say which tests it has.
func TestEachTestFindsAFault(t *testing.T) {
	t.Parallel()
	output, _ := suite(t, "publishes after Close", "")
	found := make(map[string]bool)
	for _, f := range faults {
		found[f.found] = true
	}
	tests := 0
	for line := range strings.Lines(output) {
		test, ok := strings.CutPrefix(line, "=== RUN   TestSuite/")
		if !ok {
			continue
		}
		tests++
		if !found[strings.TrimSpace(test)] {
			t.Errorf("nothing shows that %s finds anything", test)
		}
	}
	if tests == 0 {
		t.Errorf("the suite has not run:\n%s", output)
	}
}

// suite runs the tests of the suite that match in a process of their own.
func suite(t *testing.T, fault, tests string) (output string, err error) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^TestSuite$/"+tests)
	cmd.Env = append(os.Environ(), faultVariable+"="+fault)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
