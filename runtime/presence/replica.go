package presence

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/chgen/chgen/runtime/pubsub"
)

// topicAll is what every node listens to, and with a slash and its id behind it what one node listens to. No topic of a
// channel begins with a NUL.
const topicAll = "\x00chgen/presence"

// Options are those of Replicate. Zero values stand for the defaults.
type Options struct {
	// Node tells this node, in this life of it, from all others. Default random.
	Node string

	// Heartbeat is how often the node says that it lives. Default 2 s.
	Heartbeat time.Duration

	// Down is how long another node may be silent until it is forgotten, which takes up to one Heartbeat more. It
	// should be several Heartbeats of the other. Default 30 s.
	Down time.Duration

	// Logger is where nodes that come and go, and trouble with the bus, are logged. Default slog.Default.
	Logger *slog.Logger
}

// Replica is a Tracker's part in replication. Close is its one method for others than the bus.
//
// It has two goroutines: the sender, which alone publishes, and the watch, which looks for nodes that are silent. What
// the bus delivers is applied as it comes. Locks are taken in the order Replica.mu, a topic's, outbox.mu, none of them
// while something is published.
type Replica struct {
	t    *Tracker
	bus  pubsub.PubSub
	opts Options
	log  *slog.Logger
	out  *outbox

	ctx     context.Context // of what is published; ends when Close has no more time
	cancel  context.CancelFunc
	stop    chan struct{} // closed by Close
	closing sync.Once
	running sync.WaitGroup
	subs    []pubsub.Subscription // of the sender, and of Close after it
	failing bool                  // the bus takes nothing; of the sender

	mu       sync.Mutex // guards what follows; held while changes of other nodes are made
	closed   bool
	baffled  bool // by a message, which has been logged
	peers    map[string]*peer
	left     map[string]time.Time // when a node has said bye: what of it comes late is not taken for a node
	requests uint64
	todo     todo
}

// todo is what the sender is to do beside sending changes.
type todo struct {
	hello, beat bool
	asks        map[string]query // by the node that is asked
	answers     map[string]query // by the node that asks
}

// query asks a node for what came after seq.
type query struct{ request, seq uint64 }

// Replicate has t know what the trackers of the other nodes on the bus know, and they what t knows, until Close. It is
// called before anything is tracked. It does not fail: where the bus cannot be reached, it is tried again.
func Replicate(t *Tracker, bus pubsub.PubSub, opts Options) *Replica {
	opts.Node = cmp.Or(opts.Node, newRef())
	opts.Heartbeat = cmp.Or(opts.Heartbeat, 2*time.Second)
	opts.Down = cmp.Or(opts.Down, 30*time.Second)
	r := &Replica{
		t:     t,
		bus:   bus,
		opts:  opts,
		log:   opts.Logger,
		out:   &outbox{node: opts.Node, news: make(chan struct{}, 1)},
		stop:  make(chan struct{}),
		peers: make(map[string]*peer),
		left:  make(map[string]time.Time),
	}
	if r.log == nil {
		r.log = slog.Default()
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	t.self = r.out
	r.running.Go(r.send)
	r.running.Go(r.watch)
	return r
}

// Close tells the other nodes that this one has ended, and returns when nothing of the replica runs any more. The
// tracker keeps what it knows. When ctx ends first, the others learn of it by silence. Closing twice is nothing.
func (r *Replica) Close(ctx context.Context) { r.closing.Do(func() { r.close(ctx) }) }

func (r *Replica) close(ctx context.Context) {
	close(r.stop)
	defer context.AfterFunc(ctx, r.cancel)()
	r.running.Wait()
	r.cancel()
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	for _, sub := range r.subs {
		sub.Cancel()
	}
}

const (
	// batchPause is how long what changes after something has been sent waits for more.
	batchPause = 5 * time.Millisecond

	// publishTimeout is how long the bus may take for one message.
	publishTimeout = 5 * time.Second

	// minRetry and maxRetry are how long the bus is left alone after it has refused a subscription.
	minRetry = 100 * time.Millisecond
	maxRetry = 5 * time.Second
)

// send is the sender. What changes while nothing else does goes out at once, and under load what has come together.
func (r *Replica) send() {
	if !r.subscribe() {
		return // nobody knows this node
	}
	r.mu.Lock()
	r.todo.hello = true
	r.mu.Unlock()
	r.out.poke()
	for wait(r, r.out.news) {
		r.work()
		wait(r, time.After(batchPause))
	}
	r.flush()
	bye := message{kind: kindBye, from: r.opts.Node, seq: r.out.last()}
	r.publish(topicAll, bye.append(nil))
}

// subscribe listens to the bus. It reports false where the replica is closed before it can.
func (r *Replica) subscribe() bool {
	for _, topic := range []string{topicAll, r.topic(r.opts.Node)} {
		for retry := minRetry; ; retry = min(2*retry, maxRetry) {
			ctx, cancel := context.WithTimeout(r.ctx, publishTimeout)
			sub, err := r.bus.Subscribe(ctx, topic, pubsub.History{}, r)
			cancel()
			if err == nil {
				r.subs = append(r.subs, sub)
				break
			}
			r.failed(fmt.Errorf("subscribing: %w", err))
			if !wait(r, time.After(retry)) {
				return false
			}
		}
	}
	return true
}

// topic is what a node listens to.
func (r *Replica) topic(node string) string { return topicAll + "/" + node }

// work does what there is to do.
func (r *Replica) work() {
	r.mu.Lock()
	now := r.todo
	r.todo = todo{}
	r.mu.Unlock()
	r.flush()
	if now.hello || now.beat {
		beat := message{kind: kindBeat, from: r.opts.Node, seq: r.out.last()}
		if now.hello {
			beat.kind = kindHello
		}
		r.publish(topicAll, beat.append(nil))
	}
	for node, q := range now.asks {
		ask := message{kind: kindAsk, from: r.opts.Node, seq: q.seq, request: q.request}
		r.publish(r.topic(node), ask.append(nil))
	}
	for node, q := range now.answers {
		r.answer(node, q)
	}
}

// flush sends the changes that wait.
func (r *Replica) flush() {
	for data := r.out.next(); data != nil; data = r.out.next() {
		r.publish(topicAll, data)
	}
}

// publish sends a message. One that cannot be sent is as good as lost on the way, which the protocol stands.
func (r *Replica) publish(topic string, data []byte) {
	ctx, cancel := context.WithTimeout(r.ctx, publishTimeout)
	defer cancel()
	err := r.bus.Publish(ctx, pubsub.Publication{Topic: topic, Data: data})
	if err != nil {
		r.failed(err)
	} else if r.failing {
		r.failing = false
		r.log.Info("presence reaches the other nodes again")
	}
}

// failed logs the first of several failures.
func (r *Replica) failed(err error) {
	if !r.failing && r.ctx.Err() == nil {
		r.failing = true
		r.log.Warn("presence does not reach the other nodes", "err", err)
	}
}

// stopped reports whether the replica is being closed.
func (r *Replica) stopped() bool {
	select {
	case <-r.stop:
		return true
	default:
		return false
	}
}

// wait waits for something, or reports false: the replica is being closed.
func wait[T any](r *Replica, something <-chan T) bool {
	if r.stopped() {
		return false
	}
	select {
	case <-something:
		return true
	case <-r.stop:
		return false
	}
}
