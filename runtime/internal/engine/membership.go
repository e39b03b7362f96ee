package engine

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/chgen/chgen/runtime/observe"
	"github.com/chgen/chgen/runtime/presence"
	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/wire"
)

// Reason says why a membership has ended.
type Reason string

// The reasons.
const (
	Left         Reason = "left"         // the client left
	Closed       Reason = "closed"       // Socket.Close
	Replaced     Reason = "replaced"     // the client has joined again
	Disconnected Reason = "disconnected" // the connection ended
	Draining     Reason = "draining"     // the server is shutting down
	Crashed      Reason = "crashed"      // a handler panicked, Joined or an intercept failed, or the history broke off
)

var (
	// ErrClosed is returned by what needs a membership, or its connection, that has ended.
	ErrClosed = errors.New("channel: the membership has ended")

	// ErrBusy is returned by Do when too much waits already.
	ErrBusy = errors.New("channel: too much work is waiting")
)

// state is where a membership stands.
type state uint8

const (
	joining state = iota // Join has not been accepted yet: what it sends is kept until it is
	joined
	refused // Join has refused; nothing will ever come of it
	ended
)

// Membership is one client on one topic.
type Membership struct {
	conn    *Conn
	channel *Channel
	topic   string
	params  []string
	life    lifetime // ends with the membership, or with the connection, whose reader sees to it

	joinRef wire.Ref // the join frame's join_ref, or its ref where that is null: what pushes and replies have (rule 3.4)
	nullRef bool     // the join frame's join_ref is null

	member  bool           // the join has been answered with ok; of the turn alone, like
	handler any            // set once Join has accepted
	work    sync.WaitGroup // concurrent events and catchUp

	presence *ownPresence // nil where the channel has none

	// hub.mu guards what follows.
	hubIndex int32           // in hub.members, or notMember
	diffs    bool            // presence_state has been sent, so diffs are
	behind   bool            // of a channel with history: what is kept comes by catchUp, not as it is published
	catching bool            // catchUp runs; guarded by hub.mu, too
	expected bool            // what comes while Join runs is held for it
	cursor   pubsub.Position // with behind what it has been given, else where it came in; before that the turn's alone

	mu         sync.Mutex // guards what follows
	state      state
	running    bool          // a goroutine has the turn
	ending     bool          // what is in the mailbox will not be worked on
	leaving    bool          // a phx_leave is in the mailbox, or has been taken out
	over       bool          // nothing of it runs any more
	hub        *hub          // that it is attached to
	mailbox    *mailbox      // nil while it is empty
	pushes     int32         // of the mailbox that are a client's
	concurrent int32         // events whose work goes on out of turn
	reason     Reason        // set with ending
	deferred   []func()      // what Join sends and tracks
	oldest     *Call         // of the calls that are worked on and have not expired, which are a list
	newest     *Call         //
	deadline   *time.Timer   // looks after them; runs while there may be some
	awaited    chan struct{} // closed with over; made by whenOver
}

// ownPresence is what a membership has in the presence of its topic.
type ownPresence struct {
	owner presence.Owner

	mu   sync.Mutex // guards what follows, and orders the tracking before the end
	keys []string
	done bool
}

// notMember is the hubIndex of who is in no hub's list.
const notMember = -1

func newMembership(c *Conn, ch *Channel, params []string, join *wire.Message) *Membership {
	m := &Membership{
		conn:     c,
		channel:  ch,
		topic:    join.Topic,
		params:   params,
		joinRef:  bytes.Clone(join.JoinRef), // the frame itself is not to live as long
		running:  true,                      // start has the turn
		hubIndex: notMember,
	}
	if m.joinRef == nil {
		m.joinRef, m.nullRef = bytes.Clone(join.Ref), true
	}
	if ch.Presence {
		m.presence = &ownPresence{owner: presence.Owner(c.srv.serial.Add(1))}
	}
	m.life.values = c.values.Load()
	return m
}

// frameRef is the join frame's join_ref: what frames must have, and what phx_close and phx_error echo.
func (m *Membership) frameRef() wire.Ref {
	if m.nullRef {
		return nil
	}
	return m.joinRef
}

// ID is the connection's id, "" where it has none.
func (m *Membership) ID() string { return m.conn.id }

// Param is the i-th topic parameter as text.
func (m *Membership) Param(i int) string { return m.params[i] }

// IntParam is the i-th topic parameter, which is declared int.
func (m *Membership) IntParam(i int) int64 {
	n, _ := strconv.ParseInt(m.params[i], 10, 64) // the pattern has matched
	return n
}

// Close ends the membership after the message at hand.
func (m *Membership) Close() { m.end(Closed, false) }

// Drain ends the connection as Server.Shutdown does: every membership after its message at hand, then 1012.
func (m *Membership) Drain() { m.conn.drain() }

// end ends the membership: the one who has the turn finishes it after the message at hand. The first reason counts.
// cancel cancels the message at hand. It never blocks.
func (m *Membership) end(reason Reason, cancel bool) {
	m.mu.Lock()
	if !m.ending {
		m.ending, m.reason = true, reason
		m.wake()
	}
	m.mu.Unlock()
	if cancel { // not before, or a Join that returns upon it might still be accepted
		m.life.end()
	}
}

