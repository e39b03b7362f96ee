package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/wire"
)

// Spec is what a schema says of a channel.
type Spec struct {
	// Topic is the pattern of its topics: "room:{room_id}".
	Topic string

	// Retry lists the codes of the errors after which a refused join is tried again.
	Retry []string
}

// ChannelState is what a channel is in.
type ChannelState uint8

// The states of a channel.
const (
	Out     ChannelState = iota // not joined, or no longer
	Joining                     // a join is under way, or waits for the connection
	Joined                      // a member of the topic
	Errored                     // the membership is lost and will be joined again
	Leaving                     // a leave is under way
)

// String is the state's name in small letters.
func (s ChannelState) String() string {
	return [...]string{"out", "joining", "joined", "errored", "leaving"}[s]
}

// ChannelStateChange is what a channel's OnState tells.
type ChannelStateChange struct {
	State ChannelState
	Err   error // why, of Errored and of an Out that was not asked for
}

// ParamsFunc gives the params of a join; nil is none. It is called for each attempt, with a context that ends with it.
type ParamsFunc func(ctx context.Context) (codec.Marshaler, error)

// Channel is one topic of a client, as generated clients use it.
type Channel struct {
	c       *Client
	spec    Spec
	topic   string
	invalid error // about the topic

	// The client's mu guards what follows.
	state    ChannelState
	err      error              // why the state is Out
	changed  chan struct{}      // closed, and made anew, when the state changes
	stop     context.CancelFunc // ends the goroutine of keep
	first    chan answer        // of the call of Join that waits
	failed   error              // of the latest attempt to join
	member   *membership
	position string // where the history was last seen, in the server's own terms
	states   listeners[ChannelStateChange]
	rejoins  listeners[rejoin]
	events   map[string]*listeners[Payload]
	presence presence
	notices  dispatcher
}

// membership is one join, from when it is sent until it has ended.
type membership struct {
	ref      string
	session  *session
	answered bool                   // the join has been: a second answer is not for it
	answer   chan answer            // to the join
	calls    map[string]chan answer // by ref: that wait for their answer
	gone     chan struct{}          // closed when it has ended
	err      error                  // why, once gone is closed
}

// NewChannel returns the channel of spec at the topic with these parameters. Parameters that make no topic are an
// error of Join.
func NewChannel(c *Client, spec Spec, params ...string) *Channel {
	ch := &Channel{c: c, spec: spec, changed: make(chan struct{}), err: ErrLeft, events: make(map[string]*listeners[Payload])}
	ch.notices.c = c
	ch.topic, ch.invalid = topicOf(spec.Topic, params)
	return ch
}

// Topic is the topic as it stands on the wire.
func (ch *Channel) Topic() string { return ch.topic }

// State is the channel's state.
func (ch *Channel) State() ChannelState {
	ch.c.mu.Lock()
	defer ch.c.mu.Unlock()
	return ch.state
}

// OnState calls handle whenever the state changes. It returns what ends that.
func (ch *Channel) OnState(handle func(ChannelStateChange)) (stop func()) {
	ch.c.mu.Lock()
	defer ch.c.mu.Unlock()
	return ch.states.add(&ch.c.mu, handle)
}

// Join joins the topic, decodes the reply into out, and keeps the membership up until Leave. It connects the client
// where that is needed, and waits out trouble with the connection. It fails with one of the declared errors or a
// *ReplyError when the server refuses the join, unless that is to be tried again (Spec.Retry); with a *RefusedError
// when it refuses the connection; with the error of ctx when that ends first, and what the last attempt failed with;
// with the error of params. After a failure, and after Leave, it can be called again.
func (ch *Channel) Join(ctx context.Context, params ParamsFunc, out codec.Unmarshaler, declared ...DeclaredError) error {
	first, err := ch.begin(params)
	if err != nil {
		return ch.wrap("join", err)
	}
	select {
	case a := <-first:
		if a.err == nil {
			if a.err = a.payload.Decode(out); a.err != nil {
				_ = ch.Leave(ctx) // the reply is not what the schema says: what follows will not be either
			}
		}
		return ch.wrap("join", declare(a.err, declared))
	case <-ctx.Done():
		err := context.Cause(ctx)
		ch.c.mu.Lock()
		if ch.failed != nil {
			err = fmt.Errorf("%w; the last attempt: %w", err, declare(ch.failed, declared))
		}
		ch.c.mu.Unlock()
		ch.abandon()
		return ch.wrap("join", err)
	}
}

// begin starts what keeps the membership up, and returns where the outcome of the first join will be.
func (ch *Channel) begin(params ParamsFunc) (<-chan answer, error) {
	if ch.invalid != nil {
		return nil, ch.invalid
	}
	c := ch.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return nil, c.overErr()
	}
	if c.channels[ch.topic] != nil {
		return nil, ErrAlreadyJoined
	}
	c.channels[ch.topic] = ch
	ch.first = make(chan answer, 1)
	ch.position, ch.failed = "", nil
	ctx, stop := context.WithCancel(c.ctx)
	ch.stop = stop
	ch.set(Joining, nil)
	c.start()
	c.tasks.Add(1)
	go ch.keep(ctx, params)
	return ch.first, nil
}

