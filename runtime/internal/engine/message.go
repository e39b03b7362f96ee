package engine

import (
	"context"
	"slices"
	"sync"
	"time"
)

// messageContext is the context that one message is worked on with: it ends with the membership, at its deadline, or
// when the work is done, and has the values that the connect hook has given last. Most handlers never ask for its Done:
// what that costs, a timer above all, comes to be when they do.
type messageContext struct {
	membership context.Context
	values     context.Context // newer than the membership's, or nil
	deadline   time.Time

	mu     sync.Mutex // guards what follows
	real   context.Context
	cancel context.CancelFunc // of real
	err    error              // once the work is done, or Err has said so
}

// Deadline implements context.Context.
func (c *messageContext) Deadline() (time.Time, bool) { return c.deadline, true }

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
	if c.values == nil {
		c.real, c.cancel = context.WithDeadline(c.membership, c.deadline)
	} else {
		ctx, cancel := context.WithDeadline(c.values, c.deadline)
		stop := context.AfterFunc(c.membership, cancel)
		c.real, c.cancel = ctx, func() {
			stop()
			cancel()
		}
	}
	if c.err != nil {
		c.cancel()
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
	if err := c.membership.Err(); err != nil {
		return err
	}
	if !time.Now().Before(c.deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// Value implements context.Context. It finds the real context for package context, whose contexts then hang on it.
func (c *messageContext) Value(key any) any {
	c.mu.Lock()
	from := c.real
	c.mu.Unlock()
	switch {
	case from != nil:
	case c.values != nil:
		from = c.values
	default:
		from = c.membership
	}
	return from.Value(key)
}

// end ends the context: the work is done.
func (c *messageContext) end() {
	c.mu.Lock()
	if c.err == nil {
		c.err = context.Canceled
	}
	cancel := c.cancel
	c.mu.Unlock()
	if cancel != nil {
		cancel()
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
	s := m.conn.srv
	work := &messageContext{membership: &m.life, deadline: s.started.Add(now + s.limits.HandlerTimeout)}
	if values := m.conn.values.Load(); values != m.life.values {
		work.values = *values
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
	m.working = append(m.working, call)
	if m.deadline == nil {
		m.deadline = time.AfterFunc(m.conn.srv.limits.HandlerTimeout, m.checkDeadline)
	}
}

// unwatchCall reports whether call has not expired.
func (m *Membership) unwatchCall(call *Call) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.Index(m.working, call)
	if i >= 0 {
		m.working = slices.Delete(m.working, i, i+1)
	}
	return i >= 0
}

// checkDeadline expires the calls whose deadline has passed, and looks again when that of the next does.
func (m *Membership) checkDeadline() {
	var late []*Call
	now := time.Now()
	m.mu.Lock()
	for len(m.working) > 0 && !now.Before(m.working[0].work.deadline) {
		late = append(late, m.working[0])
		m.working = slices.Delete(m.working, 0, 1)
	}
	if len(m.working) > 0 {
		m.deadline.Reset(m.working[0].work.deadline.Sub(now))
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
	if m.deadline != nil && len(m.working) == 0 && m.deadline.Stop() {
		m.deadline = nil
	}
}
