// Package relay is what the PubSubs over a broker have in common: which topics this node listens to, delivery to its
// subscriptions in order, finding and filling gaps, and telling the subscriptions when a gap cannot be filled. What is
// particular to a broker is a Bus.
//
// Locks are taken in this order: topic.opening, Relay.mu, topic.mu. Subscribers run under topic.mu; the Bus is called
// without it.
package relay

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chgen/chgen/runtime/pubsub"
)

// Errors of publications and subscriptions.
var (
	ErrClosed      = errors.New("the PubSub is closed")
	errHistory     = errors.New("the topic is subscribed to with another history")
	errNotReceived = errors.New("the publication is kept, but has not come back in time")
	errGap         = errors.New("what was missed is not all kept any more")
	errDropped     = errors.New("too much came while what was missed was read")
)

// Bus is what a broker does. All methods may be called concurrently.
type Bus interface {
	// Listen has what is sent and kept on a topic handed to Relay.Arrived from when it returns nil.
	Listen(ctx context.Context, topic string, history pubsub.History) error

	// Ignore takes Listen back, whether that has failed or not. It neither waits nor fails.
	Ignore(topic string, history pubsub.History)

	// Send carries a body to all who listen to a topic. A nil error says that the broker has it.
	Send(ctx context.Context, topic string, body []byte) error

	// Append keeps a body, gives it a position, and carries it to all who listen to the topic.
	Append(ctx context.Context, topic string, history pubsub.History, body []byte) error

	// Head returns the position that a topic stands at. It is one that Read goes on from.
	Head(ctx context.Context, topic string, history pubsub.History) (pubsub.Position, error)

	// Read is PubSub.Replay.
	Read(ctx context.Context, topic string, history pubsub.History, after pubsub.Position, limit int) (Page, error)
}

// Message is what comes from a Bus.
type Message struct {
	Body     []byte          // as it was sent; empty: nothing but a position
	Position pubsub.Position // zero where it is not kept
	Prev     uint64          // the offset before Position; unused in a Page
}

// Page is a part of a topic's history, see pubsub.Page.
type Page struct {
	Messages []Message
	Head     pubsub.Position
	Gap      bool
}

// Options are the times that a Relay waits.
type Options struct {
	// Timeout bounds each call of the Bus, and how long a kept publication is waited for after it was appended.
	Timeout time.Duration

	// Patience is how long a kept publication may take to come back before the log is asked for it.
	Patience time.Duration
}

// Relay is a pubsub.PubSub over a Bus.
type Relay struct {
	bus    Bus
	opts   Options
	node   nodeID
	nonces atomic.Uint64
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	fills  sync.WaitGroup
	reads  chan struct{} // holds a token for each fill that reads: after an outage there are as many as topics

	mu     sync.RWMutex // guards topics and their refs
	topics map[string]*topic
}