// Leave leaves the topic. Calls that wait fail with ErrLeft at once, and once it has returned no callback of an event
// is begun any more. It returns nil when the server knows, and the error of ctx when that ends first; the channel is
// left in any case.
func (ch *Channel) Leave(ctx context.Context) error {
	c := ch.c
	c.mu.Lock()
	if ch.state == Out || ch.state == Leaving {
		c.mu.Unlock()
		return nil
	}
	ch.detach(ErrLeft)
	m := ch.member
	if m == nil {
		ch.finish(nil)
		c.mu.Unlock()
		return nil
	}
	m.fail(ErrLeft)
	ref, answered := m.call(c)
	ch.set(Leaving, nil)
	c.mu.Unlock()

	ctx, cancel := c.limit(ctx)
	defer cancel()
	err := m.session.send(ctx, leaveFrame(m.ref, ref, ch.topic))
	if err == nil {
		select {
		case <-answered:
		case <-m.gone:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	c.mu.Lock()
	if ch.member == m {
		ch.drop(ErrLeft)
		ch.finish(nil)
	}
	c.mu.Unlock()
	if errors.Is(err, ErrDisconnected) { // so the server knows
		return nil
	}
	return ch.wrap("leave", err)
}

// abandon leaves without waiting.
func (ch *Channel) abandon() {
	ch.c.mu.Lock()
	defer ch.c.mu.Unlock()
	if ch.state == Out || ch.state == Leaving {
		return
	}
	m := ch.member
	ch.detach(ErrLeft)
	ch.drop(ErrLeft)
	ch.finish(nil)
	if m != nil {
		m.session.trySend(leaveFrame(m.ref, ch.c.ref(), ch.topic))
	}
}

func leaveFrame(joinRef, ref, topic string) frame {
	m := wire.Message{
		JoinRef: wire.TextRef(joinRef), Ref: wire.TextRef(ref), Topic: topic, Event: wire.EventLeave, Payload: []byte("{}"),
	}
	data, _, _ := wire.AppendPush(nil, &m) // text can always be encoded
	return frame{data: data}
}

// end makes the channel Out for a reason of the server or the client. It needs mu.
func (ch *Channel) end(err error) {
	gone := fmt.Errorf("%w: %w", ErrDisconnected, err)
	switch ch.state {
	case Out:
		return
	case Leaving:
		ch.lost(gone)
		return
	}
	ch.detach(err)
	ch.drop(gone)
	ch.finish(err)
}

// detach ends what keeps the membership up. It needs mu.
func (ch *Channel) detach(err error) {
	ch.stop()
	if ch.first != nil {
		ch.first <- answer{err: err}
		ch.first = nil
	}
	if errors.Is(err, ErrLeft) || errors.Is(err, ErrClosed) {
		ch.notices.drop()
	}
}

// lost notes that the membership has gone without anybody having asked for that: it ends a leave that waits. It needs
// mu.
func (ch *Channel) lost(err error) {
	if ch.member == nil {
		return
	}
	ch.drop(err)
	if ch.state == Leaving {
		ch.finish(nil)
	} else {
		ch.set(Errored, err)
	}
}

// drop ends the membership, if there is one: what waits for an answer fails. It needs mu.
func (ch *Channel) drop(err error) {
	m := ch.member
	if m == nil {
		return
	}
	ch.member = nil
	m.err = err
	m.fail(err)
	close(m.gone)
}

// finish makes the channel Out, ready for another Join. It needs mu.
func (ch *Channel) finish(err error) {
	delete(ch.c.channels, ch.topic)
	ch.set(Out, err)
	if err == nil {
		ch.err = ErrLeft
	}
}

// fail answers every call that waits with err. It needs mu.
func (m *membership) fail(err error) {
	for _, answered := range m.calls {
		answered <- answer{err: err}
	}
	clear(m.calls)
}

// call makes room for an answer. It needs mu.
func (m *membership) call(c *Client) (ref string, answered chan answer) {
	ref, answered = c.ref(), make(chan answer, 1)
	m.calls[ref] = answered
	return ref, answered
}

// set notes the state. It needs mu.
func (ch *Channel) set(state ChannelState, err error) {
	ch.err = err
	if state == ch.state {
		return
	}
	ch.state = state
	close(ch.changed)
	ch.changed = make(chan struct{})
	change := ChannelStateChange{state, err}
	ch.notices.add(task{run: func() { ch.states.call(&ch.c.mu, change) }})
}

// wrap says what failed, but for the schema's own errors, which are handed on as they are.
func (ch *Channel) wrap(what string, err error) error {
	if _, ok := err.(DeclaredError); ok || err == nil { //nolint:errorlint // see above
		return err
	}
	return fmt.Errorf("%s on %s: %w", what, ch.topic, err)
}
