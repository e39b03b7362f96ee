package engine

import (
	"context"
	"math"
	"sort"
	"time"

	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/wire"
)

// record is a publication as the members of a topic share it.
type record struct {
	publication                 // without an event where it could not be read
	hidden      exclusion       // from
	at          pubsub.Position // zero where it is not kept
	seen        time.Time

	// hub.mu guards what follows.
	ref    wire.Ref      // at, for clients
	frames [2]frameCache // without ref and with it
}

// hides reports whether c is not to get r.
func (r *record) hides(c *Conn) bool {
	return r.event == "" || r.hidden.is(c)
}

// frame returns r as it goes out on c. It needs h.mu.
func (h *hub) frame(r *record, c *Conn) ([]byte, error) {
	frames := &r.frames[0]
	if c.generated {
		frames = &r.frames[1]
	}
	if frame, err, ok := frames.find(c.ser); ok {
		return frame, err
	}
	msg := wire.Message{Topic: h.topic, Event: r.event, Payload: r.payload, Binary: r.binary}
	if c.generated {
		msg.Ref = h.ref(r)
	}
	return frames.get(c.ser, &msg)
}

// ref returns the position of r for clients, nil where it has none. It needs h.mu.
func (h *hub) ref(r *record) wire.Ref {
	if r.ref == nil && r.at.Epoch != "" {
		r.ref = wire.TextRef(h.channel.srv.signPosition(h.topic, r.at))
	}
	return r.ref
}

// record reads a publication.
func (h *hub) record(b *pubsub.Publication) *record {
	p, err := parsePublication(b.Data)
	if err != nil {
		h.channel.srv.log.Error("publication refused", "channel", h.channel.Name, "topic", h.topic, "err", err)
		p = publication{}
	}
	return &record{publication: p, hidden: h.channel.srv.exclusion(p.from), at: b.Position, seen: time.Now()}
}

// receiveKept takes a publication of the history: members who are not behind get it, and it is the topic's latest.
func (h *hub) receiveKept(b *pubsub.Publication) {
	r := h.record(b)
	members, size := 0, 0 // that have it
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = r.at
	h.tail.add(r, min(h.channel.History.Size, replayPage), h.channel.History.TTL, h.channel.srv.limits.QueueBytes)
	if h.joins > 0 {
		h.held.add(r, maxHeld, math.MaxInt64, h.channel.srv.limits.QueueBytes)
	}
	for _, m := range h.members {
		if !m.behind && !reached(m.cursor, r.at) && !r.hides(m.conn) {
			if n, ok := h.give(m, r); ok {
				members++
				size += n
			}
		}
	}
	h.observeDelivered(r.event, members, size)
}

// give gives r to a member who is not behind, and returns the size of the frame. It needs h.mu.
func (h *hub) give(m *Membership, r *record) (size int, ok bool) {
	if h.channel.inTurn() {
		return 0, m.interceptLater(r)
	}
	return h.put(m, r)
}

// put puts r into the queue of m. It needs h.mu.
func (h *hub) put(m *Membership, r *record) (size int, ok bool) {
	frame, err := h.frame(r, m.conn)
	if err != nil {
		h.channel.srv.log.Error("broadcast cannot be encoded", "channel", h.channel.Name, "topic", h.topic, "event", r.event, "err", err)
		return 0, false
	}
	return len(frame), m.conn.out.put(frame, r.delivery, "")
}

// Lost implements pubsub.Subscriber. What has been lost on the way is fetched from the history, or the memberships end.
func (h *hub) Lost(at pubsub.Position, err error) {
	h.channel.srv.log.Warn("broadcasts may have been lost", "channel", h.channel.Name, "topic", h.topic, "err", err)
	h.channel.srv.observeLost(h.channel)
	if !h.channel.keeps() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.last
	h.last, h.tail, h.held = at, tail{base: at}, tail{}
	if h.joins > 0 {
		h.held.base = at
	}
	for _, m := range h.members {
		if m.behind {
			continue
		}
		if !reached(m.cursor, before) {
			m.cursor = before
		}
		if m.behind = !reached(m.cursor, at); m.behind {
			m.fallBack(h, nil)
		}
	}
}

// reached reports whether whoever has everything up to cursor has what is at a position.
func reached(cursor, at pubsub.Position) bool {
	return cursor.Offset >= at.Offset && cursor.Epoch == at.Epoch
}

// replayPage is how many publications the history is asked for at once, and how many of a topic's newest are held here.
const replayPage = 256