// New returns a Relay over bus.
func New(bus Bus, opts Options) *Relay {
	r := &Relay{bus: bus, opts: opts, reads: make(chan struct{}, 32), topics: make(map[string]*topic)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	_, _ = rand.Read(r.node[:]) // never fails
	return r
}

// Close ends all deliveries: once it has returned, no subscriber is called. The Bus is left alone.
func (r *Relay) Close() {
	r.mu.Lock()
	r.cancel()
	topics := r.topics
	r.topics = nil
	r.mu.Unlock()
	for _, t := range topics {
		t.end()
	}
	r.fills.Wait()
}

// Publish implements pubsub.PubSub.
func (r *Relay) Publish(ctx context.Context, p pubsub.Publication) error {
	ctx, cancel, err := r.bound(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	if p.History.Kept() {
		err = r.publishKept(ctx, p)
	} else {
		r.lookup(p.Topic).deliverOwn(p)
		err = r.bus.Send(ctx, p.Topic, r.node.seal(0, p.Data))
	}
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// publishKept returns when p has come back through the bus, since only there it gets its place. Where it takes long,
// the log is asked.
func (r *Relay) publishKept(ctx context.Context, p pubsub.Publication) error {
	nonce := r.nonces.Add(1)
	body := r.node.seal(nonce, p.Data)
	t := r.lookup(p.Topic)
	back := t.await(nonce)
	if back != nil {
		defer t.forget(nonce)
	}
	if err := r.bus.Append(ctx, p.Topic, p.History, body); err != nil || back == nil {
		return err
	}
	late := time.NewTimer(r.opts.Patience)
	defer late.Stop()
	for {
		select {
		case <-back:
			return nil
		case <-late.C:
			r.check(t, nil)
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", errNotReceived, ctx.Err())
		}
	}
}

// Subscribe implements pubsub.PubSub.
func (r *Relay) Subscribe(ctx context.Context, name string, history pubsub.History, to pubsub.Subscriber) (pubsub.Subscription, error) {
	ctx, cancel, err := r.bound(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	t, err := r.acquire(name, history)
	if err != nil {
		return nil, err
	}
	sub := &subscription{relay: r, topic: t, to: to}
	if err := r.join(ctx, t, sub); err != nil {
		r.release(t)
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return sub, nil
}

// join adds sub to t. The first one listens; the others join where it is.
func (r *Relay) join(ctx context.Context, t *topic, sub *subscription) error {
	t.opening.Lock()
	defer t.opening.Unlock()
	if t.listening {
		t.add(sub)
		return nil
	}
	t.hold()
	head, err := r.listen(ctx, t)
	if err != nil {
		return err
	}
	t.listening = true
	if t.open(head, sub) {
		r.fill(t)
	}
	return nil
}

func (r *Relay) listen(ctx context.Context, t *topic) (head pubsub.Position, err error) {
	if err := r.bus.Listen(ctx, t.name, t.history); err != nil || !t.history.Kept() {
		return head, err
	}
	return r.bus.Head(ctx, t.name, t.history)
}

// Replay implements pubsub.PubSub.
func (r *Relay) Replay(ctx context.Context, topic string, history pubsub.History, after pubsub.Position, limit int) (pubsub.Page, error) {
	ctx, cancel, err := r.bound(ctx)
	if err != nil {
		return pubsub.Page{}, err
	}
	defer cancel()
	page, err := r.bus.Read(ctx, topic, history, after, limit)
	if err != nil {
		return pubsub.Page{}, fmt.Errorf("replay: %w", err)
	}
	result := pubsub.Page{Head: page.Head, Gap: page.Gap}
	for i := range page.Messages {
		m := &page.Messages[i]
		if _, _, data, ok := unseal(m.Body); ok {
			result.Publications = append(result.Publications, pubsub.Publication{Topic: topic, Data: data, Position: m.Position})
		}
	}
	return result, nil
}

// Arrived takes what the Bus has for a topic. What one publisher sends, in order, has to arrive in order, and calls for
// one topic must not overlap.
func (r *Relay) Arrived(topic string, m Message) {
	if t := r.lookup(topic); t != nil && t.arrived(&m) {
		r.fill(t)
	}
}

// Hole says that messages of the topics that match may have been lost, and that new ones arrive again.
func (r *Relay) Hole(match func(topic string) bool, err error) {
	r.mu.RLock()
	var topics []*topic
	for name, t := range r.topics {
		if match(name) {
			topics = append(topics, t)
		}
	}
	r.mu.RUnlock()
	for _, t := range topics {
		r.check(t, err)
	}
}

// check has the log asked for what t may have missed.
func (r *Relay) check(t *topic, err error) {
	if t.gap(err) {
		r.fill(t)
	}
}

// bound gives a call its time, which ends with the Relay, too.
func (r *Relay) bound(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if r.ctx.Err() != nil {
		return nil, nil, ErrClosed
	}
	ctx, cancel := context.WithTimeout(ctx, r.opts.Timeout)
	stop := context.AfterFunc(r.ctx, cancel)
	return ctx, func() { stop(); cancel() }, nil
}

func (r *Relay) lookup(name string) *topic {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.topics[name]
}

// acquire counts one use of a topic in.
func (r *Relay) acquire(name string, history pubsub.History) (*topic, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.topics == nil {
		return nil, ErrClosed
	}
	t := r.topics[name]
	if t == nil {
		t = &topic{name: name, history: history, node: r.node}
		r.topics[name] = t
	}
	if t.history != history {
		return nil, errHistory
	}
	t.refs++
	return t, nil
}

// release counts one use out. The last one ignores the topic, under the lock: whoever listens anew comes after that.
func (r *Relay) release(t *topic) {
	r.mu.Lock()
	t.refs--
	last := t.refs == 0 && r.topics != nil
	if last {
		delete(r.topics, t.name)
		r.bus.Ignore(t.name, t.history)
	}
	r.mu.Unlock()
	if last {
		t.end()
	}
}

// subscription implements pubsub.Subscription.
type subscription struct {
	relay *Relay
	topic *topic
	to    pubsub.Subscriber
	start pubsub.Position
}

func (s *subscription) Start() pubsub.Position { return s.start }

func (s *subscription) Cancel() {
	if s.topic.remove(s) {
		s.relay.release(s.topic)
	}
}
