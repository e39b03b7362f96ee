package client

import (
	"fmt"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/wire"
)

// rejoin is what a join that is not the first has brought.
type rejoin struct {
	reply     Payload
	recovered bool
}

// Rejoined is what OnRejoin of a generated client tells.
type Rejoined[T any] struct {
	// Reply is the reply to the join.
	Reply T

	// Recovered says that whatever was missed follows now, in order. Without it events may be missing: start over
	// from the reply.
	Recovered bool
}

// On calls handle for each event of that name, in order, while the channel is joined. Its error says that the payload
// is not what handle can read, and is logged. Events that come while nobody listens are dropped: listen before Join.
// It returns what ends that.
func (ch *Channel) On(event string, handle func(Payload) error) (stop func()) {
	ch.c.mu.Lock()
	defer ch.c.mu.Unlock()
	if ch.events[event] == nil {
		ch.events[event] = new(listeners[Payload])
	}
	return ch.events[event].add(&ch.c.mu, func(p Payload) { ch.report(event, handle(p)) })
}

// OnRejoin calls handle after each join that is not the first, before any event that follows it. It returns what ends
// that.
func (ch *Channel) OnRejoin(handle func(reply Payload, recovered bool) error) (stop func()) {
	ch.c.mu.Lock()
	defer ch.c.mu.Unlock()
	return ch.rejoins.add(&ch.c.mu, func(r rejoin) { ch.report(wire.EventJoin, handle(r.reply, r.recovered)) })
}

func (ch *Channel) report(event string, err error) {
	if err != nil {
		ch.c.cfg.log.Error("client: a payload is not what the schema says", "topic", ch.topic, "event", event, "err", err)
	}
}

// receive takes a frame for this topic. It is called by the reader with mu held.
func (ch *Channel) receive(m *wire.Message) {
	member := ch.member
	if member == nil || m.JoinRef != nil && m.JoinRef.Text() != member.ref {
		return // of an earlier join; broadcasts have no join_ref
	}
	switch m.Event {
	case wire.EventReply:
		ch.receiveReply(member, m)
	case wire.EventClose:
		ch.end(ErrEnded)
	case wire.EventError:
		ch.lost(ErrDisconnected)
	default:
		if ch.state == Joined {
			ch.receiveEvent(member, m)
		}
	}
}

// answerOf reads a reply.
func answerOf(m *wire.Message) answer {
	var a answer
	if m.Status != "" { // a binary frame
		a.Status, a.payload = m.Status, Payload{data: m.Payload, binary: true}
	} else {
		if err := codec.Unmarshal(m.Payload, &a.Response); err != nil {
			a.err = err
		}
		a.payload = Payload{data: a.Payload}
	}
	if a.err == nil && a.Status != wire.StatusOK {
		a.err = replyError(a.Status, a.payload.data, a.payload.binary)
	}
	return a
}

func (ch *Channel) receiveReply(member *membership, m *wire.Message) {
	a := answerOf(m)
	ref := m.Ref.Text()
	if ref == member.ref {
		if !member.answered && ch.state == Joining {
			ch.receiveJoined(member, a)
		}
		return
	}
	if answered := member.calls[ref]; answered != nil {
		delete(member.calls, ref)
		answered <- a
	}
}

// receiveJoined takes the answer to the join. What comes after it finds the channel joined.
func (ch *Channel) receiveJoined(member *membership, a answer) {
	member.answered = true
	if a.err == nil {
		if !a.Recovered || ch.position == "" { // else what was missed moves it, as it comes
			ch.position = a.Position
		}
		ch.set(Joined, nil)
		if ch.first != nil {
			ch.first <- a
			ch.first = nil
		} else {
			r := rejoin{a.payload, a.Recovered}
			ch.notices.add(task{run: func() { ch.rejoins.call(&ch.c.mu, r) }, event: true})
		}
	}
	member.answer <- a
}

const (
	eventPresenceState = "presence_state"
	eventPresenceDiff  = "presence_diff"
	eventPresenceCount = "chgen_presence_count"
)

func (ch *Channel) receiveEvent(member *membership, m *wire.Message) {
	run := ch.callback(member, m)
	if run != nil && ch.notices.events >= ch.c.cfg.events {
		member.session.trySend(leaveFrame(member.ref, ch.c.ref(), ch.topic))
		ch.lost(fmt.Errorf("%w: %w", ErrDisconnected, ErrOverrun))
		return
	}
	if m.Ref != nil {
		ch.position = m.Ref.Text()
	}
	if run != nil {
		ch.notices.add(task{run: run, event: true})
	}
}

// callback is what is to be done about an event, nil where nobody wants to know.
func (ch *Channel) callback(member *membership, m *wire.Message) func() {
	payload := Payload{m.Payload, m.Binary}
	if m.Event == eventPresenceState || m.Event == eventPresenceDiff || m.Event == eventPresenceCount {
		if ch.presence == nil {
			return nil
		}
		return func() { ch.report(m.Event, ch.presence.receive(member.ref, m.Event, payload)) }
	}
	listeners := ch.events[m.Event]
	if listeners == nil || len(listeners.all) == 0 {
		return nil
	}
	return func() { listeners.call(&ch.c.mu, payload) }
}
