package engine

import (
	"bytes"
	"context"
	"runtime/debug"
	"time"

	"github.com/chgen/chgen/runtime/observe"
	"github.com/chgen/chgen/runtime/presence"
)

// newObserver makes one Observer of all, nil of none. Every function of it is set, and none panics.
func (s *Server) newObserver(all []observe.Observer) *observe.Observer {
	if len(all) == 0 {
		return nil
	}
	o := &observe.Observer{
		Opened:           each(s, all, func(o *observe.Observer) func(context.Context, observe.Opened) { return o.Opened }),
		Closed:           each(s, all, func(o *observe.Observer) func(context.Context, observe.Closed) { return o.Closed }),
		Refused:          each(s, all, func(o *observe.Observer) func(context.Context, observe.Refused) { return o.Refused }),
		Renewed:          each(s, all, func(o *observe.Observer) func(context.Context, observe.Renewed) { return o.Renewed }),
		JoinEnd:          each(s, all, func(o *observe.Observer) func(context.Context, observe.JoinEnd) { return o.JoinEnd }),
		Left:             each(s, all, func(o *observe.Observer) func(context.Context, observe.Left) { return o.Left }),
		PushEnd:          each(s, all, func(o *observe.Observer) func(context.Context, observe.PushEnd) { return o.PushEnd }),
		BroadcastEnd:     each(s, all, func(o *observe.Observer) func(context.Context, observe.BroadcastEnd) { return o.BroadcastEnd }),
		Delivered:        each(s, all, func(o *observe.Observer) func(context.Context, observe.Delivered) { return o.Delivered }),
		Dropped:          each(s, all, func(o *observe.Observer) func(context.Context, observe.Dropped) { return o.Dropped }),
		PresenceChanged:  each(s, all, func(o *observe.Observer) func(context.Context, observe.PresenceChanged) { return o.PresenceChanged }),
		Polled:           each(s, all, func(o *observe.Observer) func(context.Context, observe.Polled) { return o.Polled }),
		Recovered:        each(s, all, func(o *observe.Observer) func(context.Context, observe.Recovered) { return o.Recovered }),
		SubscriptionLost: each(s, all, func(o *observe.Observer) func(context.Context, observe.SubscriptionLost) { return o.SubscriptionLost }),

		JoinStart: chain(s, all, func(o *observe.Observer) func(context.Context, observe.JoinStart) context.Context { return o.JoinStart }),
		PushStart: chain(s, all, func(o *observe.Observer) func(context.Context, observe.PushStart) context.Context { return o.PushStart }),
		BroadcastStart: chain(s, all, func(o *observe.Observer) func(context.Context, observe.BroadcastStart) context.Context {
			return o.BroadcastStart
		}),
	}
	for _, one := range all {
		if one.Serving != nil {
			one.Serving(s.Snapshot)
		}
	}
	return o
}

// each calls one function of all observers that have it.
func each[E any](s *Server, all []observe.Observer, function func(*observe.Observer) func(context.Context, E)) func(context.Context, E) {
	tell := chain(s, all, func(o *observe.Observer) func(context.Context, E) context.Context {
		f := function(o)
		if f == nil {
			return nil
		}
		return func(ctx context.Context, e E) context.Context {
			f(ctx, e)
			return ctx
		}
	})
	return func(ctx context.Context, e E) { tell(ctx, e) }
}

// chain calls one function of all observers that have it, each with the context that the one before has returned.
func chain[E any](s *Server, all []observe.Observer, function func(*observe.Observer) func(context.Context, E) context.Context) func(context.Context, E) context.Context {
	var functions []func(context.Context, E) context.Context
	for i := range all {
		if f := function(&all[i]); f != nil {
			functions = append(functions, f)
		}
	}
	return func(ctx context.Context, e E) context.Context {
		for _, f := range functions {
			ctx = guarded(s, f, ctx, e) //nolint:fatcontext // each goes on from the one before
		}
		return ctx
	}
}

// guarded calls a function of an observer and returns ctx where that returns none, or panics.
func guarded[E any](s *Server, f func(context.Context, E) context.Context, ctx context.Context, e E) (out context.Context) { //nolint:revive // f comes before what it is called with
	defer func() {
		if p := recover(); p != nil {
			s.log.ErrorContext(ctx, "observer panicked", "panic", p, "stack", string(debug.Stack()))
		}
		if out == nil {
			out = ctx
		}
	}()
	return f(ctx, e)
}

// watch is what is known of a call that is observed.
type watch struct {
	ctx   context.Context // that the handler gets, once it does
	came  time.Time       // into the mailbox
	began time.Time       // to be handled, if it has
}

// observed notes when a call comes in, where there is an observer.
func (c *Call) observed() *Call {
	if c.m.conn.srv.observer != nil {
		c.watch = &watch{ctx: &c.m.life, came: time.Now()}
	}
	return c
}

// observeStart says that a call's handler is about to be called, and returns the context that it gets.
func (c *Call) observeStart(ctx context.Context) context.Context {
	w := c.watch
	if w == nil {
		return ctx
	}
	w.began = time.Now()
	o := c.m.conn.srv.observer
	if c.join {
		w.ctx = o.JoinStart(ctx, observe.JoinStart{Channel: c.m.channel.Name, Topic: c.m.topic})
	} else {
		w.ctx = o.PushStart(ctx, observe.PushStart{Channel: c.m.channel.Name, Event: c.event, Topic: c.m.topic, Wait: w.began.Sub(w.came)})
	}
	return w.ctx
}

// traced is the context for the log: with the span that an observer may have begun, so that one leads to the other.
func (c *Call) traced() context.Context {
	if c.watch != nil {
		return c.watch.ctx
	}
	return &c.m.life
}

