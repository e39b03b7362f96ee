package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/wire"
)

// eventParams is the event that presents new connect params.
const eventParams = "chgen_params"

// errNoRenewal is a server that knows nothing of new params.
var errNoRenewal = errors.New("the server takes no new params on a connection that is open")

// Renew presents params on the connection that is open, and with every later attempt to connect, in the place of what
// WithParams or WithParamsFunc has set; where params is nil, that is asked again. The server's handlers see what its
// connect hook makes of them from then on. What belongs to a channel stays joined.
//
// It waits for a connection that is under way; where nobody has asked for one yet, there is nothing to be told. When the
// server refuses the params the client ends, like one that is refused when it connects: the error is the
// *RefusedError. A *ReplyError (internal, timeout, rate_limited) leaves the connection with what it had. With
// ErrDisconnected the next attempt presents the params. A ctx without a deadline has the client's timeout.
func (c *Client) Renew(ctx context.Context, params codec.Marshaler) error {
	ctx, cancel := c.limit(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	c.mu.Lock()
	if params != nil {
		c.params = func(context.Context) (codec.Marshaler, error) { return params, nil }
	}
	ask, idle := c.params, !c.running && !c.over
	c.mu.Unlock()
	if idle {
		return nil
	}
	if params == nil && ask != nil {
		var err error
		if params, err = ask(ctx); err != nil {
			return fmt.Errorf("connect params: %w", err)
		}
	}
	payload, err := payloadOf(params)
	if err != nil {
		return fmt.Errorf("connect params: %w", err)
	}
	return c.whyOver(c.renew(ctx, payload))
}

// renew presents params on the connection.
func (c *Client) renew(ctx context.Context, params Payload) error {
	s, err := c.await(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	ref, answered := c.ref(), make(chan answer, 1)
	s.renewals[ref] = answered
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(s.renewals, ref)
		c.mu.Unlock()
	}()
	m := wire.Message{Ref: wire.TextRef(ref), Topic: wire.TopicPhoenix, Event: eventParams, Payload: params.data}
	data, _, err := wire.AppendPush(nil, &m)
	if err != nil {
		return err
	}
	if len(data) > c.cfg.maxFrame {
		return ErrTooLarge
	}
	if err := s.send(ctx, frame{data: data}); err != nil {
		return err
	}
	err = ErrDisconnected
	select {
	case a := <-answered:
		if reply, ok := errors.AsType[*ReplyError](a.err); ok && reply.Code == CodeUnmatchedTopic {
			return errNoRenewal
		}
		if a.err == nil || passing(a.err) {
			return a.err
		}
		err = a.err
	case <-s.ctx.Done():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select { // refused: the connection is about to be closed, with the reason
	case <-s.ctx.Done():
	case <-ctx.Done():
	}
	if cause := context.Cause(s.ctx); isRefusal(cause) {
		return cause
	}
	return err
}

// whyOver is why the client is over where an error has come of that, else the error.
func (c *Client) whyOver(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && c.over && !isRefusal(err) {
		return c.overErr()
	}
	return err
}