// replace ends the membership in favour of a new one. If the client has said that it leaves, it leaves.
func (m *Membership) replace() {
	m.mu.Lock()
	leaving := m.leaving
	m.mu.Unlock()
	if leaving {
		m.life.end()
		return
	}
	m.end(Replaced, true)
}

// replaced reports whether the membership was ended by a join, whose part it then is to send phx_close.
func (m *Membership) replaced() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ending && m.reason == Replaced
}

// finish ends what is left: answers what waits, takes the membership off the topic, runs Leave. It runs once, in
// turn, as the last thing.
func (m *Membership) finish() {
	m.life.end()
	m.mu.Lock()
	if m.state != refused {
		m.state = ended
	}
	reason := m.reason
	waiting := m.mailbox.all()
	m.mailbox, m.deferred = nil, nil
	var calls []*Call // whose work goes on out of turn
	for call := m.oldest; call != nil; call = call.newer {
		calls = append(calls, call)
	}
	m.mu.Unlock()

	for _, call := range calls {
		call.answer(wire.StatusError, closedError, false)
	}
	for _, it := range waiting {
		m.turnAway(it)
	}
	m.unsubscribe()
	m.dropPresence()
	m.runLeave(reason)
	m.countOut(reason)
	m.conn.dismiss(m, m.lastFrame(reason))
	m.work.Wait()
	m.stopWatching()
	m.noteOver()
	m.conn.ended()
}

// lastFrame is the frame that tells the client of the end, nil where it is told otherwise.
func (m *Membership) lastFrame(reason Reason) *wire.Message {
	if !m.member {
		return nil
	}
	switch reason {
	case Left, Closed:
		return m.closeMessage()
	case Crashed:
		return &wire.Message{JoinRef: m.frameRef(), Ref: m.frameRef(), Topic: m.topic, Event: wire.EventError, Payload: channelCrash}
	}
	return nil
}

func (m *Membership) closeMessage() *wire.Message {
	return &wire.Message{JoinRef: m.frameRef(), Ref: m.frameRef(), Topic: m.topic, Event: wire.EventClose, Payload: emptyObject}
}

// turnAway answers what waits in the mailbox of a membership that has ended.
func (m *Membership) turnAway(it item) {
	switch it := it.(type) {
	case *wire.Message:
		m.replyLeft(it)
	case *Call:
		it.release()
		if !m.refused() {
			it.answer(wire.StatusError, closedError, false)
			return
		}
		it.observeEnd(false, unmatchedTopic)
		m.conn.replyUnmatched(&wire.Message{Ref: it.ref, Topic: m.topic})
	}
}

func (m *Membership) refused() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state == refused
}

// replyLeft answers a phx_leave: with the channel's join_ref, or the frame's where nothing has been joined.
func (m *Membership) replyLeft(leave *wire.Message) {
	if m.refused() {
		m.conn.replyLeft(leave)
		return
	}
	m.conn.reply(&wire.Message{JoinRef: m.joinRef, Ref: leave.Ref, Topic: m.topic, Status: wire.StatusOK, Payload: emptyObject})
}

// Leaver is implemented by handlers that want to know of the end.
type Leaver interface {
	Leave(ctx context.Context, reason Reason)
}

// runLeave runs Leave of the handler that Join has returned, if it has, on a context of its own: the membership's
// has ended.
func (m *Membership) runLeave(reason Reason) {
	leaver, ok := m.handler.(Leaver)
	m.handler = nil // Leave runs once, even where it ends its goroutine
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(m.conn.context(), m.conn.srv.limits.LeaveTimeout)
	defer cancel()
	_ = m.protect("Leave", func() error {
		leaver.Leave(ctx, reason)
		return nil
	})
}

// countIn makes m a member: its join is answered with ok.
func (m *Membership) countIn() {
	m.member = true
	m.conn.srv.stats.addMembership(m.channel.Name, 1)
}

// countOut is called when everything of m but concurrent work is over.
func (m *Membership) countOut(reason Reason) {
	if !m.member {
		return
	}
	s := m.conn.srv
	s.stats.addMembership(m.channel.Name, -1)
	if s.observer != nil {
		s.observer.Left(&m.life, observe.Left{Channel: m.channel.Name, Reason: string(reason)})
	}
}

// gone reports whether the client cannot be reached any more, so that errors are no news.
func (m *Membership) gone() bool { return m.life.Err() != nil || m.conn.out.isClosing() }

// whenOver returns what is closed when nothing of m runs any more.
func (m *Membership) whenOver() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.awaited == nil {
		m.awaited = make(chan struct{})
		if m.over {
			close(m.awaited)
		}
	}
	return m.awaited
}

func (m *Membership) noteOver() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.over = true
	if m.awaited != nil {
		close(m.awaited)
	}
}

// waitFor waits until the membership that m replaces has ended, but not for ever: one whose handler does not return
// is taken off the topic.
func (m *Membership) waitFor(old *Membership) {
	timer := time.NewTimer(m.conn.srv.limits.ReplaceTimeout)
	defer timer.Stop()
	select {
	case <-old.whenOver():
	case <-timer.C:
		m.log().WarnContext(&m.life, "the replaced handler does not return", m.attrs()...)
		old.unsubscribe()
		old.dropPresence()
	}
}
