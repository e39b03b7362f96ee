package pubsub

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// shards is how many locks the topics are spread over.
const shards = 64

// Local is a PubSub within one process. Publications of one topic reach all its subscriptions in one and the same
// order, whoever publishes, kept or not, and all of them have received a publication when Publish returns. Lost is
// never called. What is kept lives in memory and is gone with the process.
type Local struct {
	seed   maphash.Seed
	shards [shards]shard
}

// shard holds some of the topics.
type shard struct {
	mu     sync.Mutex // guards topics, and what the topics do not guard themselves
	topics map[string]*topic
}

// topic is a topic that has subscriptions or keeps something.
type topic struct {
	name    string
	deliver sync.Mutex // held while subscribers run, so that they run in one order; taken before shard.mu
	refs    int        // subscriptions and calls that use this topic
	subs    []*localSub
	past    *past // nil where nothing has ever been kept; once it is there it stays
}

// past is what is kept of a topic.
type past struct {
	log   *log          // guarded by topic.deliver
	keep  time.Duration // how long the log is to outlive the last use
	until time.Time     // when the topic is to be forgotten, while nobody uses it
}

type localSub struct {
	bus   *Local
	topic *topic
	to    Subscriber
	start *Position // nil where nothing is kept
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
	t := s.acquire(p.Topic, p.History)
	if t == nil {
		return nil
	}
	defer s.release(t)
	t.deliver.Lock()
	defer t.deliver.Unlock()
	if p.History.Kept() {
		p = t.open().add(p)
	}
	for _, sub := range s.subscribers(t) {
		sub.to.Receive(p)
	}
	return nil
}

// Subscribe implements PubSub. It never fails either.
func (b *Local) Subscribe(_ context.Context, name string, history History, to Subscriber) (Subscription, error) {
	s := b.shard(name)
	t := s.use(name, history)
	sub := &localSub{bus: b, topic: t, to: to}
	t.deliver.Lock()
	defer t.deliver.Unlock()
	if history.Kept() {
		sub.start = new(t.open().position())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t.subs = append(slices.Clone(t.subs), sub)
	return sub, nil
}

// Replay implements PubSub. It never fails.
func (b *Local) Replay(_ context.Context, name string, history History, after Position, limit int) (Page, error) {
	if !history.Kept() {
		return Page{Gap: true}, nil
	}
	s := b.shard(name)
	t := s.use(name, history)
	defer s.release(t)
	t.deliver.Lock()
	defer t.deliver.Unlock()
	return t.open().after(after, limit), nil
}

// Start implements Subscription.
func (sub *localSub) Start() Position {
	if sub.start == nil {
		return Position{}
	}
	return *sub.start
}

// Cancel implements Subscription.
func (sub *localSub) Cancel() {
	s := sub.bus.shard(sub.topic.name)
	sub.topic.deliver.Lock() // no subscriber of this topic runs
	s.mu.Lock()
	i := slices.Index(sub.topic.subs, sub)
	if i >= 0 {
		sub.topic.subs = slices.Delete(slices.Clone(sub.topic.subs), i, i+1)
	}
	s.mu.Unlock()
	sub.topic.deliver.Unlock()
	if i >= 0 {
		s.release(sub.topic)
	}
}

// open returns the log of a topic that the caller uses with a history. It needs deliver.
func (t *topic) open() *log {
	if t.past.log == nil {
		t.past.log = newLog()
	}
	return t.past.log
}

// subscribers returns who listens to t now. The list is never changed in place, so it may be read without the lock.
func (s *shard) subscribers(t *topic) []*localSub {
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.subs
}

// acquire is use, but for what nobody listens to and nothing is kept of: that has no topic.
func (s *shard) acquire(name string, history History) *topic {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.topics[name] == nil && !history.Kept() {
		return nil
	}
	return s.useLocked(name, history)
}

// use counts one use of the topic in.
func (s *shard) use(name string, history History) *topic {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.useLocked(name, history)
}

func (s *shard) useLocked(name string, history History) *topic {
	t := s.topics[name]
	if t == nil {
		t = &topic{name: name}
		s.topics[name] = t
	}
	t.refs++
	if history.Kept() {
		if t.past == nil {
			t.past = new(past)
		}
		t.past.keep = max(t.past.keep, history.TTL)
	}
	return t
}

// release counts one use of t out. After the last t is forgotten, a log once everything in it must have expired: whoever
// has left in between may come back that long with his position.
func (s *shard) release(t *topic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.refs--
	switch {
	case t.refs > 0:
	case t.past == nil || t.past.keep == 0:
		delete(s.topics, t.name)
	case t.past.until.IsZero():
		t.past.until = time.Now().Add(t.past.keep)
		time.AfterFunc(t.past.keep, func() { s.forget(t) })
	default:
		t.past.until = time.Now().Add(t.past.keep)
	}
}

// forget forgets t if its time is up. Where it has been used in between, it looks again.
func (s *shard) forget(t *topic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := time.Until(t.past.until)
	if t.refs > 0 {
		wait = t.past.keep
	}
	if wait > 0 {
		time.AfterFunc(wait, func() { s.forget(t) })
		return
	}
	delete(s.topics, t.name)
}
