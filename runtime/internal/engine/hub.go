package engine

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"

	"github.com/chgen/chgen/runtime/presence"
	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/wire"
)

// hubShards is how many locks the topics are spread over.
const hubShards = 64

// registry holds the hubs: the topics that have members on this node. The node subscribes to a topic on the bus
// while it has a hub.
type registry struct {
	srv    *Server
	seed   maphash.Seed
	shards [hubShards]hubShard
}

type hubShard struct {
	mu   sync.Mutex // guards hubs and their refs
	hubs map[string]*hub
}

// hub is one topic's members on this node.
type hub struct {
	topic   string
	channel *Channel
	refs    int // memberships that use it; guarded by the shard's lock

	opening sync.Mutex // held while the bus is asked to subscribe; taken before everything else
	sub     pubsub.Subscription

	presence *presenceFeed // where something is added to presences on their way

	mu      sync.Mutex // guards what follows and the members' hub fields; held while a publication goes into all queues
	members []*Membership
	tally   *tally // nil where members are not told how many there are
	*past          // nil where there is no history
}

// past is what a hub knows of its topic's history. hub.mu guards it.
type past struct {
	last   pubsub.Position // what has been received, or was there before
	tail   tail
	joins  int           // whose Join runs
	held   tail          // what came meanwhile, of which more is kept than of the history
	asking chan struct{} // full while as many questions to the history are under way as may be
}

func newRegistry(s *Server) *registry {
	r := &registry{srv: s, seed: maphash.MakeSeed()}
	for i := range r.shards {
		r.shards[i].hubs = make(map[string]*hub)
	}
	return r
}

func (r *registry) shard(topic string) *hubShard {
	return &r.shards[maphash.String(r.seed, topic)%hubShards]
}

// attach has the node listen to m's topic, until unsubscribe.
func (r *registry) attach(ctx context.Context, m *Membership) error {
	h := r.acquire(m)
	if err := h.open(ctx); err != nil {
		r.release(h)
		return err
	}
	if h.channel.keeps() {
		h.expect(m)
	}
	m.mu.Lock()
	m.hub = h
	m.mu.Unlock()
	return nil
}

// subscribe makes m, which is attached, a member of its topic, unless it has been given up for another. It calls first
// before m can receive anything; what is published after first has returned, m receives.
func (m *Membership) subscribe(e entry, first func()) bool {
	h := m.topicHub()
	if h == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.topicHub() != h {
		return false
	}
	first()
	if h.channel.keeps() {
		m.enter(h, e)
	} else {
		h.add(m)
	}
	return true
}

// add adds a member. It needs h.mu.
func (h *hub) add(m *Membership) {
	m.hubIndex = int32(len(h.members))
	h.members = append(h.members, m)
}

// topicHub is the hub that m is attached to, nil for none.
func (m *Membership) topicHub() *hub {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hub
}

// unsubscribe takes m off its topic, if it is on it.
func (m *Membership) unsubscribe() {
	m.mu.Lock()
	h := m.hub
	m.hub = nil
	m.mu.Unlock()
	if h == nil {
		return
	}
	h.remove(m)
	m.conn.srv.topics.release(h)
}

// remove takes a member out, if it is one.
func (h *hub) remove(m *Membership) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m.behind = false
	h.settle(m)
	if m.hubIndex == notMember {
		return
	}
	last := len(h.members) - 1
	moved := h.members[last]
	h.members[m.hubIndex], moved.hubIndex = moved, m.hubIndex
	h.members[last] = nil
	h.members = h.members[:last]
	m.hubIndex = notMember
}

func (r *registry) acquire(m *Membership) *hub {
	s := r.shard(m.topic)
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hubs[m.topic]
	if h == nil {
		h = &hub{topic: m.topic, channel: m.channel, presence: newPresenceFeed(m.channel)}
		if h.channel.keeps() {
			h.past = &past{asking: make(chan struct{}, replays)}
		}
		if h.channel.CountEvery > 0 {
			h.tally = new(tally)
		}
		s.hubs[m.topic] = h
	}
	h.refs++
	return h
}

func (r *registry) release(h *hub) {
	s := r.shard(h.topic)
	s.mu.Lock()
	h.refs--
	last := h.refs == 0
	if last {
		delete(s.hubs, h.topic)
	}
	s.mu.Unlock()
	if last {
		h.close()
	}
}

