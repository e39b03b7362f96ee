package client

import (
	"context"

	"github.com/chgen/chgen/runtime/codec"
)

// Push sends event with the payload in (nil is {}), waits for the reply and decodes it into out (nil: it does not
// matter). Before the channel is joined, and while it is joined again, it waits. It fails with one of the declared
// errors or a *ReplyError when that is the reply, and with ErrDisconnected, ErrLeft, ErrEnded, ErrClosed, ErrTimeout,
// ErrTooLarge or the error of ctx when there is none. A ctx without a deadline has the client's timeout.
func (ch *Channel) Push(ctx context.Context, event string, in codec.Marshaler, out codec.Unmarshaler, declared ...DeclaredError) error {
	return ch.wrap(event, declare(ch.push(ctx, event, in, out), declared))
}

func (ch *Channel) push(ctx context.Context, event string, in codec.Marshaler, out codec.Unmarshaler) error {
	payload, err := payloadOf(in)
	if err != nil {
		return err
	}
	ctx, cancel := ch.c.limit(ctx)
	defer cancel()
	m, ref, answered, err := ch.call(ctx)
	if err != nil {
		return err
	}
	f, err := ch.frame(m.ref, ref, event, payload)
	if err == nil {
		err = m.session.send(ctx, f)
	}
	if err != nil {
		m.hangUp(ch.c, ref)
		return err
	}
	select {
	case a := <-answered:
		if a.err != nil {
			return a.err
		}
		return a.payload.Decode(out)
	case <-ctx.Done():
		m.hangUp(ch.c, ref)
		return context.Cause(ctx)
	}
}

// call waits for a membership and makes room in it for the answer to a push.
func (ch *Channel) call(ctx context.Context) (m *membership, ref string, answered chan answer, err error) {
	for {
		ch.c.mu.Lock()
		state, changed := ch.state, ch.changed
		switch state {
		case Joined:
			m = ch.member
			ref, answered = m.call(ch.c)
		case Out:
			err = ch.err
		case Leaving:
			err = ErrLeft
		}
		ch.c.mu.Unlock()
		if m != nil || err != nil {
			return m, ref, answered, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, "", nil, context.Cause(ctx)
		}
	}
}

// hangUp gives up waiting for an answer.
func (m *membership) hangUp(c *Client, ref string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(m.calls, ref)
}
