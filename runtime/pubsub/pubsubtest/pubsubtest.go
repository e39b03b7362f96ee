// Package pubsubtest says whether an implementation of pubsub.PubSub keeps the promises of the interface.
//
//	func TestConformance(t *testing.T) {
//		pubsubtest.Run(t, func(t *testing.T, n int) []pubsub.PubSub { ... })
//	}
//
// It cannot say what happens when the broker fails: those who implement one test that beside it, with the broker at hand.
// A Recorder is of use there, too. Benchmark measures what publishing costs.
package pubsubtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/pubsub"
)

// patience is how long something may take that has to happen. Tests of the suite itself have less.
var patience = 30 * time.Second

var kept = pubsub.History{Size: 1000, TTL: time.Minute}

// Run runs the suite. nodes returns n PubSubs that carry each other's publications and nobody else's, as n nodes of one
// service would; it is called for each test, and ends what it begins with t.Cleanup. A PubSub for one process returns
// the same one n times.
func Run(t *testing.T, nodes func(t *testing.T, n int) []pubsub.PubSub) {
	for _, test := range []struct {
		name string
		n    int
		run  func(t *testing.T, nodes []pubsub.PubSub)
	}{
		{"PublishReturnsWhenTheSubscriptionsOfItsNodeHaveIt", 2, testLocalReceipt},
		{"PublicationsReachTheirTopicAlone", 2, testTopics},
		{"PublicationsAreCarriedAsTheyAre", 2, testData},
		{"PublishingWhereNobodyListensIsFine", 2, testNobody},
		{"WhatOnePublisherSaysArrivesInOrder", 3, testPublisherOrder},
		{"KeptPublicationsHaveOneOrderEverywhere", 3, testOneOrder},
		{"ASubscriptionStartsAtItsStart", 2, testStart},
		{"ASubscriptionIsCompleteFromItsFirstMoment", 2, testResubscribe},
		{"CancelReturnsWhenTheSubscriberIsNotCalledAgain", 2, testCancel},
		{"ReplayIsPaged", 2, testPages},
		{"ReplayAndSubscriptionFitTogether", 2, testRecovery},
		{"TheNewestAreKept", 2, testSize},
		{"PublicationsExpireAndPositionsDoNot", 2, testTTL},
		{"APositionOfElsewhereIsAGap", 1, testForeignPositions},
		{"AnEndedContextEndsTheCallAlone", 1, testContext},
		{"EverythingAtOnce", 3, testConcurrently},
		{"NothingIsDeliveredAfterClose", 1, testClose},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, nodes(t, test.n))
		})
	}
}

// Recorder is a pubsub.Subscriber that writes down what it is given.
type Recorder struct {
	busy atomic.Bool

	mu      sync.Mutex
	got     []pubsub.Publication
	lost    []pubsub.Position
	overlap bool
	changed chan struct{} // closed and replaced at each call
}

// NewRecorder returns an empty one.
func NewRecorder() *Recorder { return &Recorder{changed: make(chan struct{})} }

// Receive implements pubsub.Subscriber.
func (r *Recorder) Receive(p pubsub.Publication) { r.call(func() { r.got = append(r.got, p) }) }

// Lost implements pubsub.Subscriber.
func (r *Recorder) Lost(at pubsub.Position, _ error) { r.call(func() { r.lost = append(r.lost, at) }) }

func (r *Recorder) call(record func()) {
	first := r.busy.CompareAndSwap(false, true)
	r.mu.Lock()
	record()
	r.overlap = r.overlap || !first
	close(r.changed)
	r.changed = make(chan struct{})
	r.mu.Unlock()
	r.busy.Store(false)
}

// Received returns what has been received so far.
func (r *Recorder) Received() []pubsub.Publication {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got[:len(r.got):len(r.got)]
}

// Losses returns what Lost has been called with so far.
func (r *Recorder) Losses() []pubsub.Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost[:len(r.lost):len(r.lost)]
}

// Texts returns the data of what has been received so far.
func (r *Recorder) Texts() []string {
	var texts []string
	for _, p := range r.Received() {
		texts = append(texts, string(p.Data))
	}
	return texts
}

