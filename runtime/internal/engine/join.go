package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/chgen/chgen/runtime/wire"
)

// Joiner is implemented by handlers that have something to do once the join reply is out.
type Joiner interface {
	Joined(ctx context.Context) error
}

// errNoHandler is a Join that accepts and returns nothing to serve the client with.
var errNoHandler = errors.New("channel: Join returned neither a handler nor an error")

// start runs the join, after old has ended where it takes the place of one, and then has the turn.
func (m *Membership) start(call *Call, old *Membership) {
	returned := false
	defer func() {
		if !returned { // the handler has ended its goroutine
			m.refuse(call, joinCrashed)
			m.end(Crashed, true)
			go m.run(nil)
		}
	}()
	if old != nil {
		m.waitFor(old)
	}
	if m.isDoomed() { // before it has begun
		m.refuse(call, closedError)
	} else {
		m.runJoin(call)
	}
	if old != nil && old.replaced() && old.member {
		m.conn.reply(old.closeMessage()) // after the new join's reply: rule 3.13
	}
	m.stopWatching() // many clients never push
	m.afterJoin()
	returned = true
	m.run(nil)
}

// runJoin runs Join and answers the phx_join.
func (m *Membership) runJoin(call *Call) {
	ctx := m.begin(call)
	defer call.done()
	if m.channel.keeps() && !m.attach(ctx, call) { // before Join reads anything: what comes from now on, the client gets
		return
	}
	err := m.protect("Join", func() (err error) {
		m.handler, err = m.channel.Join(ctx, m, call)
		return err
	})
	if err == nil && m.handler == nil {
		err = errNoHandler
	}
	if err != nil {
		m.handler = nil
		m.refuse(call, call.failure(err, m.channel.JoinErrors))
		return
	}
	if !m.channel.keeps() && !m.attach(ctx, call) {
		return
	}
	var e entry
	if m.channel.keeps() {
		if e, err = m.entry(ctx, m.topicHub(), call); err != nil {
			m.fail(call, fmt.Errorf("reading the history: %w", err))
			return
		}
	}
	if call.claim() && (m.isDoomed() || !m.accept(call, e)) { // else the deadline came first
		call.send(wire.StatusError, closedError, false)
	}
}

// attach has the node listen to the topic, or answers the join.
func (m *Membership) attach(ctx context.Context, call *Call) bool {
	err := m.conn.srv.topics.attach(ctx, m)
	if err != nil {
		m.fail(call, fmt.Errorf("subscribing: %w", err))
	}
	return err == nil
}

// fail answers a join for which the bus fails.
func (m *Membership) fail(call *Call, err error) {
	if !m.gone() {
		m.log().ErrorContext(&m.life, "join failed", m.attrs("err", err)...)
	}
	m.end(Crashed, true)
	m.refuse(call, internalError)
}

// accept subscribes to the topic and sends the join reply in one step, so that nothing of the topic comes before the
// reply and nothing that comes after it is missed. It returns false where the membership has been given up for another.
func (m *Membership) accept(call *Call, e entry) bool {
	if m.channel.keeps() && m.conn.generated {
		call.recovery = recoveryMember(m.conn.srv.signPosition(m.topic, e.at), e.recovered)
		if call.position != "" {
			m.observeRecovered(e)
		}
	}
	if m.conn.out.cork() { // the reply is put in under the hub's lock, but need not be written there
		defer m.conn.out.uncork()
	}
	return m.subscribe(e, func() {
		call.send(wire.StatusOK, call.response, call.responseBinary)
		m.countIn()
	})
}

// refuse answers a join that has failed or taken too long, and what waits behind it. The topic is free at once.
func (m *Membership) refuse(call *Call, response []byte) {
	if !call.claim() {
		return
	}
	m.mu.Lock()
	m.state = refused
	if !m.ending {
		m.ending, m.reason = true, Closed
	}
	waiting := m.mailbox.all()
	m.mailbox, m.deferred, m.pushes = nil, nil, 0
	m.mu.Unlock()
	m.conn.dismiss(m, call.reply(wire.StatusError, response, false))
	call.observeEnd(false, response)
	for _, it := range waiting {
		m.turnAway(it)
	}
}

// isDoomed reports whether the membership ends without ever having been one: Close in Join still lets it be.
func (m *Membership) isDoomed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ending && m.reason != Closed
}

// afterJoin does what Join has sent and tracked, in its order, then runs Joined, then shows who is here.
func (m *Membership) afterJoin() {
	if !m.member || !m.flushDeferred() {
		return
	}
	if joiner, ok := m.handler.(Joiner); ok {
		ctx, done := m.beginWork()
		err := m.protect("Joined", func() error { return joiner.Joined(ctx) })
		done()
		if err != nil {
			m.crash("Joined", err)
		}
	}
	if m.channel.Presence && !m.isEnding() {
		m.sendPresenceState()
	}
}

func (m *Membership) isEnding() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ending
}

// flushDeferred does what Join has left to do, then makes the membership joined. It returns false where the
// membership ends instead.
func (m *Membership) flushDeferred() bool {
	for {
		m.mu.Lock()
		effects := m.deferred
		m.deferred = nil
		doomed := m.ending && m.reason != Closed
		if !doomed && len(effects) == 0 {
			m.state = joined
		}
		alive := !m.ending
		m.mu.Unlock()
		if doomed || len(effects) == 0 {
			return alive
		}
		for _, effect := range effects {
			effect()
		}
	}
}

// afterReply keeps effect until the join reply is out, if it is not yet, and reports whether it has.
func (m *Membership) afterReply(effect func()) (deferred bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch m.state {
	case joining:
		m.deferred = append(m.deferred, effect)
		return true, nil
	case joined:
		return false, nil
	}
	return false, ErrClosed
}
