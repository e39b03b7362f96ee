package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/wire"
)

// Call is one message on its way through a handler: a push, a join, or an event that is intercepted. Its exported
// methods are for the handler's goroutine, until the handler returns.
type Call struct {
	m       *Membership
	work    *messageContext // that it is worked on with, in memory of its own: handlers may keep it
	memory  *[]byte         // of inboxes that ref and payload are in; goes back with the call
	event   string
	ref     wire.Ref
	payload []byte
	decoder *codec.Decoder // between Decoder and Decoded
	held    int            // bytes of the frame, while it counts as held
	began   time.Duration  // when work on it began, counted from Server.started; 0 where nobody has looked at the clock
	watch   *watch         // where there is an observer

	working bool  // its membership's lock guards this, and its neighbours in the list of calls that are worked on
	older   *Call //
	newer   *Call //

	position string // of a generated client's join: where it last saw the topic's history
	recovery []byte // of the reply to a join on a channel with history

	out            wire.Message // the reply
	response       []byte
	scratch        *[]byte // memory for response, which stays with the call
	responseBinary bool
	binary         bool
	shared         bool // the payload is, with other members
	join           bool
	answered       atomic.Bool
}

// calls are what pushes are: most of them are given back when they have been answered.
var calls = sync.Pool{New: func() any { return new(Call) }}

// newCall is a push to m.
func newCall(m *Membership, msg *wire.Message) *Call {
	c := calls.Get().(*Call)
	c.m, c.event, c.ref, c.payload, c.binary = m, msg.Event, msg.Ref, msg.Payload, msg.Binary
	return c.observed()
}

// lend leaves the call, the message at hand, to l, which works on it at once.
func (c *Call) lend(l *link) {
	conn := c.m.conn
	c.began = conn.came
	c.memory, conn.memory = conn.memory, nil
	l.lent = c
}

// ownMemory takes ref and payload out of memory that goes back to others: many calls may wait, and for long.
func (c *Call) ownMemory() {
	if c.m.conn.memory != nil {
		c.ref, c.payload = bytes.Clone(c.ref), bytes.Clone(c.payload)
	}
}

// giveBack ends the life of a call that nobody else has any more.
func (c *Call) giveBack() {
	if c.memory != nil {
		inboxes.Put(c.memory)
	}
	*c = Call{scratch: c.scratch}
	calls.Put(c)
}

// invalidPayloadError is a payload that does not satisfy the schema: what the client is told of, unlike a *codec.Error
// that comes about when the server encodes something.
type invalidPayloadError struct{ err *codec.Error }

func (e *invalidPayloadError) Error() string { return "invalid payload: " + e.err.Error() }

func invalid(err error) error {
	if problem, ok := errors.AsType[*codec.Error](err); ok {
		return &invalidPayloadError{problem}
	}
	return err
}

// Membership is the client and topic that the message is of.
func (c *Call) Membership() *Membership { return c.m }

// json is the payload, which must be JSON. Join params that are null are absent.
func (c *Call) json() ([]byte, error) {
	if c.binary {
		return nil, &invalidPayloadError{&codec.Error{Message: "must be JSON, not binary"}}
	}
	if c.join && string(c.payload) == "null" {
		return emptyObject, nil
	}
	return c.payload, nil
}

// Decode decodes the payload into v.
func (c *Call) Decode(v codec.Unmarshaler) error {
	data, err := c.json()
	if err != nil {
		return err
	}
	return invalid(codec.Unmarshal(data, v))
}

// Decoder reads the payload, where its type is known: so a value of it need not have memory of its own. What it says
// is for Decoded.
func (c *Call) Decoder() *codec.Decoder {
	data, _ := c.json() // Decoded has the error
	c.decoder = codec.NewDecoder(data)
	return c.decoder
}

// Decoded ends the reading with Decoder, whose outcome is err.
func (c *Call) Decoded(err error) error {
	err = c.decoder.End(err)
	c.decoder = nil
	if _, unfit := c.json(); unfit != nil {
		return unfit
	}
	return invalid(err)
}

// JSON is the payload of an event declared json. The bytes are the caller's to keep.
func (c *Call) JSON() (json.RawMessage, error) {
	data, err := c.json()
	if err != nil {
		return nil, err
	}
	return c.own(data), invalid(codec.Valid(data))
}

// Bytes is the payload of an event declared bytes. The bytes are the caller's to keep.
func (c *Call) Bytes() ([]byte, error) {
	if !c.binary {
		return nil, &invalidPayloadError{&codec.Error{Message: "must be binary"}}
	}
	return c.own(c.payload), nil
}

// own returns the payload as the caller's to keep.
func (c *Call) own(payload []byte) []byte {
	if c.shared {
		return bytes.Clone(payload)
	}
	c.memory = nil
	return payload
}