// replays is how many questions to the history of one topic may be under way: clients that come back together mostly
// ask the same, and what the first has brought serves the others.
const replays = 4

// page is a part of a topic's history.
type page struct {
	records []*record // after the position that was asked for
	gap     bool      // what came after it cannot be had any more
}

// after returns what came after a position.
func (h *hub) after(ctx context.Context, at pubsub.Position) (page, error) {
	if p, ok := h.recent(at); ok {
		return p, nil
	}
	select {
	case h.asking <- struct{}{}:
		defer func() { <-h.asking }()
	case <-ctx.Done():
		return page{}, context.Cause(ctx)
	}
	if p, ok := h.recent(at); ok {
		return p, nil
	}
	kept, err := h.channel.srv.bus.Replay(ctx, h.topic, h.channel.history(), at, replayPage)
	if err != nil {
		return page{}, err
	}
	p := page{gap: kept.Gap}
	for i := range kept.Publications {
		p.records = append(p.records, h.record(&kept.Publications[i]))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tail.extend(at, p.records)
	return p, nil
}

// recent is after where that is held here.
func (h *hub) recent(at pubsub.Position) (p page, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.heldAfter(at)
}

// heldAfter is recent. It needs h.mu.
func (h *hub) heldAfter(at pubsub.Position) (p page, ok bool) {
	h.tail.expire(time.Now(), h.channel.History.TTL)
	for _, t := range [...]*tail{&h.tail, &h.held} {
		if reached(at, t.base) && reached(h.last, at) {
			// The records stay, but the list may grow and shrink.
			return page{records: append([]*record(nil), t.after(at)...)}, true
		}
	}
	return page{}, false
}

// maxHeld is how many publications are held for those whose Join runs.
const maxHeld = 4096

// expect notes where m stands before its Join runs. What comes until settle is held for it, however small the history
// is: else a Join that takes longer than the history would never come to its end.
func (h *hub) expect(m *Membership) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m.cursor, m.expected = h.last, true
	if h.joins++; h.joins == 1 {
		h.held = tail{base: h.last}
	}
}

// settle ends expect. It needs h.mu.
func (h *hub) settle(m *Membership) {
	if !m.expected {
		return
	}
	m.expected = false
	if h.joins--; h.joins == 0 {
		h.held = tail{}
	}
}

// tail is the newest of a topic's history, without a gap up to hub.last. hub.mu guards it.
type tail struct {
	base    pubsub.Position // what came after it is here
	records []*record
	bytes   int // of their payloads
}

// add adds what follows.
func (t *tail) add(r *record, size int, ttl time.Duration, maxBytes int) {
	if t.base.Epoch != r.at.Epoch { // nothing has been known of the topic before
		*t = tail{base: r.at}
		return
	}
	t.records = append(t.records, r)
	t.bytes += len(r.payload)
	t.expire(r.seen, ttl)
	over := max(len(t.records)-size, 0)
	for bytes := t.bytes; over < len(t.records); over++ {
		if bytes <= maxBytes {
			break
		}
		bytes -= len(t.records[over].payload)
	}
	t.drop(over)
}

// expire drops what has been here for longer than it is kept.
func (t *tail) expire(now time.Time, ttl time.Duration) {
	n := 0
	for n < len(t.records) && now.Sub(t.records[n].seen) >= ttl {
		n++
	}
	t.drop(n)
}

// drop drops the n oldest.
func (t *tail) drop(n int) {
	if n == 0 {
		return
	}
	for _, r := range t.records[:n] {
		t.bytes -= len(r.payload)
	}
	t.base = t.records[n-1].at
	clear(t.records[:n])
	if t.records = t.records[n:]; len(t.records) == 0 {
		t.records = nil
	}
}

// after returns what is here after a position.
func (t *tail) after(at pubsub.Position) []*record {
	n := sort.Search(len(t.records), func(i int) bool { return t.records[i].at.Offset > at.Offset })
	return t.records[n:]
}

// extend puts what came after a position before what is here, where there is room and one reaches the other.
func (t *tail) extend(at pubsub.Position, records []*record) {
	if at.Epoch != t.base.Epoch || at.Offset >= t.base.Offset {
		return
	}
	n := sort.Search(len(records), func(i int) bool { return records[i].at.Offset > t.base.Offset })
	if n == 0 || records[n-1].at != t.base || n+len(t.records) > replayPage {
		return
	}
	t.base = at
	t.records = append(append(make([]*record, 0, n+len(t.records)), records[:n]...), t.records...)
	for _, r := range records[:n] {
		t.bytes += len(r.payload)
	}
}