// Wait waits until ok says so, which is asked again whenever something has been received or lost. It fails the test
// after half a minute.
func (r *Recorder) Wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		if ok() {
			return
		}
		select {
		case <-changed:
		case <-timeout.C:
			t.Fatalf("%s: not within %v; received %d, lost %v", what, patience, len(r.Received()), r.Losses())
		}
	}
}

// waitFor waits for the texts, which have to come as they are, with nothing lost.
func (r *Recorder) waitFor(t *testing.T, want ...string) {
	t.Helper()
	r.waitCount(t, len(want))
	if diff := cmp.Diff(want, r.Texts()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func (r *Recorder) waitCount(t *testing.T, n int) {
	t.Helper()
	r.Wait(t, fmt.Sprintf("%d publications", n), func() bool { return len(r.Received()) >= n || len(r.Losses()) > 0 })
	r.check(t)
}

// check fails the test for what no bus may do that has had no trouble.
func (r *Recorder) check(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lost) > 0 {
		t.Errorf("lost at %v", r.lost)
	}
	if r.overlap {
		t.Error("calls of one subscription overlapped")
	}
}

func subscribe(t *testing.T, bus pubsub.PubSub, topic string, history pubsub.History) (*Recorder, pubsub.Subscription) {
	t.Helper()
	r := NewRecorder()
	sub, err := bus.Subscribe(t.Context(), topic, history, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sub.Cancel)
	return r, sub
}

func publish(t *testing.T, bus pubsub.PubSub, topic string, history pubsub.History, texts ...string) {
	t.Helper()
	for _, text := range texts {
		p := pubsub.Publication{Topic: topic, Data: []byte(text), History: history}
		if err := bus.Publish(t.Context(), p); err != nil {
			t.Error(err)
		}
	}
}

func replay(t *testing.T, bus pubsub.PubSub, topic string, history pubsub.History, after pubsub.Position, limit int) (pubsub.Page, []string) {
	t.Helper()
	page, err := bus.Replay(t.Context(), topic, history, after, limit)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, p := range page.Publications {
		texts = append(texts, string(p.Data))
	}
	return page, texts
}

// eventually asks until ok says so.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !ok() {
		select {
		case <-ticker.C:
		case <-timeout.C:
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func testContext(t *testing.T, nodes []pubsub.PubSub) {
	bus := nodes[0]
	r, _ := subscribe(t, bus, "t", kept)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, history := range []pubsub.History{{}, kept} {
		// Whether these are done or refused is left open; that they return is not.
		if err := bus.Publish(ended, pubsub.Publication{Topic: "t", Data: []byte("?"), History: history}); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("publish: %v, want it to be context.Canceled", err)
		}
	}
	if sub, err := bus.Subscribe(ended, "t", kept, NewRecorder()); err == nil {
		sub.Cancel()
	}
	_, _ = bus.Replay(ended, "t", kept, pubsub.Position{}, 1)
	publish(t, bus, "t", kept, "!")
	if texts := r.Texts(); len(texts) == 0 || texts[len(texts)-1] != "!" {
		t.Errorf("received %q, which does not end with what was published last", texts)
	}
	r.check(t)
}

func testClose(t *testing.T, nodes []pubsub.PubSub) {
	closer, ok := nodes[0].(interface{ Close() })
	if !ok {
		return // it has no end of its own
	}
	r, sub := subscribe(t, nodes[0], "t", kept)
	closer.Close()
	for _, history := range []pubsub.History{{}, kept} {
		if err := nodes[0].Publish(t.Context(), pubsub.Publication{Topic: "t", History: history}); err == nil {
			t.Error("publish after Close returned no error")
		}
	}
	if _, err := nodes[0].Subscribe(t.Context(), "t", kept, r); err == nil {
		t.Error("subscribe after Close returned no error")
	}
	if _, err := nodes[0].Replay(t.Context(), "t", kept, pubsub.Position{}, 1); err == nil {
		t.Error("replay after Close returned no error")
	}
	sub.Cancel()
	r.check(t)
	if got := r.Texts(); got != nil {
		t.Errorf("received %q", got)
	}
}
