package engine

import (
	"sync"

	"github.com/chgen/chgen/runtime/wire"
)

// The payloads of the transport's own replies.
var (
	emptyObject     = []byte(`{}`)
	unmatchedTopic  = []byte(`{"reason":"unmatched topic"}`)
	joinCrashed     = []byte(`{"reason":"join crashed"}`)
	tooManyChannels = []byte(`{"reason":"too many channels joined"}`)
	unknownEvent    = []byte(`{"reason":"unknown_event"}`)
	internalError   = []byte(`{"reason":"internal"}`)
	closedError     = []byte(`{"reason":"closed"}`)
	rateLimited     = []byte(`{"reason":"rate_limited"}`)
	timeoutError    = []byte(`{"reason":"timeout"}`)
	channelCrash    = []byte(`{"reason":"channel_crash"}`) // of phx_error
)

// messages are what frames are read into: nothing keeps one.
var messages = sync.Pool{New: func() any { return new(wire.Message) }}

func returnMessage(m *wire.Message) {
	*m = wire.Message{}
	messages.Put(m)
}

// eventClose is the event with which a generated client ends a connection whose transport has no other way to say so.
const eventClose = "chgen_close"

// receive handles one message of the client, on the reader. An error means that it is no frame.
func (c *Conn) receive(data []byte, binary bool) error {
	c.frame = uint32(len(data))
	msg := messages.Get().(*wire.Message)
	defer returnMessage(msg)
	if err := c.ser.Decode(data, binary, msg); err != nil {
		return err
	}
	switch {
	case msg.OddTopic != nil:
		c.replyUnmatched(msg)
	case msg.Topic == wire.TopicPhoenix && msg.Event == wire.EventHeartbeat:
		_ = c.sendHere(&wire.Message{Ref: msg.Ref, Topic: msg.Topic, Status: wire.StatusOK, Payload: emptyObject})
	case msg.Event == wire.EventJoin:
		c.memory = nil
		c.join(msg)
	case c.generated && msg.Topic == wire.TopicPhoenix && msg.Event == eventParams:
		c.memory = nil
		c.renew(new(*msg)) // which keeps it
	case c.generated && msg.Topic == wire.TopicPhoenix && msg.Event == eventClose:
		c.Close(closeNormal, "")
	default:
		c.toMember(msg)
	}
	return nil
}

// toMember hands a frame to its topic's membership.
func (c *Conn) toMember(msg *wire.Message) {
	c.mu.Lock()
	m := c.members.get(msg.Topic)
	c.mu.Unlock()
	switch {
	case m == nil && msg.Event == wire.EventLeave:
		c.replyLeft(msg)
	case m == nil:
		c.replyUnmatched(msg)
	case msg.JoinRef != nil && !msg.JoinRef.Equal(m.frameRef()):
		// Stale: it was meant for an earlier membership (rule 4.1).
	case msg.Event == wire.EventLeave:
		c.memory = nil
		m.leave(new(*msg)) // which keeps it
	default:
		m.push(msg)
	}
}

// replyUnmatched answers a frame whose topic is nobody's: rule 2.6, with a null join_ref.
func (c *Conn) replyUnmatched(msg *wire.Message) {
	c.reply(&wire.Message{Ref: msg.Ref, Topic: msg.Topic, OddTopic: msg.OddTopic, Status: wire.StatusError, Payload: unmatchedTopic})
}

// replyLeft answers a phx_leave of a topic that is not joined: rule 2.6, with the frame's join_ref.
func (c *Conn) replyLeft(msg *wire.Message) {
	c.reply(&wire.Message{JoinRef: msg.JoinRef, Ref: msg.Ref, Topic: msg.Topic, Status: wire.StatusOK, Payload: emptyObject})
}

// join begins a membership for a phx_join, which runs off the reader; an old one on the same topic is replaced.
func (c *Conn) join(msg *wire.Message) {
	channel, params := c.srv.router.match(msg.Topic)
	if channel == nil {
		c.replyUnmatched(msg)
		return
	}
	if !c.mayJoin() {
		c.srv.observeRefusedJoin(c.context(), channel, rateLimited)
		c.refuseJoin(msg, rateLimited)
		return
	}
	m := newMembership(c, channel, params, msg)
	old, refusal := c.admit(m)
	if refusal != nil {
		m.life.end()
		c.srv.observeRefusedJoin(c.context(), channel, refusal)
		c.refuseJoin(msg, refusal)
		return
	}
	c.work.Add(1)
	if old != nil {
		old.replace()
	}
	call := &Call{m: m, event: wire.EventJoin, ref: msg.Ref, payload: msg.Payload, binary: msg.Binary, join: true}
	call.takePosition()
	go m.start(call.observed(), old)
}

// refuseJoin answers a phx_join that is not even begun.
func (c *Conn) refuseJoin(msg *wire.Message, refusal []byte) {
	c.reply(&wire.Message{JoinRef: msg.JoinRef, Ref: msg.Ref, Topic: msg.Topic, Status: wire.StatusError, Payload: refusal})
}

// admit puts m into the table of members, in place of old where there is one on its topic, or returns why it may not be
// there.
func (c *Conn) admit(m *Membership) (old *Membership, refusal []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draining {
		return nil, closedError
	}
	old = c.members.get(m.topic)
	limit := c.srv.limits.Channels
	if old == nil && c.members.len() >= limit || int(c.alive) >= 2*limit { // replaced handlers may take their time to end
		return nil, tooManyChannels
	}
	c.alive++
	c.members.put(m)
	return old, nil
}

// ended counts out a membership that nothing of runs any more.
func (c *Conn) ended() {
	c.mu.Lock()
	c.alive--
	c.mu.Unlock()
	c.work.Done()
}

// dismiss takes m out of the table of members, if it is still there, and sends its last frame, if there is one: in
// one step, so that whoever has seen that frame finds the topic not joined.
func (c *Conn) dismiss(m *Membership, last *wire.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members.remove(m)
	if last != nil {
		c.reply(last)
	}
	if c.draining && c.members.len() == 0 {
		c.Close(closeRestart, c.retryAfter())
	}
}
