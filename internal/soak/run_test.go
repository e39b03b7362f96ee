package soak_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chgen/chgen/internal/soak"
	"github.com/chgen/chgen/runtime/client"
)

// load is what clients do in a run.
type load struct {
	followers  int           // clients that recover
	plain      int           // clients that do not
	topics     int           // of each kind
	publishers int           // followers that publish, one publication at a time
	pace       time.Duration // between two of one publisher, about
	drops      time.Duration // between two interruptions of clients, about
	away       time.Duration // how long the longest of these last
	faults     time.Duration // between two faults of one lane, and how long each lasts, about
	lasts      time.Duration
	until      func() bool // if set, the run ends when it reports true; lasts bounds it
}

// run is a service under load and faults.
type run struct {
	t         testing.TB
	load      load
	clock     clock
	service   *service
	followers []*follower
	plain     []*plain
	ids       atomic.Int64

	mu  sync.Mutex // guards log
	log soak.Log
}

// execute runs a service under load, does to it what the lanes of faults say, each at the same time as the others, then
// lets it come to rest, and returns the log.
func execute(t testing.TB, s *service, l load, seed uint64, lanes ...[]fault) *soak.Log {
	t.Helper()
	r := &run{t: t, load: l, clock: clock(time.Now()), service: s}
	stop := r.connect()
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), l.lasts)
	defer cancel()
	var work sync.WaitGroup
	for i := range l.publishers {
		work.Go(func() { r.publish(ctx, i, rand.New(rand.NewPCG(seed, uint64(i)+1))) })
	}
	work.Go(func() { r.drop(ctx, rand.New(rand.NewPCG(seed, 1<<32))) })
	for i, lane := range lanes {
		steps := plan(seed+uint64(i), len(lane), l.lasts, l.faults)
		t.Logf("faults:%s", describe(steps, lane))
		work.Go(func() { r.suffer(ctx, steps, lane) })
	}
	if l.until != nil {
		for !l.until() && pause(ctx, 20*time.Millisecond) {
		}
		cancel()
	}
	work.Wait()
	r.rest()
	stop()
	return r.collect()
}

// connect has all clients join.
func (r *run) connect() (stop func()) {
	ctx, cancel := context.WithCancel(r.t.Context())
	var topics []string
	for _, kind := range []string{"long", "brief", "turn"} {
		for i := range r.load.topics {
			topics = append(topics, fmt.Sprint(kind, ":", i))
		}
	}
	var running, joining sync.WaitGroup
	for i := range r.load.followers {
		f, err := follow(r.service.url(), fmt.Sprint("f", i), r.clock, topics)
		if err != nil {
			r.t.Fatal(err)
		}
		r.followers = append(r.followers, f)
		joining.Go(func() {
			if err := f.join(ctx); err != nil {
				r.t.Errorf("client %s: %v", f.name, err)
			}
		})
	}
	for i := range r.load.plain {
		p := newPlain(r.service.url(), fmt.Sprint("p", i), r.clock, topics)
		r.plain = append(r.plain, p)
		running.Go(func() { p.run(ctx) })
		joining.Go(p.first.Wait)
	}
	joining.Wait()
	return sync.OnceFunc(func() {
		for _, f := range r.followers {
			f.client.Close()
		}
		cancel()
		running.Wait()
	})
}

// publish has a follower publish on its topics.
func (r *run) publish(ctx context.Context, i int, pick *rand.Rand) {
	f := r.followers[i]
	for pause(ctx, r.load.pace/2+upTo(pick, r.load.pace)) {
		r.say(f, pick.IntN(len(f.channels)), pick.IntN(4) == 0)
	}
}

// say publishes once, whether the run ends meanwhile or not: so its outcome is known. It returns the id where that is
// acknowledged.
func (r *run) say(f *follower, topic int, others bool) (id string, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	p := f.say(ctx, topic, strconv.FormatInt(r.ids.Add(1), 10), others)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log.Publications = append(r.log.Publications, p)
	return p.ID, p.Acked
}

// drop interrupts one client after the other, for a while each.
func (r *run) drop(ctx context.Context, pick *rand.Rand) {
	var away sync.WaitGroup
	defer away.Wait()
	for pause(ctx, r.load.drops/2+upTo(pick, r.load.drops)) {
		i, d := pick.IntN(len(r.followers)), upTo(pick, r.load.away)
		if pick.IntN(2) == 0 {
			d = 0
		}
		from := r.clock.now()
		back := r.followers[i].wire.interrupt()
		away.Go(func() {
			pause(ctx, d)
			back()
			r.fault(soak.Fault{Name: "client away", From: from, To: r.clock.now()})
		})
	}
}

func (r *run) fault(f soak.Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log.Faults = append(r.log.Faults, f)
}

// suffer does what a plan says. A fault that has begun comes to its end.
func (r *run) suffer(ctx context.Context, steps []step, faults []fault) {
	for _, s := range steps {
		if !pause(ctx, s.wait) {
			return
		}
		f := &faults[s.fault]
		from := r.clock.now()
		f.do(s.hold, rand.New(rand.NewPCG(s.seed, 0)))
		r.fault(soak.Fault{Name: f.name, From: from, To: r.clock.now(), Forgets: f.forgets})
	}
}

// rest waits until everybody is there, publishes on each topic, and waits until everybody has that: then they have
// everything that came before. Who is away at that moment has another chance. What it means that somebody has not got
// it is for the checker to say.
func (r *run) rest() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, f := range r.followers {
		for _, ch := range f.channels {
			for ch.State() != client.Joined && pause(ctx, 10*time.Millisecond) {
			}
		}
	}
	for ctx.Err() == nil {
		errs := r.mark(ctx)
		if len(errs) == 0 {
			return
		}
		r.t.Logf("at the end: %v", errs)
	}
}

func (r *run) mark(ctx context.Context) (errs []error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	var work sync.WaitGroup
	for i := range r.followers[0].recorders {
		var id string
		for ok := false; !ok && ctx.Err() == nil; {
			id, ok = r.say(r.followers[0], i, false)
		}
		recorders := []*recorder{}
		for _, f := range r.followers {
			recorders = append(recorders, f.recorders[i])
		}
		for _, p := range r.plain {
			recorders = append(recorders, p.recorders[r.followers[0].recorders[i].stream.Topic])
		}
		for _, rec := range recorders {
			work.Go(func() {
				if err := rec.await(ctx, id); err != nil {
					r.mu.Lock()
					defer r.mu.Unlock()
					errs = append(errs, err)
				}
			})
		}
	}
	work.Wait()
	return errs
}

func (r *run) collect() *soak.Log {
	for _, f := range r.followers {
		for _, rec := range f.recorders {
			r.log.Streams = append(r.log.Streams, rec.stream)
		}
	}
	for _, p := range r.plain {
		for _, rec := range p.recorders {
			r.log.Streams = append(r.log.Streams, rec.stream)
		}
	}
	return &r.log
}
