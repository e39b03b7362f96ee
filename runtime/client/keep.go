package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/wire"
)

// keep joins whenever there is a connection and no membership, until ctx ends, which Leave and its like see to, or the
// server wants no more of it.
func (ch *Channel) keep(ctx context.Context, params ParamsFunc) {
	defer ch.c.tasks.Done()
	var retry backoff
	for {
		s, err := ch.c.await(ctx)
		if err != nil {
			return
		}
		m, err := ch.attempt(ctx, s, params)
		if err == nil {
			began := time.Now()
			select {
			case <-m.gone:
			case <-ctx.Done():
				return
			}
			retry.lasted(time.Since(began))
			err = m.err
		}
		if !ch.again(ctx, err) {
			return
		}
		if s.ctx.Err() != nil {
			continue // the client's own backoff is enough
		}
		var caughtUp <-chan struct{}
		if errors.Is(err, ErrOverrun) {
			caughtUp = ch.callbacksMade()
		}
		select {
		case <-caughtUp:
		case <-time.After(retry.next()): // a callback may wait for the channel
		case <-ctx.Done():
			return
		}
	}
}

// callbacksMade returns a channel that is closed when the callbacks that wait now have been made.
func (ch *Channel) callbacksMade() <-chan struct{} {
	made := make(chan struct{})
	ch.c.mu.Lock()
	defer ch.c.mu.Unlock()
	ch.notices.add(task{run: func() { close(made) }})
	return made
}

// again notes why there is no membership, and ends the channel unless another attempt makes sense.
func (ch *Channel) again(ctx context.Context, err error) bool {
	ch.c.mu.Lock()
	defer ch.c.mu.Unlock()
	if ctx.Err() != nil { // somebody else has ended it
		return false
	}
	ch.failed = err
	if ch.isFinal(err) {
		ch.end(err)
		return false
	}
	if ch.state != Errored {
		ch.set(Errored, err)
	}
	return true
}

// isFinal reports whether an error ends the channel. It needs mu.
func (ch *Channel) isFinal(err error) bool {
	if reply, ok := errors.AsType[*ReplyError](err); ok {
		return !slices.Contains(ch.spec.Retry, reply.Code) && (ch.first != nil || !passing(err))
	}
	if _, ok := errors.AsType[*paramsError](err); ok {
		if ch.first == nil {
			ch.c.cfg.log.Error("client: the params to join again failed", "topic", ch.topic, "err", err)
		}
		return ch.first != nil
	}
	return errors.Is(err, ErrTooLarge) || errors.Is(err, ErrEnded)
}

// attempt joins once, and returns when the server has answered.
func (ch *Channel) attempt(ctx context.Context, s *session, params ParamsFunc) (*membership, error) {
	m := &membership{session: s, answer: make(chan answer, 1), calls: make(map[string]chan answer), gone: make(chan struct{})}
	c := ch.c
	c.mu.Lock()
	if ctx.Err() != nil || c.session != s {
		c.mu.Unlock()
		return nil, ErrDisconnected
	}
	m.ref = c.ref()
	ch.member = m
	ch.set(Joining, nil)
	position := ch.position
	c.mu.Unlock()

	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.timeout, ErrTimeout)
	defer cancel()
	err := ch.sendJoin(ctx, m, params, position)
	if err == nil {
		var answered bool
		select {
		case a := <-m.answer:
			err, answered = a.err, true
		case <-m.gone:
			err = m.err
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		if !answered { // so the server may have let us in, or is about to
			s.trySend(leaveFrame(m.ref, m.ref, ch.topic))
		}
	}
	if err == nil {
		return m, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if ch.member == m {
		ch.drop(err)
	}
	return nil, err
}

// paramsError is what the params of a join failed with.
type paramsError struct{ err error }

func (e *paramsError) Error() string { return "join params: " + e.err.Error() }
func (e *paramsError) Unwrap() error { return e.err }

func (ch *Channel) sendJoin(ctx context.Context, m *membership, paramsOf ParamsFunc, position string) error {
	payload := Payload{data: []byte("{}")}
	if paramsOf != nil {
		params, err := paramsOf(ctx)
		if err == nil {
			payload, err = payloadOf(params)
		}
		if err != nil {
			return &paramsError{err}
		}
	}
	if position != "" && !payload.binary {
		payload.data = withPosition(payload.data, position)
	}
	f, err := ch.frame(m.ref, m.ref, wire.EventJoin, payload)
	if err != nil {
		return err
	}
	return m.session.send(ctx, f)
}

// withPosition adds the member _recover to an object. What is no object stays as it is.
func withPosition(params []byte, position string) []byte {
	params = bytes.TrimSpace(params)
	if len(params) == 0 || params[0] != '{' {
		return params
	}
	e := codec.NewEncoder(nil)
	e.Object()
	e.Name("_recover")
	e.String(position)
	out := e.Buf()
	if rest := bytes.TrimSpace(params[1:]); rest[0] != '}' {
		out = append(out, ',')
	}
	return append(out, params[1:]...)
}

// frame encodes a message of this channel.
func (ch *Channel) frame(joinRef, ref, event string, payload Payload) (frame, error) {
	m := wire.Message{
		JoinRef: wire.TextRef(joinRef), Ref: wire.TextRef(ref), Topic: ch.topic, Event: event,
		Payload: payload.data, Binary: payload.binary,
	}
	data, binary, err := wire.AppendPush(nil, &m)
	if err != nil {
		return frame{}, err
	}
	if limit := ch.c.cfg.maxFrame; len(data) > limit {
		return frame{}, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(data), limit)
	}
	return frame{data, binary}, nil
}
