package engine

import (
	"context"
	"errors"

	"github.com/chgen/chgen/runtime/wire"
)

// servePush runs the handler of a client's event and answers it.
func (m *Membership) servePush(call *Call) {
	event := m.channel.Events[call.event]
	if event == nil {
		call.release()
		call.answer(wire.StatusError, unknownEvent, false)
		return
	}
	returned := false
	defer func() {
		if !returned { // the handler has ended its goroutine
			call.release()
			call.answer(wire.StatusError, internalError, false)
		}
	}()
	ctx := m.begin(call)
	if event.Concurrent != nil {
		m.serveConcurrent(ctx, event, call)
	} else {
		err := m.handle(ctx, event, call)
		ours := call.done()
		m.answerWith(call, event, err)
		if ours {
			call.giveBack()
		}
	}
	returned = true
}

func (m *Membership) handle(ctx context.Context, event *Event, call *Call) (err error) {
	defer m.recovered(call.event, &err)
	return event.Handle(ctx, m.handler, call)
}

// answerWith answers a call whose handler has returned err.
func (m *Membership) answerWith(call *Call, event *Event, err error) {
	if err == nil {
		call.answer(wire.StatusOK, call.response, call.responseBinary)
		return
	}
	call.answer(wire.StatusError, call.failure(err, event.Errors), false)
	if isPanic(err) {
		m.end(Crashed, true)
	}
}

// errNoWork is a concurrent event that is neither refused nor worked on.
var errNoWork = errors.New("channel: a concurrent event's method returned neither work nor an error")

// serveConcurrent runs the part of a concurrent event that is in turn, and starts the part that is not.
func (m *Membership) serveConcurrent(ctx context.Context, event *Event, call *Call) {
	if !m.beginConcurrent() {
		call.done()
		call.answer(wire.StatusError, rateLimited, false)
		return
	}
	var work func(context.Context) error
	err := m.protect(call.event, func() (err error) {
		work, err = event.Concurrent(ctx, m.handler, call)
		return err
	})
	if err == nil && work == nil {
		err = errNoWork
	}
	if err != nil {
		m.endConcurrent()
		call.done()
		m.answerWith(call, event, err)
		return
	}
	m.work.Add(1)
	go func() {
		defer m.work.Done()
		defer m.endConcurrent()
		defer call.done()
		defer call.answer(wire.StatusError, internalError, false) // where the work ends its goroutine
		err := m.protect(call.event, func() error { return work(ctx) })
		call.release() // before the client may push again
		m.answerWith(call, event, err)
	}()
}

// beginConcurrent counts a concurrent event in, unless too many are worked on.
func (m *Membership) beginConcurrent() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if int(m.concurrent) >= m.conn.srv.limits.MailboxPushes {
		return false
	}
	m.concurrent++
	return true
}

func (m *Membership) endConcurrent() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.concurrent--
}

// serveDo runs work from elsewhere.
func (m *Membership) serveDo(work func(context.Context)) {
	ctx, done := m.beginWork()
	defer done()
	err := m.protect("Do", func() error {
		work(ctx)
		return nil
	})
	if err != nil {
		m.end(Crashed, true)
	}
}

// serveIntercept runs the handler's intercept of a server event, if it has one, and pushes what it makes of it.
func (m *Membership) serveIntercept(r *record) {
	intercept := m.channel.Intercepts[r.event]
	if intercept == nil {
		m.passOn(r)
		return
	}
	call := &Call{m: m, event: r.event, payload: r.payload, binary: r.binary, shared: true}
	ctx, done := m.beginWork()
	defer done()
	var send bool
	err := m.protect("Intercept "+r.event, func() (err error) {
		send, err = intercept.Handle(ctx, m.handler, call)
		return err
	})
	switch {
	case err != nil:
		m.crash("Intercept", err)
	case send:
		m.pushFrame(r, call.response, call.responseBinary)
	}
}

// crash ends the membership for an error that nobody is answered with. A panic has been logged already.
func (m *Membership) crash(name string, err error) {
	if !isPanic(err) && !m.gone() {
		m.log().ErrorContext(&m.life, "handler failed", m.attrs("handler", name, "err", err)...)
	}
	m.end(Crashed, true)
}
