package presence

import (
	"time"

	"github.com/chgen/chgen/runtime/pubsub"
)

// pendingBytes is how much of what comes too early is kept for each node.
const pendingBytes = 4 << 20

// peer is another node, as this one knows it. The Replica's lock guards it, but for id.
type peer struct {
	id    string
	heard time.Time // when it last said something

	seq    uint64 // everything up to here has been applied
	target uint64 // and this is how far it is
	asked  bool   // for what is between, and it has not all come

	request  uint64    // of the question that is open
	progress time.Time // when it was asked, or last got an answer

	transfer map[uint64]struct{} // the pages of its state that have come; nil where none has, or is waited for
	length   uint64              // how many they will be, once that is known
	base     uint64              // what its seq will be then
	seen     uint32              // tells this transfer from others

	answered uint64 // the last question of this node that is answered

	pending map[uint64]message // changes that came before their turn
	bytes   int                // of pending
}

// Receive implements pubsub.Subscriber.
func (r *Replica) Receive(p pubsub.Publication) {
	m, ok := parseMessage(p.Data)
	if m.from == r.opts.Node {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !ok {
		if !r.baffled {
			r.baffled = true
			r.log.Warn("a message of another node is not understood, nor are others like it", "node", m.from)
		}
		return
	}
	if _, left := r.left[m.from]; left || r.closed {
		return
	}
	if m.kind == kindBye {
		r.left[m.from] = time.Now()
		r.forget(r.peers[m.from], "it has ended")
		return
	}
	r.hear(r.meet(m.from), &m, len(p.Data))
}

// Lost implements pubsub.Subscriber: the others are asked for signs of life, which tell what is missing.
func (r *Replica) Lost(_ pubsub.Position, err error) {
	r.log.Info("presence may have missed something, and asks", "err", err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.todo.hello = true
	r.out.poke()
}

// meet returns the node with this id.
func (r *Replica) meet(id string) *peer {
	p := r.peers[id]
	if p == nil {
		p = &peer{id: id}
		r.peers[id] = p
		r.log.Info("presence meets a node", "node", id)
	}
	p.heard = time.Now()
	return p
}

// hear does what a message asks for.
func (r *Replica) hear(p *peer, m *message, size int) {
	switch m.kind {
	case kindAsk:
		if m.request <= p.answered { // two answers to one question would be taken for one
			return
		}
		p.answered = m.request
		if r.todo.answers == nil {
			r.todo.answers = make(map[string]query)
		}
		r.todo.answers[p.id] = query{m.request, m.seq}
		r.out.poke()
		return
	case kindState:
		r.state(p, m)
	case kindDelta:
		r.delta(p, m, size)
	case kindHello:
		r.todo.beat = true
		r.out.poke()
	}
	p.target = max(p.target, m.seq)
	if p.target > p.seq && !p.asked {
		r.ask(p)
	}
}

// ask asks a node for what is missing of it.
func (r *Replica) ask(p *peer) {
	r.requests++
	p.asked, p.request, p.progress = true, r.requests, time.Now()
	p.transfer, p.length = nil, 0
	if r.todo.asks == nil {
		r.todo.asks = make(map[string]query)
	}
	r.todo.asks[p.id] = query{p.request, p.seq}
	r.out.poke()
}

// delta applies changes, if it is their turn.
func (r *Replica) delta(p *peer, m *message, size int) {
	switch {
	case m.seq <= p.seq || p.pending[m.seq].kind != 0: // it has come before
	case m.seq == p.seq+1 && p.transfer == nil:
		r.advance(p, m)
		r.catchUp(p)
	case p.bytes+size <= pendingBytes: // or it will be asked for
		if p.pending == nil {
			p.pending = make(map[uint64]message)
		}
		p.pending[m.seq] = *m
		p.bytes += size
	}
}

// advance applies the changes whose turn it is.
func (r *Replica) advance(p *peer, m *message) {
	p.seq, p.target = m.seq, max(p.target, m.seq)
	p.progress = time.Now()
	r.apply(p, m.changes)
}

// catchUp applies those that have come before their turn.
func (r *Replica) catchUp(p *peer) {
	for len(p.pending) > 0 {
		m, ok := p.pending[p.seq+1]
		if !ok {
			break
		}
		delete(p.pending, m.seq)
		r.advance(p, &m)
	}
	if len(p.pending) == 0 {
		p.pending, p.bytes = nil, 0
	}
	if p.seq >= p.target {
		p.asked = false
	}
}

func (r *Replica) apply(p *peer, changes []change) {
	for i := range changes {
		r.t.apply(p, &changes[i])
	}
}

// state takes a page of a node's state. What is in none of them is not gone until the last has come.
func (r *Replica) state(p *peer, m *message) {
	if m.request != p.request || !p.asked || m.seq < p.seq {
		return // an answer that is not waited for any more
	}
	if p.transfer == nil {
		p.transfer, p.base = make(map[uint64]struct{}), m.seq
		p.seen++
	}
	p.transfer[m.page] = struct{}{}
	if m.last {
		p.length = m.page + 1
	}
	p.progress = time.Now()
	r.apply(p, m.changes)
	if uint64(len(p.transfer)) != p.length {
		return
	}
	p.transfer, p.length, p.asked = nil, 0, false
	p.seq = p.base
	for seq := range p.pending {
		if seq <= p.seq {
			delete(p.pending, seq)
		}
	}
	r.catchUp(p)
	r.t.sweep(func(e *entry) bool { return e.node == p && e.seen != p.seen })
}

// forget forgets a node and all that it has, if it is known.
func (r *Replica) forget(p *peer, why string) {
	if p == nil {
		return
	}
	delete(r.peers, p.id)
	r.log.Info("presence forgets a node", "node", p.id, "why", why)
	r.t.sweep(func(e *entry) bool { return e.node == p })
}

// watch forgets nodes that are silent, asks again where there was no answer, and has heartbeats sent.
func (r *Replica) watch() {
	ticker := time.NewTicker(r.opts.Heartbeat)
	defer ticker.Stop()
	last := time.Now()
	for wait(r, ticker.C) {
		now := time.Now()
		late := now.Sub(last) - r.opts.Heartbeat
		last = now
		r.tick(now, late)
	}
}

// tick is what the watch does at every heartbeat. Where that comes late, this node has been stopped, and whom it has not
// heard in that time is not silent for that.
func (r *Replica) tick(now time.Time, late time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.peers {
		if late > r.opts.Heartbeat {
			p.heard = p.heard.Add(late)
		}
		switch {
		case now.Sub(p.heard) >= r.opts.Down:
			r.forget(p, "it is silent")
		case p.asked && now.Sub(p.progress) >= r.opts.Heartbeat:
			r.ask(p)
		}
	}
	for id, at := range r.left {
		if now.Sub(at) >= r.opts.Down {
			delete(r.left, id)
		}
	}
	r.todo.beat = true
	r.out.poke()
}