// open subscribes to the bus unless that has been done.
func (h *hub) open(ctx context.Context) error {
	h.opening.Lock()
	defer h.opening.Unlock()
	if h.sub != nil {
		return nil
	}
	sub, err := h.channel.srv.bus.Subscribe(ctx, h.topic, h.channel.history(), h)
	if err != nil {
		return err
	}
	h.sub = sub
	if h.past == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last.Epoch == "" { // else something has been received already
		h.last = sub.Start()
		h.tail.base = h.last
	}
	return nil
}

func (h *hub) close() {
	if h.tally != nil {
		h.endTally()
	}
	if h.presence != nil {
		h.presence.cancel()
	}
	h.opening.Lock()
	defer h.opening.Unlock()
	if h.sub != nil {
		h.sub.Cancel()
		h.sub = nil
	}
}

// Receive implements pubsub.Subscriber.
func (h *hub) Receive(b pubsub.Publication) {
	if b.Position.Epoch != "" && h.channel.keeps() {
		h.receiveKept(&b)
		return
	}
	p, err := parsePublication(b.Data)
	if err != nil {
		h.channel.srv.log.Error("publication refused", "channel", h.channel.Name, "topic", h.topic, "err", err)
		return
	}
	if h.channel.Intercepts[p.event] != nil {
		h.intercept(&record{publication: p, hidden: h.channel.srv.exclusion(p.from)})
		return
	}
	h.deliver(&p, false)
}

// deliver encodes p once for each serializer and puts the same bytes into the queue of every member, or of those
// who follow the presence diffs.
func (h *hub) deliver(p *publication, diff bool) {
	msg := wire.Message{Topic: h.topic, Event: p.event, Payload: p.payload, Binary: p.binary}
	key := p.queueKey(h.topic)
	hidden := h.channel.srv.exclusion(p.from)
	var frames frameCache
	var failed error // of a serializer: version 1 has no binary frames
	defer func() {
		if failed != nil {
			h.channel.srv.log.Error("broadcast cannot be encoded", "channel", h.channel.Name, "topic", h.topic, "event", p.event, "err", failed)
		}
	}()
	members, size := 0, 0 // that have it
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.members {
		if diff && !m.diffs || hidden.is(m.conn) {
			continue
		}
		frame, err := frames.get(m.conn.ser, &msg)
		if err != nil {
			failed = err
			continue
		}
		if m.conn.out.put(frame, p.delivery, key) {
			members++
			size += len(frame)
		}
	}
	h.observeDelivered(p.event, members, size)
}

// frameCache holds a message as each serializer in use writes it.
type frameCache struct {
	entries [2]struct {
		ser   wire.Serializer
		frame []byte
		err   error
	}
}

// find returns what there is already.
func (c *frameCache) find(ser wire.Serializer) (frame []byte, err error, ok bool) { //nolint:revive // the error is part of what is found
	for i := range c.entries {
		if e := &c.entries[i]; e.ser == ser {
			return e.frame, e.err, true
		}
	}
	return nil, nil, false
}

func (c *frameCache) get(ser wire.Serializer, msg *wire.Message) ([]byte, error) {
	for i := range c.entries {
		e := &c.entries[i]
		if e.ser == nil {
			e.ser = ser
			e.frame, e.err = encodeFrame(ser, msg)
		}
		if e.ser == ser {
			return e.frame, e.err
		}
	}
	return encodeFrame(ser, msg)
}

// intercept puts r into every member's mailbox.
func (h *hub) intercept(r *record) {
	members := 0 // that have it
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.members {
		if !r.hides(m.conn) && m.interceptLater(r) {
			members++
		}
	}
	h.observeDelivered(r.event, members, 0)
}

// interceptLater puts r into the mailbox. Where that is full the event is lost if it is volatile, else the membership:
// an event is never lost in silence.
func (m *Membership) interceptLater(r *record) bool {
	err := m.enqueueWork(r)
	if errors.Is(err, ErrBusy) {
		m.conn.srv.dropped(r.delivery)
		if r.delivery != Volatile {
			m.log().ErrorContext(&m.life, "too many intercepted events wait", m.attrs("event", r.event)...)
			m.end(Crashed, true)
		}
	}
	return err == nil
}

// diff sends a presence diff to the members of its topic on this node.
func (r *registry) diff(topic string, diff presence.Diff) {
	s := r.shard(topic)
	s.mu.Lock()
	h := s.hubs[topic]
	s.mu.Unlock()
	switch {
	case h == nil:
	case h.channel.CountEvery > 0:
		h.recount()
	case h.presence != nil:
		h.feedDiff(diff)
	default:
		h.deliver(&publication{event: eventDiff, payload: diff.AppendJSON(nil)}, true)
	}
	r.srv.observePresence(topic, diff)
}
