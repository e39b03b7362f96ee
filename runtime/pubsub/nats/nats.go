// Package nats is a pubsub.PubSub over NATS: core NATS for what is not kept, JetStream (server 2.11 or later) for what
// is. Without topics that have a history the server needs no JetStream.
//
// # What is not kept
//
// is handed to the subscriptions of this node and then published. NATS does not keep it: a node that is not connected at
// that moment misses it, and is told so (Lost) once it is connected again. A nil error from Publish says that the server
// which this node is connected to has taken it. Where several NATS servers form a cluster, what one of them drops on the
// way to another goes unnoticed, and a new subscription takes a moment to be known to all of them.
//
// # What is kept
//
// All of it is in one stream. Its subjects hold the epoch and the topic; its sequence is the offset, so that offsets of
// one topic rise and are not contiguous. These are the questions that follow, and their answers:
//
//   - How does a node hear of it? The stream republishes what it has stored, in its order, and names the sequence that
//     came before on the same subject. Nodes subscribe to that with core NATS, so a topic costs no consumer. A
//     predecessor that is not what was delivered last is a gap, which is read from the stream before anything else.
//   - Is nothing missing after a position? Messages of a subject are only ever removed from the oldest on (by age, by
//     number, by purging). So everything after a position is there if the message at the position is.
//   - What if it has grown too old? Messages live for Options.Memory, which is much longer than a History.TTL, so that a
//     client on a quiet topic can still come back; what is older than the TTL, or more than Size, is not replayed. The
//     ages are the server's timestamps by this node's clock.
//   - What if there is no message? The first who asks for the position of an empty topic publishes an empty one.
//   - What if the stream was deleted, or came back from a backup or from a power cut with less than nodes have seen? A
//     new stream has a new epoch. A node that reconnects and finds that the newest sequence is lower than one it has seen
//     gives the stream a new epoch: its subjects are other ones from then on, so whoever still uses the old ones finds
//     no stream that takes them, and no message at an old position. What nobody can tell is when sequences that were
//     lost have been given out again before any node that had seen them was back.
//   - Who bounds it? The stream keeps Options.MaxSize of a topic; those who publish purge what is over Size now and then.
//
// JetStream acknowledges before it has synced to disk (its default is every two minutes): a process that crashes loses
// nothing, a machine without power can lose the last writes. With replicas a majority has them.
//
// # When NATS is away
//
// Publish, Subscribe and Replay return errors; nothing is buffered. Subscriptions stay and are restored. A connection
// that is open and carries nothing is found by probes: each node publishes to itself every Options.Probe, and connects
// anew when that does not come back. Topics cost nothing while nothing is published.
package nats

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/internal/relay"
)

// Options are what can be set. The zero value of each field is its default.
type Options struct {
	// Prefix begins all subjects and is the stream's name; the default is "chgen". Services that share a NATS account
	// need different ones. It consists of letters, digits, "-" and "_".
	Prefix string

	// Probe is how often each node checks that what it publishes arrives; the default is 5 s. A dead connection is found
	// within twice that time.
	Probe time.Duration

	// Timeout bounds each call, if its context does not, and each connection attempt; the default is 5 s.
	Timeout time.Duration

	// Memory is how long what is kept stays in the stream, beyond every History.TTL, and so how long a topic may be quiet
	// without its positions becoming void; the default is 24 h. It is set when the stream is created.
	Memory time.Duration

	// MaxSize is the largest History.Size; the default is 10,000. It is set when the stream is created.
	MaxSize int

	// Replicas is how many servers have the stream; the default is 1. It is set when the stream is created.
	Replicas int

	// NATS are options of the connection that the URL cannot express, nats.UserCredentials("file") for instance.
	NATS []nats.Option

	// Log is told when NATS is lost and found again; the default is slog.Default.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	def(&o.Probe, 5*time.Second)
	def(&o.Timeout, 5*time.Second)
	def(&o.Memory, 24*time.Hour)
	if o.Prefix == "" {
		o.Prefix = "chgen"
	}
	if o.MaxSize <= 0 {
		o.MaxSize = 10_000
	}
	o.Replicas = max(o.Replicas, 1)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// PubSub is a pubsub.PubSub over NATS.
type PubSub struct {
	relay *relay.Relay
	bus   *bus
}

// New connects to NATS. The URL may be several of one cluster, separated by commas: nats://user:password@host:4222, or
// tls://. It fails if none of them can be reached now. Close gives everything back.
func New(ctx context.Context, url string, opts Options) (*PubSub, error) {
	opts = opts.withDefaults()
	b := &bus{opts: opts, node: rand.Text(), messages: make(chan *nats.Msg, 1<<16), flushes: make(chan struct{}, 1)}
	b.listening.subs = make(map[string][]*nats.Subscription)
	b.ctx, b.cancel = context.WithCancel(context.Background())
	p := &PubSub{bus: b}
	p.relay = relay.New(b, relay.Options{Timeout: opts.Timeout, Patience: min(time.Second, opts.Timeout/2)})
	b.relay = p.relay
	if err := b.connect(ctx, url); err != nil {
		p.Close()
		return nil, fmt.Errorf("nats: %w", err)
	}
	return p, nil
}

// Publish implements pubsub.PubSub.
func (p *PubSub) Publish(ctx context.Context, publication pubsub.Publication) error {
	return p.relay.Publish(ctx, publication)
}

// Subscribe implements pubsub.PubSub.
func (p *PubSub) Subscribe(ctx context.Context, topic string, history pubsub.History, s pubsub.Subscriber) (pubsub.Subscription, error) {
	return p.relay.Subscribe(ctx, topic, history, s)
}

// Replay implements pubsub.PubSub.
func (p *PubSub) Replay(ctx context.Context, topic string, history pubsub.History, after pubsub.Position, limit int) (pubsub.Page, error) {
	return p.relay.Replay(ctx, topic, history, after, limit)
}

// Close ends all subscriptions and disconnects. Once it has returned no subscriber is called, and nothing of the PubSub
// runs any more.
func (p *PubSub) Close() {
	p.relay.Close()
	p.bus.cancel()
	if p.bus.conn != nil {
		p.bus.conn.Close()
		<-p.bus.closed
	}
	p.bus.running.Wait()
}

// bus implements relay.Bus.
type bus struct {
	opts     Options
	node     string
	relay    *relay.Relay
	conn     *nats.Conn
	js       jetstream.JetStream
	closed   chan struct{}   // closed when the connection is, for good
	messages chan *nats.Msg  // what arrives, in order
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	running  sync.WaitGroup // dispatch, fly, probing, reconnected

	taking     sync.Mutex // held while a message is handed out, or the topics are told of a hole
	connection uint64     // how often the connection had been made anew when they were told last; guarded by taking

	probed atomic.Int64 // the newest probe that has come back

	epoch struct {
		sync.Mutex        // held while the stream is asked
		current    string // as far as is known; empty: not known
	}
	seen atomic.Uint64 // the highest sequence that this node knows of in the current epoch

	flushing struct {
		sync.Mutex
		next *flight // waits for the one before it
	}
	flushes chan struct{} // holds a token when there is a next one

	listening struct {
		sync.Mutex
		subs map[string][]*nats.Subscription // by topic
	}
}
