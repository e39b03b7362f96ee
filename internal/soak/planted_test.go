package soak_test

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chgen/chgen/internal/soak"
	"github.com/chgen/chgen/runtime/pubsub"
)

// faulty is a PubSub with a bug in what is kept.
type faulty struct {
	pubsub.PubSub
	off atomic.Bool  // the bug is over
	did atomic.Int64 // how often it has struck

	held sync.Map // by subscriber: a publication that waits

	// receive, if set, passes the nth publication of a subscription on, or does not, or something else.
	receive func(f *faulty, to pubsub.Subscriber, n int, p pubsub.Publication)

	// replay, if set, spoils a page that has publications.
	replay func(f *faulty, page *pubsub.Page)

	// publish, if set, reports whether a publication is lost.
	publish func(f *faulty) bool
}

func (f *faulty) strike() { f.did.Add(1) }

func (f *faulty) Publish(ctx context.Context, p pubsub.Publication) error {
	if f.publish != nil && p.History.Kept() && !f.off.Load() && f.publish(f) {
		return nil
	}
	return f.PubSub.Publish(ctx, p)
}

func (f *faulty) Subscribe(ctx context.Context, topic string, history pubsub.History, s pubsub.Subscriber) (pubsub.Subscription, error) {
	if f.receive != nil && history.Kept() {
		s = &faultySubscriber{Subscriber: s, bus: f}
	}
	return f.PubSub.Subscribe(ctx, topic, history, s)
}

func (f *faulty) Replay(ctx context.Context, topic string, history pubsub.History, after pubsub.Position, limit int) (pubsub.Page, error) {
	page, err := f.PubSub.Replay(ctx, topic, history, after, limit)
	if f.replay != nil && !f.off.Load() && len(page.Publications) > 0 {
		f.replay(f, &page)
	}
	return page, err
}

type faultySubscriber struct {
	pubsub.Subscriber
	bus *faulty
	n   int
}

func (s *faultySubscriber) Receive(p pubsub.Publication) {
	s.n++
	if s.bus.off.Load() {
		s.Subscriber.Receive(p)
		return
	}
	s.bus.receive(s.bus, s.Subscriber, s.n, p)
}

// exposed is p as if nobody were kept from it: it is said by somebody who does not exist.
func exposed(p pubsub.Publication) (pubsub.Publication, bool) {
	data := bytes.Clone(p.Data)
	at := 2 // format and flags; then event, key and the client, each after its length
	for range 2 {
		at += 1 + int(data[at])
	}
	name := data[at+1 : at+1+int(data[at])]
	for i := range name {
		name[i] = '-'
	}
	p.Data = data
	return p, len(name) > 0
}

func TestPlantedBugsAreFoundOut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		bus  *faulty
		want soak.Kind
	}{
		{"an offset is skipped", &faulty{receive: func(f *faulty, to pubsub.Subscriber, n int, p pubsub.Publication) {
			if n%5 == 0 {
				f.strike()
				return
			}
			to.Receive(p)
		}}, soak.Lost},
		{"a publication is delivered twice", &faulty{receive: func(f *faulty, to pubsub.Subscriber, n int, p pubsub.Publication) {
			to.Receive(p)
			if n%5 == 0 {
				f.strike()
				to.Receive(p)
			}
		}}, soak.Duplicate},
		{"a subscription is lost", &faulty{receive: func(f *faulty, to pubsub.Subscriber, n int, p pubsub.Publication) {
			if n > 10 {
				f.strike()
				return
			}
			to.Receive(p)
		}}, soak.Lost},
		{"two publications change places", &faulty{receive: func(f *faulty, to pubsub.Subscriber, n int, p pubsub.Publication) {
			held, ok := f.held.LoadAndDelete(to)
			if n%5 == 0 {
				f.held.Store(to, p)
				return
			}
			to.Receive(p)
			if ok {
				f.strike()
				to.Receive(held.(pubsub.Publication))
			}
		}}, soak.Disorder},
		{"positions are wrong", &faulty{receive: func(f *faulty, to pubsub.Subscriber, n int, p pubsub.Publication) {
			if n%5 == 0 {
				f.strike()
				p.Position.Offset++
			}
			to.Receive(p)
		}}, soak.Placed},
		{"those who are to be left out are not", &faulty{receive: func(f *faulty, to pubsub.Subscriber, _ int, p pubsub.Publication) {
			p, from := exposed(p)
			if from {
				f.strike()
			}
			to.Receive(p)
		}}, soak.Excluded},
		{"what is acknowledged is not published", &faulty{publish: func(f *faulty) bool { return f.did.Add(1)%5 == 0 }}, soak.Lost},
		{"a replay leaves something out, and says that it is recovered", &faulty{replay: func(f *faulty, page *pubsub.Page) {
			if len(page.Publications) > 1 {
				f.strike()
				page.Publications = page.Publications[1:]
			}
		}}, soak.Lost},
		{"a replay says that nothing can be recovered", &faulty{replay: func(f *faulty, page *pubsub.Page) {
			f.strike()
			page.Gap, page.Publications = true, nil
		}}, soak.Cheap},
		{"a replay tells something twice", &faulty{replay: func(f *faulty, page *pubsub.Page) {
			if n := len(page.Publications); n > 1 {
				f.strike()
				page.Publications[n-1].Data = page.Publications[0].Data
			}
		}}, soak.Duplicate},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.bus.PubSub = pubsub.New()
			l := load{
				followers: 3, topics: 1, publishers: 3, pace: 40 * time.Millisecond,
				drops: 400 * time.Millisecond, away: time.Second, lasts: 30 * time.Second,
				until: func() bool {
					enough := test.bus.did.Load() >= 6
					test.bus.off.Store(enough)
					return enough
				},
			}
			r := soak.Check(execute(t, localService(t, test.bus), l, 1))
			if !slices.Contains(r.Kinds(), test.want) {
				t.Errorf("want %s:\n%s", test.want, r)
			}
		})
	}
}

// Who is to be left out of a publication is left out when it is replayed, too. That takes somebody who goes right after he
// has said something, and comes back to a node that has to ask the PubSub.
func TestAReplayThatDoesNotLeaveOutWhoSaidItIsFoundOut(t *testing.T) {
	t.Parallel()
	bus := &faulty{PubSub: pubsub.New(), replay: func(f *faulty, page *pubsub.Page) {
		for i := range page.Publications {
			page.Publications[i], _ = exposed(page.Publications[i])
		}
	}}
	for _, off := range []bool{true, false} {
		bus.off.Store(off)
		r := &run{t: t, load: load{followers: 2, topics: 1}, clock: clock(time.Now()), service: localService(t, bus)}
		stop := r.connect()
		for i := range r.followers[0].channels {
			r.say(r.followers[0], i, true)
		}
		for _, n := range r.service.nodes {
			n.kill()
			n.start()
		}
		r.service.found()
		r.rest()
		stop()
		if found := slices.Contains(soak.Check(r.collect()).Kinds(), soak.Excluded); found == off {
			t.Errorf("the bug is off: %t, found: %t", off, found)
		}
	}
}