// Empty checks the payload of an event that carries none: any object, or null.
func (c *Call) Empty() error {
	data, err := c.json()
	if err == nil {
		err = invalid(codec.Valid(data))
	}
	if err == nil && data[0] != '{' && string(data) != "null" {
		return &invalidPayloadError{&codec.Error{Message: "must be an object"}}
	}
	return err
}

// Reply sets the response to v.
func (c *Call) Reply(v codec.Marshaler) error { return c.Replied(v.AppendJSON(c.Scratch())) }

// Scratch is memory to append a response to that is for Replied.
func (c *Call) Scratch() []byte {
	if c.scratch == nil {
		c.scratch = payloads.Get().(*[]byte)
	}
	return (*c.scratch)[:0]
}

// Replied sets the response to what has been appended to Scratch, unless that has failed.
func (c *Call) Replied(response []byte, err error) error {
	c.response, c.responseBinary = response, false
	if n := cap(c.response); n > cap(*c.scratch) && n <= maxScratch {
		*c.scratch = c.response
	}
	return err
}

// ReplyJSON sets the response to any JSON value.
func (c *Call) ReplyJSON(v json.RawMessage) error {
	c.response, c.responseBinary = v, false
	return codec.Valid(v)
}

// ReplyBytes sets a binary response.
func (c *Call) ReplyBytes(v []byte) error {
	c.response, c.responseBinary = v, true
	return nil
}

// takePosition takes what is the runtime's own out of join params, before a decoder that may be strict sees them.
// Params that are no sound object stay as they are, for the decoder to refuse.
func (c *Call) takePosition() {
	if c.binary || !bytes.Contains(c.payload, []byte(`"`+paramRecover+`"`)) {
		return
	}
	params := joinParams{rest: codec.NewEncoder(make([]byte, 0, len(c.payload)))}
	if codec.Unmarshal(c.payload, &params) != nil {
		return
	}
	payload, err := params.rest.Done()
	if err != nil {
		return
	}
	c.payload = payload
	if c.m.conn.generated {
		c.position = params.position
	}
}

// joinParams is join params without the runtime's own.
type joinParams struct {
	rest     codec.Encoder
	position string
}

// DecodeJSON reads the object.
func (p *joinParams) DecodeJSON(d *codec.Decoder) error {
	p.rest.Object()
	obj := d.Object()
	for obj.Next(d) {
		name := string(obj.Name())
		value := d.JSON()
		if name != paramRecover {
			p.rest.Key(name)
			p.rest.JSON(value)
		} else if len(value) > 0 && value[0] == '"' {
			p.position = string(codec.Unquote(nil, value))
		}
	}
	p.rest.EndObject()
	return d.Err()
}

// claim gives the right to answer, once.
func (c *Call) claim() bool { return !c.answered.Swap(true) }

// answer answers unless that has been done.
func (c *Call) answer(status string, response []byte, binary bool) {
	if c.claim() {
		c.send(status, response, binary)
	}
}

// send sends the reply; the sender has the claim.
func (c *Call) send(status string, response []byte, binary bool) {
	c.fillReply(&c.out, status, response, binary)
	var err error
	if c.join {
		err = c.m.conn.send(&c.out) // the hub's lock is held
	} else {
		err = c.m.conn.sendHere(&c.out)
	}
	if err != nil {
		c.m.log().ErrorContext(c.traced(), "the reply cannot be sent", c.m.attrs("event", c.event, "err", err)...)
		status, response = wire.StatusError, internalError
		c.m.conn.reply(c.reply(status, response, false))
	}
	c.observeEnd(status == wire.StatusOK, response)
}

// reply is the reply as a message. Join replies echo the frame's join_ref, others have the channel's (rule 2.6). A
// response that is nil is {}.
func (c *Call) reply(status string, response []byte, binary bool) *wire.Message {
	msg := new(wire.Message)
	c.fillReply(msg, status, response, binary)
	return msg
}

func (c *Call) fillReply(msg *wire.Message, status string, response []byte, binary bool) {
	joinRef := c.m.joinRef
	if c.join {
		joinRef = c.m.frameRef()
	}
	if response == nil && !binary {
		response = emptyObject
	}
	*msg = wire.Message{JoinRef: joinRef, Ref: c.ref, Topic: c.m.topic, Status: status, Payload: response, Binary: binary}
	if status == wire.StatusOK {
		msg.Recovery = c.recovery
	}
}

// timedOut reports whether the call's deadline has passed.
func (c *Call) timedOut() bool { return errors.Is(c.work.Err(), context.DeadlineExceeded) }

// expire answers a call whose deadline has passed.
func (c *Call) expire() {
	if c.answered.Load() {
		return
	}
	c.m.log().WarnContext(c.traced(), "handler takes too long", c.m.attrs("event", c.event)...)
	if c.join {
		c.m.refuse(c, timeoutError)
		return
	}
	c.answer(wire.StatusError, timeoutError, false)
}
