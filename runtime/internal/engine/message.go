package engine

import (
	"context"
	"sync"
	"time"
)

// messageContext is the context that one message is worked on with: it ends with the membership, at its deadline, or
// when the work is done, and has the values that the connect hook has given last. Most handlers never ask for its Done:
// what that costs, a timer above all, comes to be when they do. It is small, for each message has one in memory of its own,
// which a handler may keep.
type messageContext struct {
	m        *Membership
	values   *context.Context // newer than the membership's, or nil
	deadline time.Duration    // counted from Server.started

	mu   sync.Mutex   // guards what follows
	real *realContext // nil until it is needed
	err  error        // once the work is done, or Err has said so
}

// realContext is a context of package context.
type realContext struct {
	context.Context
	cancel context.CancelFunc
}

// Deadline implements context.Context.
func (c *messageContext) Deadline() (time.Time, bool) {
	return c.m.conn.srv.started.Add(c.deadline), true
}

// Done implements context.Context.
func (c *messageContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real == nil {
		c.makeReal()
	}
	return c.real.Done()
}

// makeReal makes the context of package context that this one then stands for. It needs mu.
func (c *messageContext) makeReal() {
	deadline, _ := c.Deadline()
	if c.values == nil {
		ctx, cancel := context.WithDeadline(&c.m.life, deadline)
		c.real = &realContext{ctx, cancel}
	} else {
		ctx, cancel := context.WithDeadline(*c.values, deadline)
		stop := context.AfterFunc(&c.m.life, cancel)
		c.real = &realContext{ctx, func() {
			stop()
			cancel()
		}}
	}
	if c.err != nil {
		c.real.cancel()
	}
}

// Err implements context.Context.
func (c *messageContext) Err() error {
	c.mu.Lock()
	made, err := c.real, c.err
	c.mu.Unlock()
	if err == nil && made == nil {
		err = c.state()
	} else if made != nil && made.Err() != nil {
		err = made.Err()
	}
	if err == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil { // it says the same from now on
		c.err = err
	}
	return c.err
}

// state is what Err says of a context that is not real while the work goes on.
func (c *messageContext) state() error {
	if err := c.m.life.Err(); err != nil {
		return err
	}
	if c.m.conn.srv.uptime() >= c.deadline {
		return context.DeadlineExceeded
	}
	return nil
}

// Value implements context.Context. It finds the real context for package context, whose contexts then hang on it.
func (c *messageContext) Value(key any) any {
	c.mu.Lock()
	made := c.real
	c.mu.Unlock()
	switch {
	case made != nil:
		return made.Value(key)
	case c.values != nil:
		return (*c.values).Value(key)
	default:
		return c.m.life.Value(key)
	}
}

// end ends the context: the work is done.
func (c *messageContext) end() {
	c.mu.Lock()
	made := c.real
	if made != nil && c.err == nil {
		c.err = made.Err() // that the deadline has come may be what the work has failed with
	}
	if c.err == nil {
		c.err = context.Canceled
	}
	c.mu.Unlock()
	if made != nil {
		made.cancel()
	}
}

// begin returns the context that a call is worked on with, until its done is called. When its deadline passes, the call
// is answered, whatever the handler does.
func (m *Membership) begin(call *Call) context.Context {
	if call.began == 0 {
		call.began = m.conn.srv.uptime()
	}
	call.work = m.newWork(call.began)
	ctx := call.observeStart(call.work)
	m.watchCall(call)
	return ctx
}

// beginWork returns the context of work that nobody is answered for, and what ends it.
func (m *Membership) beginWork() (ctx context.Context, end func()) {
	work := m.newWork(m.conn.srv.uptime())
	return work, work.end
}

// newWork returns the context of a message that is worked on from now on.
func (m *Membership) newWork(now time.Duration) *messageContext {
	work := &messageContext{m: m, deadline: now + m.conn.srv.limits.HandlerTimeout}
	if values := m.conn.values.Load(); values != m.life.values {
		work.values = values
	}
	return work
}

// done ends the work on a call. It returns false where its deadline has come before, so that others may still have it.
func (c *Call) done() (inTime bool) {
	inTime = c.m.unwatchCall(c)
	c.work.end()
	c.release()
	return inTime
}

// watchCall has call expire at its deadline. One timer serves all calls of a membership: it looks for the oldest, whose
// deadline is the first, and is not touched by calls that come and go before.
func (m *Membership) watchCall(call *Call) {
	m.mu.Lock()
	defer m.mu.Unlock()
	call.working, call.older = true, m.newest
	if call.older == nil {
		m.oldest = call
	} else {
		call.older.newer = call
	}
	m.newest = call
	if m.deadline == nil {
		m.deadline = time.AfterFunc(m.conn.srv.limits.HandlerTimeout, m.checkDeadline)
	}
}

// unwatchCall reports whether call has not expired.
func (m *Membership) unwatchCall(call *Call) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !call.working {
		return false
	}
	m.unlink(call)
	return true
}

// unlink takes call out of the list. It needs m.mu.
func (m *Membership) unlink(call *Call) {
	if call.older == nil {
		m.oldest = call.newer
	} else {
		call.older.newer = call.newer
	}
	if call.newer == nil {
		m.newest = call.older
	} else {
		call.newer.older = call.older
	}
	call.working, call.older, call.newer = false, nil, nil
}

// checkDeadline expires the calls whose deadline has passed, and looks again when that of the next does.
func (m *Membership) checkDeadline() {
	var late []*Call
	now := m.conn.srv.uptime()
	m.mu.Lock()
	for m.oldest != nil && m.oldest.work.deadline <= now {
		late = append(late, m.oldest)
		m.unlink(m.oldest)
	}
	if m.oldest != nil {
		m.deadline.Reset(m.oldest.work.deadline - now)
	} else {
		m.deadline = nil
	}
	m.mu.Unlock()
	for _, call := range late {
		call.expire()
	}
}

// stopWatching ends the timer of a membership that will not need it for a while, or any more.
func (m *Membership) stopWatching() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.deadline != nil && m.oldest == nil && m.deadline.Stop() {
		m.deadline = nil
	}
}
