// Package redis is a pubsub.PubSub over Redis 6.2 or later: a single server, one with replicas behind Sentinel, or a
// Cluster (Redis 7 or later, since it needs sharded publish and subscribe).
//
// # What is not kept
//
// is handed to the subscriptions of this node and then PUBLISHed. Redis does not keep it: a node that is not connected
// at that moment misses it, and is told so (Lost) once it is connected again. A nil error from Publish says that Redis
// has taken it, not that anybody else got it.
//
// # What is kept
//
// goes through one Lua script that counts the offset up, appends to a log (a stream of at most History.Size entries) and
// publishes with the position, all in one step. Each node compares the offset with the last one it has delivered; where
// some are missing it reads them from the log, in order, before it goes on, and calls Lost where the log has them no
// more. What is published while Publish waits comes back through Redis like everybody else's, so all nodes have one
// order. On a topic with history a hole in what is not kept is not reported, as long as everything kept is there.
//
// The epoch is a random text beside the log. It holds for one run of one server: run_id and replication id of the
// server are kept beside it, and where they are others (a restart, a failover, even one back again), or the topic's keys
// are gone, the next use of the topic begins a new epoch with an empty log. A server that comes back with its data may
// have lost the last second, and a replica may lag: nobody could tell, so positions from before are not gone on from.
// (Redis also gives itself another replication id when its first replica attaches, and when it has been without replicas
// for repl-backlog-ttl, an hour: that looks like a failover back, and begins new epochs too.)
// Entries are forgotten after History.TTL; the epoch and the offset are remembered for Options.Memory after the last
// use, so that a client on a quiet topic can still come back.
//
// Redis acknowledges before anything is on a disk or on a replica. What the server loses with its memory is lost, and
// everybody who asks for it is told.
//
// # When Redis is away
//
// Publish, Subscribe and Replay return errors. Subscriptions stay and are restored. A connection that is open and
// carries nothing is found by probes: each node publishes to itself every Options.Probe, and connects anew when that
// does not come back. Topics cost nothing while nothing is published: no polling, no timers.
//
// The client is rueidis: it pipelines concurrent publications by itself, reports the end of a subscription instead of
// restoring it behind our back, which is what finding holes stands on, and its URLs know Sentinel and Cluster.
package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/internal/relay"
)

