package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/internal/relay"
)

const (
	batch    = 512 // channels a command
	minPause = 50 * time.Millisecond
	maxPause = time.Second
)

var (
	errLost   = errors.New("redis: the subscription was lost")
	errSilent = errors.New("redis: a probe did not come back")
	errMoved  = errors.New("redis: the slot of the subscription has moved")
)

// lane is a part of the topics, with one connection that they are subscribed over. All its keys and channels are in one
// slot. Its goroutine runs from the first topic on: it connects, subscribes, probes, and begins again when that fails.
type lane struct {
	bus     *bus
	tag     string        // begins all keys and channels
	changed chan struct{} // holds a token when there are changes

	mu      sync.Mutex // guards what follows
	running bool
	topics  map[string]*listening
	changes []change
}

// listening is a topic that somebody wants to hear.
type listening struct {
	ready chan struct{} // closed once it is subscribed to
	done  bool
}

// change is to be told to Redis.
type change struct {
	topic  string
	listen *listening // nil: unsubscribe
}

func newLane(b *bus, i int) *lane {
	return &lane{
		bus: b, tag: "{" + b.opts.Prefix + ":" + strconv.Itoa(i) + "}",
		changed: make(chan struct{}, 1), topics: make(map[string]*listening),
	}
}

func (l *lane) channel(topic string) string { return l.tag + "t:" + topic }
func (l *lane) meta(topic string) string    { return l.tag + "m:" + topic }
func (l *lane) log(topic string) string     { return l.tag + "l:" + topic }
func (l *lane) probe() string               { return l.tag + "p:" + l.bus.node }

// listen waits until topic is subscribed to.
func (l *lane) listen(ctx context.Context, topic string) error {
	l.mu.Lock()
	w := l.topics[topic]
	if w == nil {
		w = &listening{ready: make(chan struct{})}
		l.topics[topic] = w
		l.change(change{topic, w})
	}
	if !l.running && l.bus.ctx.Err() == nil {
		l.running = true
		l.bus.running.Go(l.run)
	}
	l.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("redis: not subscribed: %w", ctx.Err())
	}
}

func (l *lane) ignore(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.topics[topic] != nil {
		delete(l.topics, topic)
		l.change(change{topic: topic})
	}
}

// change needs the lock.
func (l *lane) change(c change) {
	l.changes = append(l.changes, c)
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// run keeps the lane connected until the bus is closed.
func (l *lane) run() {
	pause := minPause
	for connected := false; ; {
		c := newConn(l)
		topics, err := c.subscribeAll()
		if err == nil {
			c.open(connected)
			l.ready(topics)
			connected, pause = true, minPause
			err = c.serve()
		}
		c.close()
		if l.bus.ctx.Err() != nil {
			return
		}
		l.bus.opts.Log.Warn("redis: subscriptions are interrupted", "lane", l.tag, "err", err)
		select {
		case <-time.After(pause):
			pause = min(2*pause, maxPause)
		case <-l.bus.ctx.Done():
			return
		}
	}
}

// conn is one connection of a lane.
type conn struct {
	lane    *lane
	client  rueidis.DedicatedClient
	cancel  func()
	ended   <-chan error // the connection has
	moved   chan struct{}
	leaving sync.Map     // channels that are being unsubscribed
	seen    atomic.Int64 // the newest probe that has come back

	mu   sync.Mutex // held while a message is taken, guards live
	live bool       // messages are taken
}

func newConn(l *lane) *conn {
	c := &conn{lane: l, moved: make(chan struct{}, 1)}
	c.client, c.cancel = l.bus.client.Dedicate()
	c.ended = c.client.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: c.message, OnSubscription: c.subscription})
	return c
}

// open lets messages through. After a connection that was lost the topics are told of the hole first: what has come in
// between is a part of it.
func (c *conn) open(again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.lane; again {
		l.bus.opts.Log.Info("redis: subscribed again", "lane", l.tag)
		l.bus.relay.Hole(func(topic string) bool { return l.bus.lane(topic) == l }, errLost)
	}
	c.live = true
}

// close ends the connection. Once it has returned no message is taken from it.
func (c *conn) close() {
	c.mu.Lock()
	c.live = false
	c.mu.Unlock()
	c.client.Close()
	c.cancel()
}

// subscribeAll subscribes to everything that the lane wants, and returns what that is.
func (c *conn) subscribeAll() ([]change, error) {
	l := c.lane
	l.mu.Lock()
	l.changes = nil
	all := make([]change, 0, len(l.topics))
	for topic, w := range l.topics {
		all = append(all, change{topic, w})
	}
	l.mu.Unlock()
	if err := c.command([]string{l.probe()}, true); err != nil {
		return nil, err
	}
	return all, c.apply(all)
}

