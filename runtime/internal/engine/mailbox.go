package engine

import (
	"context"
	"sync"

	"github.com/chgen/chgen/runtime/wire"
)

// item is one thing that waits for the turn:
//
//	*Call                 a client's push
//	*wire.Message         a phx_leave
//	func(context.Context) Socket.Do
//	*record               an event on its way out that is intercepted
//	*replay               events that have been missed
type item any

// mailbox is what waits for the turn. A membership has one only while something does.
type mailbox struct {
	items []item // items[head:] wait
	head  int
}

var mailboxes = sync.Pool{New: func() any { return new(mailbox) }}

// maxMailbox is how long a mailbox may be that is kept for another membership.
const maxMailbox = 64

func (b *mailbox) len() int {
	if b == nil {
		return 0
	}
	return len(b.items) - b.head
}

// take takes out the first item.
func (b *mailbox) take() item {
	it := b.items[b.head]
	b.items[b.head] = nil
	if b.head++; 2*b.head >= len(b.items) { // else one that is never empty would only grow
		n := copy(b.items, b.items[b.head:])
		clear(b.items[n:])
		b.items, b.head = b.items[:n], 0
	}
	return it
}

// all returns what waits.
func (b *mailbox) all() []item {
	if b == nil {
		return nil
	}
	return b.items[b.head:]
}

// giveBack gives back a mailbox that is empty.
func (b *mailbox) giveBack() {
	if cap(b.items) <= maxMailbox {
		mailboxes.Put(b)
	}
}

// push puts a client's push into the mailbox, or answers it.
func (m *Membership) push(msg *wire.Message) {
	call := newCall(m, msg)
	m.mu.Lock()
	switch {
	case m.ending:
		m.mu.Unlock()
		m.turnAway(call)
	case int(m.pushes) >= m.conn.srv.limits.MailboxPushes, !m.conn.mayPush(), !m.conn.hold(call):
		m.mu.Unlock()
		call.answer(wire.StatusError, rateLimited, false)
	default:
		if l := m.conn.out.directLink(); l != nil && !m.running && l.takeDesk() {
			m.running = true
			m.mu.Unlock()
			call.lend(l)
			return
		}
		call.ownMemory()
		m.pushes++
		m.enqueue(call)
		m.mu.Unlock()
	}
}

// hold counts the push at hand in, unless too much is held already. One that is above the limit by itself may come where
// nothing is. It is for Receive alone.
func (c *Conn) hold(call *Call) bool {
	if held := c.held.Load(); held > 0 && held+int64(c.frame) > int64(c.srv.limits.MailboxBytes) {
		return false
	}
	call.held = int(c.frame)
	c.held.Add(int64(call.held))
	return true
}

// release counts a push out that nothing works on any more.
func (c *Call) release() {
	c.m.conn.held.Add(-int64(c.held))
	c.held = 0
}

// leave puts a phx_leave into the mailbox, or answers it.
func (m *Membership) leave(msg *wire.Message) {
	m.mu.Lock()
	if m.ending || m.leaving {
		m.mu.Unlock()
		m.replyLeft(msg)
		return
	}
	m.leaving = true
	m.enqueue(msg)
	m.mu.Unlock()
}

// Do puts work into the mailbox.
func (m *Membership) Do(work func(context.Context)) error {
	return m.enqueueWork(work)
}

// enqueueWork puts something of the server's own into the mailbox.
func (m *Membership) enqueueWork(it item) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.ending:
		return ErrClosed
	case m.mailbox.len()-int(m.pushes) >= m.conn.srv.limits.MailboxWork:
		return ErrBusy
	}
	m.enqueue(it)
	return nil
}

// enqueue needs m.mu.
func (m *Membership) enqueue(it item) {
	if m.mailbox == nil {
		m.mailbox = mailboxes.Get().(*mailbox)
	}
	m.mailbox.items = append(m.mailbox.items, it)
	m.wake()
}

// wake gives somebody the turn if nobody has it. It needs m.mu.
func (m *Membership) wake() {
	if !m.running {
		m.running = true
		go m.run(nil)
	}
}

// run has the turn: it works on a push that has not been in the mailbox, if there is one, and then on the mailbox until
// that is empty or the membership has ended.
func (m *Membership) run(first *Call) {
	done := false
	defer func() {
		if !done { // a handler has called runtime.Goexit, as testing.T.FailNow does
			m.end(Crashed, true)
			go m.run(nil)
		}
	}()
	if first != nil {
		m.servePush(first)
	}
	for {
		it, ok := m.next()
		if !ok {
			done = true
			return
		}
		m.serve(it)
	}
}

// next takes the next item out of the mailbox, or gives up the turn. It finishes the membership when that has ended,
// and keeps the turn then, so that nobody gets it again.
func (m *Membership) next() (it item, ok bool) {
	m.mu.Lock()
	if m.ending {
		m.mu.Unlock()
		m.finish()
		return nil, false
	}
	defer m.mu.Unlock()
	if m.mailbox == nil {
		m.running = false
		return nil, false
	}
	it = m.mailbox.take()
	if m.mailbox.len() == 0 {
		m.mailbox.giveBack()
		m.mailbox = nil
	}
	if _, push := it.(*Call); push {
		m.pushes--
	}
	return it, true
}

func (m *Membership) serve(it item) {
	switch it := it.(type) {
	case *Call:
		m.servePush(it)
	case *wire.Message:
		m.replyLeft(it)
		m.end(Left, true)
	case func(context.Context):
		m.serveDo(it)
	case *record:
		m.serveIntercept(it)
	case *replay:
		m.serveReplay(it)
	}
}