// Options are what can be set. The zero value of each field is its default.
type Options struct {
	// Prefix begins all keys and channels; the default is "chgen". Services that share a Redis need different ones, also
	// in different databases, since channels belong to all of them. It consists of letters, digits and "-".
	Prefix string

	// Probe is how often each node checks that what it publishes arrives; the default is 5 s. A dead subscription is
	// found within twice that time.
	Probe time.Duration

	// Timeout bounds each call, if its context does not, and each connection attempt; the default is 5 s.
	Timeout time.Duration

	// Memory is how long the epoch and the offset of a topic outlive its last use; the default is 30 days. It costs about
	// 400 bytes a topic.
	Memory time.Duration

	// Lanes is how many slots of a Cluster the topics are spread over, and how many connections a node has for
	// subscriptions; the default is 16. All nodes need the same. A single server has one.
	Lanes int

	// Client, if set, changes what the URL cannot say, certificates for instance.
	Client func(*rueidis.ClientOption)

	// Log is told when Redis is lost and found again; the default is slog.Default.
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
	def(&o.Memory, 30*24*time.Hour)
	if o.Prefix == "" {
		o.Prefix = "chgen"
	}
	if o.Lanes <= 0 {
		o.Lanes = 16
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// PubSub is a pubsub.PubSub over Redis.
type PubSub struct {
	relay *relay.Relay
	bus   *bus
}

// New connects to Redis. The URL is one of
//
//	redis://user:password@host:6379/0               one server; rediss:// with TLS; unix:///path/to/socket
//	redis://host1:26379?addr=host2:26379&master_set=mymaster   Sentinel: its addresses and the master's name
//	redis://host1:6379?addr=host2:6379&addr=host3:6379         a Cluster, which is recognized by itself
//
// and fails if Redis cannot be reached now. Close gives everything back.
func New(ctx context.Context, url string, opts Options) (*PubSub, error) {
	opts = opts.withDefaults()
	client, err := connect(ctx, url, opts)
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	if client.Mode() != rueidis.ClientModeCluster {
		opts.Lanes = 1
	}
	b := &bus{client: client, opts: opts, sharded: client.Mode() == rueidis.ClientModeCluster, node: rand.Text()}
	b.keep = strconv.FormatInt(opts.Memory.Milliseconds(), 10)
	b.append, b.read = appendScript(b.sharded), readScript()
	b.ctx, b.cancel = context.WithCancel(context.Background())
	p := &PubSub{bus: b}
	p.relay = relay.New(b, relay.Options{Timeout: opts.Timeout, Patience: min(time.Second, opts.Timeout/2)})
	b.relay = p.relay
	for i := range opts.Lanes {
		b.lanes = append(b.lanes, newLane(b, i))
	}
	return p, nil
}

func connect(ctx context.Context, url string, opts Options) (rueidis.Client, error) {
	option, err := rueidis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	option.DisableCache = true
	option.ConnWriteTimeout = opts.Timeout
	option.Dialer.Timeout = opts.Timeout
	option.Dialer.KeepAlive = opts.Probe // also how often an idle connection is pinged
	if opts.Client != nil {
		opts.Client(&option)
	}
	client, err := rueidis.NewClient(option)
	if err != nil {
		return nil, err
	}
	if err := client.Do(ctx, client.B().Ping().Build()).Error(); err != nil {
		client.Close()
		return nil, err
	}
	return client, nil
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
	for _, l := range p.bus.lanes {
		l.mu.Lock()   // whoever is about to make it run has done so, or sees that it is over
		l.mu.Unlock() //nolint:staticcheck // nothing but waiting
	}
	p.bus.running.Wait()
	p.bus.client.Close()
}

// bus implements relay.Bus.
type bus struct {
	client       rueidis.Client
	opts         Options
	sharded      bool // a Cluster: channels belong to slots
	node         string
	keep         string // Options.Memory in milliseconds
	append, read *rueidis.Lua
	relay        *relay.Relay
	lanes        []*lane
	ctx          context.Context // ends with Close
	cancel       context.CancelFunc
	running      sync.WaitGroup // the lanes and their probes
}

// lane returns the lane of a topic.
func (b *bus) lane(topic string) *lane {
	if len(b.lanes) == 1 {
		return b.lanes[0]
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(topic)) // never fails
	return b.lanes[h.Sum32()%uint32(len(b.lanes))]
}

// Listen implements relay.Bus.
func (b *bus) Listen(ctx context.Context, topic string, _ pubsub.History) error {
	return b.lane(topic).listen(ctx, topic)
}

// Ignore implements relay.Bus.
func (b *bus) Ignore(topic string, _ pubsub.History) { b.lane(topic).ignore(topic) }

// Send implements relay.Bus.
func (b *bus) Send(ctx context.Context, topic string, body []byte) error {
	return b.publish(ctx, b.lane(topic).channel(topic), "\n"+rueidis.BinaryString(body))
}

func (b *bus) publish(ctx context.Context, channel, message string) error {
	if b.sharded {
		return b.client.Do(ctx, b.client.B().Spublish().Channel(channel).Message(message).Build()).Error()
	}
	return b.client.Do(ctx, b.client.B().Publish().Channel(channel).Message(message).Build()).Error()
}

// Append implements relay.Bus.
func (b *bus) Append(ctx context.Context, topic string, history pubsub.History, body []byte) error {
	l := b.lane(topic)
	keys := []string{l.meta(topic), l.log(topic), l.channel(topic)}
	args := []string{rand.Text(), b.keep, strconv.Itoa(history.Size), milliseconds(history.TTL), rueidis.BinaryString(body)}
	return b.append.Exec(ctx, b.client, keys, args).Error()
}

// Head implements relay.Bus.
func (b *bus) Head(ctx context.Context, topic string, history pubsub.History) (pubsub.Position, error) {
	page, err := b.Read(ctx, topic, history, pubsub.Position{}, 0)
	return page.Head, err
}

// Read implements relay.Bus.
func (b *bus) Read(ctx context.Context, topic string, history pubsub.History, after pubsub.Position, limit int) (relay.Page, error) {
	l := b.lane(topic)
	args := []string{
		rand.Text(), b.keep, after.Epoch, strconv.FormatUint(after.Offset, 10), strconv.Itoa(max(limit, 0)), milliseconds(history.TTL),
	}
	reply, err := b.read.Exec(ctx, b.client, []string{l.meta(topic), l.log(topic)}, args).AsStrSlice()
	if err != nil {
		return relay.Page{}, err
	}
	return parsePage(reply, after)
}

var errReply = errors.New("redis: the log's script replied something else")

// parsePage reads the reply of the read script: epoch, offset, "gap" or nothing, bodies.
func parsePage(reply []string, after pubsub.Position) (page relay.Page, err error) {
	if len(reply) < 3 {
		return page, errReply
	}
	page.Head.Epoch = reply[0]
	if page.Head.Offset, err = strconv.ParseUint(reply[1], 10, 64); err != nil {
		return page, fmt.Errorf("%w: %w", errReply, err)
	}
	page.Gap = reply[2] == "gap"
	for i, body := range reply[3:] {
		at := pubsub.Position{Epoch: reply[0], Offset: after.Offset + 1 + uint64(i)}
		page.Messages = append(page.Messages, relay.Message{Position: at, Body: []byte(body)})
	}
	return page, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(max(d.Milliseconds(), 1), 10) }
