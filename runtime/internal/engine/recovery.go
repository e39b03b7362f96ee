package engine

import (
	"context"
	"errors"

	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/wire"
)

// errGap is a stream that cannot be gone on with.
var errGap = errors.New("what was missed is not kept any more")

// keeps reports whether the channel has a history.
func (c *Channel) keeps() bool { return c.History.Size > 0 }

// inTurn reports whether the events of the history pass the mailbox: all of them do where any event is intercepted,
// so that they keep their order.
func (c *Channel) inTurn() bool { return len(c.Intercepts) > 0 }

func (s *Spec) history() pubsub.History { return pubsub.History(s.History) }

// entry is where a membership comes into the stream of its topic.
type entry struct {
	at        pubsub.Position // what comes after it, the client gets
	recovered bool            // it is where the client has been
	page                      // the first of it
}

// entry finds out where a membership comes in: at the position that the client shows, else where the topic stood before
// Join has run.
func (m *Membership) entry(ctx context.Context, h *hub, call *Call) (entry, error) {
	if at, ok := m.conn.srv.readPosition(m.topic, call.position); ok {
		p, err := h.after(ctx, at)
		if err != nil || !p.gap {
			return entry{at, true, p}, err
		}
	}
	p, err := h.after(ctx, m.cursor)
	return entry{at: m.cursor, page: p}, err
}

// enter makes m a member that is behind, and gives it what it has missed: as much as there is room for, and the rest as
// its queue drains. It needs h.mu.
func (m *Membership) enter(h *hub, e entry) {
	h.add(m)
	defer h.settle(m)
	m.cursor = e.at
	if m.behind = !reached(e.at, h.last); !m.behind {
		return
	}
	if p, ok := h.heldAfter(e.at); ok { // also what has come since e was found out
		e.page = p
	}
	missed := e.records
	switch {
	case e.gap:
		m.fallOut(errGap)
		return
	case !h.channel.inTurn():
		missed = missed[h.feed(m, missed):]
	}
	if m.behind {
		m.fallBack(h, missed)
	}
}

// fallBack starts what brings m what it has missed, unless that is at work already: two of them would bring everything
// twice. It needs h.mu.
func (m *Membership) fallBack(h *hub, missed []*record) {
	if m.catching {
		return
	}
	m.catching = true
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.ending { // else finish may have waited for work already
		m.work.Add(1)
		go m.catchUp(h, missed)
	}
}

// catchUp gives m what it has missed until it has everything that the topic has: page by page, each frame when there
// is room for it. It ends with the membership.
func (m *Membership) catchUp(h *hub, missed []*record) {
	defer m.work.Done()
	for {
		at, behind := h.catching(m)
		if !behind || m.life.Err() != nil {
			return
		}
		if len(missed) == 0 {
			p, err := h.after(&m.life, at)
			if err == nil && (p.gap || len(p.records) == 0) {
				err = errGap
			}
			if err != nil {
				m.fallOut(err)
				return
			}
			missed = p.records
		}
		n, ok := m.take(h, missed)
		if missed = missed[n:]; !ok {
			return
		}
		if len(missed) > 0 && !m.conn.out.awaitRoom(&m.life, len(missed[0].payload)) {
			return
		}
	}
}

// fallOut ends the membership so that the client joins again, and is told how things are.
func (m *Membership) fallOut(err error) {
	if !m.gone() {
		m.log().WarnContext(&m.life, "the history cannot be gone on with", m.attrs("err", err)...)
	}
	m.end(Crashed, true)
}

// catching says where a member that is behind stands. One that is not has caught up, and catchUp is over.
func (h *hub) catching(m *Membership) (at pubsub.Position, behind bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m.catching = m.behind
	return m.cursor, m.behind
}

// standing says whether a member is behind, and whether it has been given r.
func (h *hub) standing(m *Membership, r *record) (behind, given bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return m.behind, reached(m.cursor, r.at)
}

// advance notes that m has been given everything up to a position. It needs h.mu.
func (h *hub) advance(m *Membership, at pubsub.Position) {
	m.cursor = at
	m.behind = !reached(at, h.last)
}

// feed puts what m has missed into its queue while there is room, and returns how much of it. It needs h.mu.
func (h *hub) feed(m *Membership, missed []*record) (n int) {
	for n < len(missed) && m.behind {
		r := missed[n]
		if reached(m.cursor, r.at) {
			n++
			continue
		}
		if !m.conn.out.hasRoom(len(r.payload)) {
			return n
		}
		if !r.hides(m.conn) {
			h.put(m, r)
		}
		h.advance(m, r.at)
		n++
	}
	return n
}

// take is feed, through the mailbox where the events pass that. ok is false where the membership ends.
func (m *Membership) take(h *hub, missed []*record) (n int, ok bool) {
	if !h.channel.inTurn() {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.feed(m, missed), true
	}
	r := &replay{hub: h, records: missed, done: make(chan struct{})}
	m.mu.Lock()
	if !m.ending {
		m.enqueue(r)
	}
	m.mu.Unlock()
	select {
	case <-r.done:
		return r.passed, true
	case <-m.life.Done():
		return 0, false
	}
}

// replay is a part of what a membership has missed, on its way through the mailbox.
type replay struct {
	hub     *hub
	records []*record
	passed  int           // how many there was room for
	done    chan struct{} // closed when it has passed
}

// serveReplay passes what there is room for on to the client.
func (m *Membership) serveReplay(p *replay) {
	defer close(p.done)
	for _, r := range p.records {
		behind, given := p.hub.standing(m, r)
		if behind && given {
			p.passed++
			continue
		}
		if !behind || m.isEnding() || !m.conn.out.hasRoom(len(r.payload)) {
			return
		}
		if !r.hides(m.conn) {
			m.serveIntercept(r)
		}
		if m.isEnding() {
			return
		}
		p.hub.mu.Lock()
		if m.behind {
			p.hub.advance(m, r.at)
		}
		p.hub.mu.Unlock()
		p.passed++
	}
}

// passOn sends an event that comes through the mailbox and that nobody intercepts.
func (m *Membership) passOn(r *record) {
	m.mu.Lock()
	h := m.hub
	m.mu.Unlock()
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.put(m, r)
}

// position is the ref slot of a push that an intercept has made of r.
func (m *Membership) position(r *record) wire.Ref {
	if !m.conn.generated || r.at.Epoch == "" {
		return nil
	}
	return wire.TextRef(m.conn.srv.signPosition(m.topic, r.at))
}