// observeEnd says what a call is answered with. An error's response begins with its reason.
func (c *Call) observeEnd(ok bool, response []byte) {
	w := c.watch
	if w == nil {
		return
	}
	outcome := observe.OK
	if !ok {
		outcome = reasonOf(response)
	}
	now := time.Now()
	var took time.Duration
	wait := now.Sub(w.came)
	if !w.began.IsZero() {
		took, wait = now.Sub(w.began), w.began.Sub(w.came)
	}
	channel := c.m.channel
	o := c.m.conn.srv.observer
	if c.join {
		o.JoinEnd(w.ctx, observe.JoinEnd{Channel: channel.Name, Outcome: outcome, Duration: took})
		return
	}
	event := c.event
	if channel.Events[event] == nil {
		event = observe.Other
	}
	o.PushEnd(w.ctx, observe.PushEnd{Channel: channel.Name, Event: event, Outcome: outcome, Wait: wait, Duration: took})
}

// reasonOf is the reason in an error's response.
func reasonOf(response []byte) string {
	text, ok := bytes.CutPrefix(response, []byte(`{"reason":"`))
	if end := bytes.IndexByte(text, '"'); ok && end >= 0 {
		return string(text[:end])
	}
	return observe.Other
}

// observeRefusedJoin says that a join was refused before it began.
func (s *Server) observeRefusedJoin(ctx context.Context, c *Channel, refusal []byte) {
	if s.observer != nil {
		s.observer.JoinEnd(ctx, observe.JoinEnd{Channel: c.Name, Outcome: reasonOf(refusal)})
	}
}

// observeRefused says why a request does not open a connection.
func (s *Server) observeRefused(ctx context.Context, transport string, cause observe.Cause) {
	if s.observer != nil {
		s.observer.Refused(ctx, observe.Refused{Transport: transport, Cause: cause})
	}
}

// observeRenewed says what new connect params are answered with.
func (c *Conn) observeRenewed(outcome string) {
	if o := c.srv.observer; o != nil {
		o.Renewed(c.context(), observe.Renewed{Outcome: outcome})
	}
}

// observeOpened says that the connection is open.
func (c *Conn) observeOpened() {
	if o := c.srv.observer; o != nil {
		c.opened = c.srv.uptime()
		o.Opened(c.context(), observe.Opened{Transport: c.entrance.name, Version: c.version()})
	}
}

// closeAbnormal is what stands for the code of a connection that ended without a close frame.
const closeAbnormal = 1006

// observeClosed says that nothing of the connection is left.
func (c *Conn) observeClosed() {
	o := c.srv.observer
	if o == nil {
		return
	}
	code, reason, closed := c.Closed()
	if !closed {
		code = closeAbnormal
	}
	o.Closed(c.context(), observe.Closed{
		Transport: c.entrance.name,
		Version:   c.version(),
		Code:      int(code),
		Reason:    reason,
		Duration:  c.srv.uptime() - c.opened,
	})
}

// observePoll says that a request of a session begins. What it returns says that it has been answered.
func (s *session) observePoll(ctx context.Context) (end func(batch bool, status, messages int)) {
	o := s.conn.srv.observer
	if o == nil {
		return func(bool, int, int) {}
	}
	began := time.Now()
	return func(batch bool, status, messages int) {
		o.Polled(ctx, observe.Polled{Batch: batch, Status: status, Messages: messages, Duration: time.Since(began)})
	}
}

// observeBroadcast says that a broadcast begins. What it returns says that it has ended; nil is nobody to tell.
func (s *Server) observeBroadcast(ctx context.Context, channel, event, topic string, size int) (_ context.Context, end func(error)) {
	o := s.observer
	if o == nil {
		return ctx, nil
	}
	began := time.Now()
	ctx = o.BroadcastStart(ctx, observe.BroadcastStart{Channel: channel, Event: event, Topic: topic})
	return ctx, func(err error) {
		o.BroadcastEnd(ctx, observe.BroadcastEnd{Channel: channel, Event: event, Bytes: size, Err: err, Duration: time.Since(began)})
	}
}

// observeDelivered says that a publication is in the queues or mailboxes of members.
func (h *hub) observeDelivered(event string, members, size int) {
	if o := h.channel.srv.observer; o != nil && event != "" { // one that could not be read is nobody's
		o.Delivered(context.Background(), observe.Delivered{Channel: h.channel.Name, Event: event, Subscribers: members, Bytes: size})
	}
}

// observePresence says that the presence on a topic has changed.
func (s *Server) observePresence(topic string, diff presence.Diff) {
	if s.observer == nil {
		return
	}
	if c, _ := s.router.match(topic); c != nil { // the hub may be gone: its last member has left, and is untracked
		s.observer.PresenceChanged(context.Background(), observe.PresenceChanged{
			Channel: c.Name,
			Joins:   metas(diff.Joins),
			Leaves:  metas(diff.Leaves),
		})
	}
}

func metas(state presence.State) (n int) {
	for _, all := range state {
		n += len(all)
	}
	return n
}

// observeRecovered says how a client that has shown a position has come in.
func (m *Membership) observeRecovered(e entry) {
	if o := m.conn.srv.observer; o != nil {
		replayed := 0
		if e.recovered {
			replayed = len(e.records)
		}
		o.Recovered(&m.life, observe.Recovered{Channel: m.channel.Name, Recovered: e.recovered, Replayed: replayed})
	}
}

// observeLost says that publications on a topic of c may have been lost.
func (s *Server) observeLost(c *Channel) {
	if s.observer != nil {
		s.observer.SubscriptionLost(context.Background(), observe.SubscriptionLost{Channel: c.Name})
	}
}