// apply tells Redis the changes, in order, as many in one command as can be, and waits until they are done.
func (c *conn) apply(changes []change) error {
	for len(changes) > 0 {
		n, on := 1, changes[0].listen != nil
		for n < len(changes) && n < batch && (changes[n].listen != nil) == on {
			n++
		}
		channels := make([]string, n)
		for i := range channels {
			channels[i] = c.lane.channel(changes[i].topic)
		}
		if err := c.command(channels, on); err != nil {
			return err
		}
		changes = changes[n:]
	}
	return nil
}

func (l *lane) ready(changes []change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range changes {
		if c.listen != nil && !c.listen.done {
			c.listen.done = true
			close(c.listen.ready)
		}
	}
}

// command subscribes or unsubscribes and waits for the confirmation.
func (c *conn) command(channels []string, on bool) error {
	ctx, cancel := context.WithTimeout(c.lane.bus.ctx, c.lane.bus.opts.Timeout)
	defer cancel()
	var cmd rueidis.Completed
	sharded := c.lane.bus.sharded
	switch b := c.client.B(); {
	case on && sharded:
		cmd = b.Ssubscribe().Channel(channels...).Build()
	case on:
		cmd = b.Subscribe().Channel(channels...).Build()
	case sharded:
		c.leave(channels)
		cmd = b.Sunsubscribe().Channel(channels...).Build()
	default:
		cmd = b.Unsubscribe().Channel(channels...).Build()
	}
	return c.client.Do(ctx, cmd).Error()
}

func (c *conn) leave(channels []string) {
	for _, channel := range channels {
		c.leaving.Store(channel, nil)
	}
}

// serve runs until the connection fails, or a probe that was published has not come back when the next one is due.
func (c *conn) serve() error {
	l := c.lane
	ticker := time.NewTicker(l.bus.opts.Probe)
	defer ticker.Stop()
	for sent := int64(0); ; {
		select {
		case <-l.bus.ctx.Done():
			return l.bus.ctx.Err()
		case err := <-c.ended:
			return fmt.Errorf("%w: %w", errLost, err)
		case <-c.moved:
			return errMoved
		case <-l.changed:
			l.mu.Lock()
			changes := l.changes
			l.changes = nil
			l.mu.Unlock()
			if err := c.apply(changes); err != nil {
				return err
			}
			l.ready(changes)
		case <-ticker.C:
			if c.seen.Load() != sent {
				return errSilent
			}
			sent++
			l.sendProbe(sent)
		}
	}
}

// sendProbe does not wait. That it fails shows when the next one is due.
func (l *lane) sendProbe(n int64) {
	l.bus.running.Go(func() {
		ctx, cancel := context.WithTimeout(l.bus.ctx, l.bus.opts.Probe)
		defer cancel()
		_ = l.bus.publish(ctx, l.probe(), strconv.FormatInt(n, 10))
	})
}

// message takes what Redis sends. Calls do not overlap.
func (c *conn) message(m rueidis.PubSubMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.live {
		return
	}
	if m.Channel == c.lane.probe() {
		n, _ := strconv.ParseInt(m.Message, 10, 64) // what is no number is not the probe
		c.seen.Store(n)
		return
	}
	topic, ok := strings.CutPrefix(m.Channel, c.lane.channel(""))
	if message, err := parseMessage(m.Message); ok && err == nil {
		c.lane.bus.relay.Arrived(topic, message)
	}
}

// parseMessage reads a position ("epoch offset", or nothing), a line feed, and the body.
func parseMessage(text string) (m relay.Message, err error) {
	position, body, _ := strings.Cut(text, "\n")
	if epoch, offset, kept := strings.Cut(position, " "); kept {
		m.Position = pubsub.Position{Epoch: epoch}
		if m.Position.Offset, err = strconv.ParseUint(offset, 10, 64); err != nil {
			return m, err
		}
		m.Prev = m.Position.Offset - 1
	}
	m.Body = []byte(body)
	return m, nil
}

// subscription notices when a Cluster takes a subscription away because its slot is somebody else's now.
func (c *conn) subscription(s rueidis.PubSubSubscription) {
	if s.Kind != "sunsubscribe" {
		return
	}
	if _, asked := c.leaving.LoadAndDelete(s.Channel); !asked {
		select {
		case c.moved <- struct{}{}:
		default:
		}
	}
}
