package relay

import (
	"slices"
	"sync"

	"github.com/chgen/chgen/runtime/pubsub"
)

// maxPending is how many messages may wait for a gap to be filled. What is over that is read from the log, too.
const maxPending = 4096

// topic is a topic that this node listens to.
type topic struct {
	name    string
	history pubsub.History
	node    nodeID
	refs    int // subscriptions and calls that use it; guarded by Relay.mu

	opening   sync.Mutex // held while the bus is asked to listen
	listening bool       // guarded by opening

	mu      sync.Mutex // guards what follows; held while subscribers run
	ended   bool
	subs    []*subscription
	last    pubsub.Position // what the subscriptions have been given, where the topic is kept
	holding bool            // messages wait: the subscription opens, or a gap is being filled
	again   bool            // there is another gap to be filled
	dropped bool            // more messages waited than may
	pending []*Message
	waiting map[uint64]chan struct{} // who published, by nonce
}

// hold has messages wait until open.
func (t *topic) hold() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.holding, t.again, t.pending = t.history.Kept(), false, nil
}

// open begins the delivery to the first subscription. It reports whether a gap is to be filled.
func (t *topic) open(head pubsub.Position, first *subscription) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last, first.start = head, head
	t.subs = append(t.subs, first)
	if !t.history.Kept() {
		return false
	}
	if t.again {
		t.again = false
		return true
	}
	return t.release()
}

func (t *topic) add(sub *subscription) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sub.start = t.last
	t.subs = append(t.subs, sub)
}

func (t *topic) remove(sub *subscription) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.subs, sub)
	if i < 0 {
		return false
	}
	t.subs = slices.Delete(t.subs, i, i+1)
	return true
}

// end lets nothing through any more.
func (t *topic) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended, t.subs, t.pending = true, nil, nil
	t.wakeAll()
}

// await returns a channel that is closed once the subscriptions have the publication with that nonce, or have been told
// that it may be lost. It is nil where there is nobody to wait for.
func (t *topic) await(nonce uint64) <-chan struct{} {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.subs) == 0 {
		return nil
	}
	back := make(chan struct{})
	if t.waiting == nil {
		t.waiting = make(map[uint64]chan struct{})
	}
	t.waiting[nonce] = back
	return back
}

func (t *topic) forget(nonce uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.waiting, nonce)
}

func (t *topic) wake(nonce uint64) {
	if back := t.waiting[nonce]; back != nil {
		close(back)
		delete(t.waiting, nonce)
	}
}

func (t *topic) wakeAll() {
	for nonce := range t.waiting {
		t.wake(nonce)
	}
}

// deliverOwn delivers what this node publishes and nobody keeps: it does not wait for the bus to bring it back.
func (t *topic) deliverOwn(p pubsub.Publication) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, sub := range t.subs {
		sub.to.Receive(p)
	}
}

// arrived takes a message from the bus. It reports whether there is a gap before it, which is to be filled.
func (t *topic) arrived(m *Message) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.ended:
		return false
	case t.holding:
		t.wait(m)
		return false
	case t.take(m):
		return false
	}
	t.holding = true
	t.wait(m)
	return true
}

// wait has m wait for a gap to be filled.
func (t *topic) wait(m *Message) {
	if len(t.pending) == maxPending {
		t.pending, t.again, t.dropped = nil, true, true
	}
	t.pending = append(t.pending, m)
}

// take delivers m if it is the next one, and drops what has been delivered before. It reports false where there is a
// gap.
func (t *topic) take(m *Message) bool {
	if m.Position == (pubsub.Position{}) || !t.history.Kept() {
		t.deliver(m)
		return true
	}
	if m.Position.Epoch != t.last.Epoch {
		return false
	}
	if m.Position.Offset <= t.last.Offset {
		if from, nonce, _, ok := unseal(m.Body); ok && from == t.node {
			t.wake(nonce)
		}
		return true
	}
	if m.Prev != t.last.Offset {
		return false
	}
	t.last = m.Position
	t.deliver(m)
	return true
}

// deliver hands m to the subscriptions, but for what they have been given when it was published.
func (t *topic) deliver(m *Message) {
	from, nonce, data, ok := unseal(m.Body)
	if !ok || from == t.node && nonce == 0 {
		return
	}
	p := pubsub.Publication{Topic: t.name, Data: data, Position: m.Position}
	for _, sub := range t.subs {
		sub.to.Receive(p)
	}
	if from == t.node {
		t.wake(nonce)
	}
}

func (t *topic) lost(err error) {
	for _, sub := range t.subs {
		sub.to.Lost(t.last, err)
	}
	t.wakeAll()
}

// release lets what waits through. It reports whether there is another gap.
func (t *topic) release() bool {
	pending := t.pending
	t.pending, t.holding = nil, false
	for i, m := range pending {
		if !t.take(m) {
			t.holding, t.pending = true, pending[i:]
			return true
		}
	}
	return false
}
