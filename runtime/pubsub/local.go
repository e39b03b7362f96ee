package pubsub

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
)

// shards is how many locks the topics are spread over.
const shards = 64

// Local is a PubSub within one process. Publications of one topic reach all its subscriptions in one and the same
// order, whoever publishes, and every handler has returned when Publish returns.
type Local struct {
	seed   maphash.Seed
	shards [shards]shard
}

// shard holds some of the topics.
type shard struct {
	mu     sync.Mutex // guards topics and the lists of subscriptions
	topics map[string]*topic
}

// topic is a topic that has subscriptions.
type topic struct {
	deliver sync.Mutex // held while handlers run, so that they run in one order; taken before shard.mu
	refs    int        // subscriptions and publishers that use this topic; guarded by shard.mu
	subs    []*localSub
}

type localSub struct {
	bus    *Local
	name   string
	topic  *topic
	handle Handler
}

// New returns a PubSub within this process.
func New() *Local {
	b := &Local{seed: maphash.MakeSeed()}
	for i := range b.shards {
		b.shards[i].topics = make(map[string]*topic)
	}
	return b
}

func (b *Local) shard(name string) *shard {
	return &b.shards[maphash.String(b.seed, name)%shards]
}

// Publish implements PubSub. It never fails: nothing here waits, so a context that has ended keeps nothing back.
func (b *Local) Publish(_ context.Context, p Publication) error {
	s := b.shard(p.Topic)
	s.mu.Lock()
	t := s.topics[p.Topic]
	if t == nil {
		s.mu.Unlock()
		return nil
	}
	t.refs++
	s.mu.Unlock()

	t.deliver.Lock()
	s.mu.Lock()
	subs := t.subs // never changed in place, so it may be read without the lock
	s.mu.Unlock()
	for _, sub := range subs {
		sub.handle(p)
	}
	t.deliver.Unlock()
	s.release(p.Topic, t)
	return nil
}

// Subscribe implements PubSub. It never fails either.
func (b *Local) Subscribe(_ context.Context, name string, handle Handler) (Subscription, error) {
	s := b.shard(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[name]
	if t == nil {
		t = &topic{}
		s.topics[name] = t
	}
	t.refs++
	sub := &localSub{bus: b, name: name, topic: t, handle: handle}
	t.subs = append(slices.Clone(t.subs), sub)
	return sub, nil
}

// Cancel implements Subscription. Cancelling twice is nothing.
func (sub *localSub) Cancel() {
	s := sub.bus.shard(sub.name)
	sub.topic.deliver.Lock() // no handler of this topic runs
	s.mu.Lock()
	i := slices.Index(sub.topic.subs, sub)
	if i >= 0 {
		sub.topic.subs = slices.Delete(slices.Clone(sub.topic.subs), i, i+1)
	}
	s.mu.Unlock()
	sub.topic.deliver.Unlock()
	if i >= 0 {
		s.release(sub.name, sub.topic)
	}
}

// release gives up one use of t and forgets it after the last.
func (s *shard) release(name string, t *topic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.refs--
	if t.refs == 0 {
		delete(s.topics, name)
	}
}
