package relay_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/internal/relay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	kept = pubsub.History{Size: 10_000, TTL: time.Minute}
	opts = relay.Options{Timeout: 2 * time.Second, Patience: time.Second}

	errDown = errors.New("the broker is down")
)

// broker is a relay.Bus with one log, for one topic. What it takes arrives at the nodes at once, or when the test says so.
type broker struct {
	carrying sync.Mutex // held while something arrives: that never overlaps; taken before mu

	mu       sync.Mutex // guards what follows
	nodes    []*relay.Relay
	epoch    string
	log      []relay.Message
	first    uint64 // the oldest offset that is kept
	silent   bool   // nothing arrives
	down     error  // of all calls
	calls    map[string]int
	answered chan struct{} // if set, what the log says arrives when it is closed
}

func newBroker() *broker {
	return &broker{epoch: "one", first: 1, calls: make(map[string]int)}
}

// node returns another node of the broker.
func (b *broker) node(t *testing.T) *relay.Relay {
	r := relay.New(b, opts)
	t.Cleanup(r.Close)
	b.nodes = append(b.nodes, r)
	return r
}

// call counts a call.
func (b *broker) call(name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls[name]++
	return b.down
}

func (b *broker) called(name string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls[name]
}

// set changes the broker.
func (b *broker) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *broker) Listen(context.Context, string, pubsub.History) error { return b.call("listen") }

func (b *broker) Ignore(string, pubsub.History) { _ = b.call("ignore") }

func (b *broker) Send(_ context.Context, topic string, body []byte) error {
	err := b.call("send")
	if err == nil {
		b.carry(topic, relay.Message{Body: body})
	}
	return err
}

func (b *broker) Append(_ context.Context, topic string, _ pubsub.History, body []byte) error {
	if err := b.call("append"); err != nil {
		return err
	}
	b.carrying.Lock()
	defer b.carrying.Unlock()
	b.mu.Lock()
	m := relay.Message{Body: body, Position: b.head(), Prev: b.head().Offset}
	m.Position.Offset++
	b.log = append(b.log, m)
	silent := b.silent
	b.mu.Unlock()
	if !silent {
		b.arrive(topic, m)
	}
	return nil
}

// carry has all nodes get m, unless nothing arrives.
func (b *broker) carry(topic string, m relay.Message) {
	b.carrying.Lock()
	defer b.carrying.Unlock()
	b.mu.Lock()
	silent := b.silent
	b.mu.Unlock()
	if !silent {
		b.arrive(topic, m)
	}
}

func (b *broker) arrive(topic string, m relay.Message) {
	for _, r := range b.nodes {
		r.Arrived(topic, m)
	}
}

// head needs mu.
func (b *broker) head() pubsub.Position {
	at := pubsub.Position{Epoch: b.epoch}
	if n := len(b.log); n > 0 {
		at.Offset = b.log[n-1].Position.Offset
	}
	return at
}

func (b *broker) Head(ctx context.Context, _ string, _ pubsub.History) (pubsub.Position, error) {
	if err := b.call("head"); err != nil {
		return pubsub.Position{}, err
	}
	b.mu.Lock()
	head := b.head()
	b.mu.Unlock()
	return head, b.answer(ctx)
}

func (b *broker) Read(ctx context.Context, _ string, _ pubsub.History, after pubsub.Position, limit int) (relay.Page, error) {
	if err := b.call("read"); err != nil {
		return relay.Page{}, err
	}
	return b.page(after, limit), b.answer(ctx)
}

// answer waits until the answer to a question may arrive.
func (b *broker) answer(ctx context.Context) error {
	b.mu.Lock()
	answered := b.answered
	b.mu.Unlock()
	if answered != nil {
		select {
		case <-answered:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (b *broker) page(after pubsub.Position, limit int) relay.Page {
	b.mu.Lock()
	defer b.mu.Unlock()
	page := relay.Page{Head: b.head()}
	if after.Epoch != b.epoch || after.Offset+1 < b.first || after.Offset > page.Head.Offset {
		page.Gap = true
		return page
	}
	for _, m := range b.log {
		if m.Position.Offset > after.Offset && len(page.Messages) < limit {
			page.Messages = append(page.Messages, m)
		}
	}
	return page
}

// ear is a Subscriber that notes what it is given, losses included.
type ear struct {
	mu    sync.Mutex
	heard []string
}

func (e *ear) Receive(p pubsub.Publication) { e.note(string(p.Data)) }

func (e *ear) Lost(at pubsub.Position, _ error) { e.note(fmt.Sprint("lost, at ", at.Epoch, at.Offset)) }

func (e *ear) note(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, what)
}

// expect compares everything that was heard so far, when nothing goes on any more.
func (e *ear) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	if diff := cmp.Diff(want, e.heard); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
}

func listen(t *testing.T, r *relay.Relay, history pubsub.History) (*ear, pubsub.Subscription) {
	t.Helper()
	e := &ear{}
	sub, err := r.Subscribe(t.Context(), "t", history, e)
	if err != nil {
		t.Fatal(err)
	}
	return e, sub
}

func say(t *testing.T, r *relay.Relay, history pubsub.History, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := r.Publish(t.Context(), pubsub.Publication{Topic: "t", Data: []byte(text), History: history}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// run runs a test with two nodes, of which the second listens to what is kept.
func run(t *testing.T, test func(t *testing.T, b *broker, near, far *relay.Relay, e *ear)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBroker()
		near, far := b.node(t), b.node(t)
		e, _ := listen(t, far, kept)
		test(t, b, near, far, e)
	})
}
