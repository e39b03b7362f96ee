package presence_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/chgen/chgen/runtime/pubsub"
)

// wires are a bus between nodes that loses, repeats, delays and overtakes as it is told.
type wires struct {
	mu     sync.Mutex // guards what follows
	rand   *rand.Rand
	subs   []*wiresSub
	group  map[int]int  // nodes of different groups do not hear each other; they are in group 0 unless it says so
	dead   map[int]bool // these neither send nor hear
	loss   float64
	repeat float64
	delay  time.Duration // at most
	down   bool          // for everybody: every call fails
	sent   map[string]int
}

func newWires(seed uint64) *wires {
	return &wires{rand: rand.New(rand.NewPCG(seed, 0)), group: map[int]int{}, dead: map[int]bool{}, sent: map[string]int{}}
}

// set changes how the wires are.
func (w *wires) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// lose tells every subscription of a node that it may have missed something.
func (w *wires) lose(node int) {
	w.mu.Lock()
	subs := slices.Clone(w.subs)
	w.mu.Unlock()
	for _, s := range subs {
		if s.node == node {
			s.call(func(to pubsub.Subscriber) { to.Lost(pubsub.Position{}, errCut) })
		}
	}
}

var errCut = errors.New("cut")

// end is what one node has of the wires.
type end struct {
	*wires
	node int
}

type wiresSub struct {
	end
	topic string
	mu    sync.Mutex // held while to is called
	to    pubsub.Subscriber
	inbox []pubsub.Publication // what is on its way and keeps its order; guarded by wires.mu
}

// deliver has p received later: in order, or where there is a delay, in none.
func (s *wiresSub) deliver(p pubsub.Publication, delay time.Duration) {
	if delay > 0 {
		time.AfterFunc(delay, func() { s.call(func(to pubsub.Subscriber) { to.Receive(p) }) })
		return
	}
	s.inbox = append(s.inbox, p)
	time.AfterFunc(0, func() {
		s.call(func(to pubsub.Subscriber) {
			s.wires.mu.Lock()
			first := s.inbox[0]
			s.inbox = s.inbox[1:]
			s.wires.mu.Unlock()
			to.Receive(first)
		})
	})
}

func (s *wiresSub) Start() pubsub.Position { return pubsub.Position{} }

func (s *wiresSub) call(f func(pubsub.Subscriber)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.to != nil {
		f(s.to)
	}
}

func (s *wiresSub) Cancel() {
	s.mu.Lock()
	s.to = nil
	s.mu.Unlock()
	s.wires.mu.Lock()
	defer s.wires.mu.Unlock()
	if i := slices.Index(s.subs, s); i >= 0 {
		s.subs = slices.Delete(s.subs, i, i+1)
	}
}

func (e end) Publish(_ context.Context, p pubsub.Publication) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down {
		return errCut
	}
	e.sent[p.Topic]++
	for _, s := range e.subs {
		if s.topic != p.Topic || e.dead[e.node] || e.dead[s.node] || e.group[e.node] != e.group[s.node] {
			continue
		}
		for e.rand.Float64() >= e.loss {
			delay := time.Duration(0)
			if e.delay > 0 {
				delay = time.Duration(e.rand.Int64N(int64(e.delay)))
			}
			s.deliver(p, delay)
			if e.rand.Float64() >= e.repeat {
				break
			}
		}
	}
	return nil
}

func (e end) Subscribe(_ context.Context, topic string, _ pubsub.History, to pubsub.Subscriber) (pubsub.Subscription, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.down {
		return nil, errCut
	}
	s := &wiresSub{end: e, topic: topic, to: to}
	e.subs = append(e.subs, s)
	return s, nil
}

func (e end) Replay(context.Context, string, pubsub.History, pubsub.Position, int) (pubsub.Page, error) {
	return pubsub.Page{}, errCut
}
