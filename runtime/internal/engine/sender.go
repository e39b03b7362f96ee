package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/wire"
)

// OutEvent is a server event on its way out.
type OutEvent struct {
	Name     string
	Delivery Delivery
	Key      string // of Latest: the newest for each key is kept
}

// Sender sends server events to one audience: one client, everybody on a topic, or all of them but one client.
type Sender struct {
	srv   *Server
	m     *Membership // of a push the client; of a broadcast whoever sends it, nil from anywhere
	push  bool
	topic string
	name  string // of the channel
	from  string // whose connections are left out

	history pubsub.History
	err     error // why there is no such audience
}

// Push is the audience of this client alone.
func (m *Membership) Push() Sender {
	return Sender{srv: m.conn.srv, m: m, push: true, topic: m.topic, name: m.channel.Name}
}

// Broadcast is the audience of everybody on the topic.
func (m *Membership) Broadcast() Sender {
	return Sender{srv: m.conn.srv, m: m, topic: m.topic, name: m.channel.Name, history: m.channel.history()}
}

// BroadcastFrom is the audience of everybody on the topic but this client.
func (m *Membership) BroadcastFrom() Sender {
	s := m.Broadcast()
	s.from = m.conn.name()
	return s
}

// Broadcast is the audience of everybody on the topic of c with these parameters.
func (s *Server) Broadcast(c *Spec, params ...string) Sender {
	topic, err := s.router.topic(c, params)
	return Sender{srv: s, topic: topic, name: c.Name, history: c.history(), err: err}
}

// Send sends an event with a payload. See channel's documentation of what the audiences promise.
func (s Sender) Send(ctx context.Context, event OutEvent, payload codec.Marshaler) error {
	return s.send(ctx, event, false, payload.AppendJSON)
}

// SendEmpty sends an event without a payload.
func (s Sender) SendEmpty(ctx context.Context, event OutEvent) error {
	return s.send(ctx, event, false, func(dst []byte) ([]byte, error) { return append(dst, emptyObject...), nil })
}

// SendJSON sends an event whose payload is any JSON value. nil is null.
func (s Sender) SendJSON(ctx context.Context, event OutEvent, payload json.RawMessage) error {
	if payload == nil {
		payload = json.RawMessage("null")
	}
	return s.send(ctx, event, false, func(dst []byte) ([]byte, error) {
		return append(dst, payload...), codec.Valid(payload)
	})
}

// SendBytes sends an event whose payload is bytes.
func (s Sender) SendBytes(ctx context.Context, event OutEvent, payload []byte) error {
	return s.send(ctx, event, true, func(dst []byte) ([]byte, error) { return append(dst, payload...), nil })
}

var payloads = sync.Pool{New: func() any {
	b := make([]byte, 0, 1024)
	return &b
}}

func (s Sender) send(ctx context.Context, event OutEvent, binary bool, encode func([]byte) ([]byte, error)) error {
	if s.err != nil {
		return s.err
	}
	p := publication{event: event.Name, delivery: event.Delivery, key: event.Key, from: s.from, binary: binary}
	if s.push {
		return s.sendPush(&p, encode)
	}
	data, err := encode(p.appendHead(make([]byte, 0, 512)))
	if err != nil {
		return fmt.Errorf("event %s: %w", event.Name, err)
	}
	history := s.history
	if event.Delivery != Stream || binary { // a binary frame has no place for a position
		history = pubsub.History{}
	}
	publish := func(ctx context.Context) error {
		ctx, end := s.srv.observeBroadcast(ctx, s.name, event.Name, s.topic, len(data))
		err := s.srv.bus.Publish(ctx, pubsub.Publication{Topic: s.topic, Data: data, History: history})
		if end != nil {
			end(err)
		}
		return err
	}
	if s.m == nil {
		return publish(ctx)
	}
	deferred, err := s.m.afterReply(func() {
		ctx := withValuesOf{&s.m.life, ctx} // Join's own has ended by then
		if err := publish(ctx); err != nil && !s.m.gone() {
			s.m.log().ErrorContext(ctx, "broadcast failed", s.m.attrs("event", event.Name, "err", err)...)
		}
	})
	if deferred {
		return nil
	}
	if err != nil && s.m.refused() {
		return err
	}
	return publish(ctx) // also when the membership has ended: Leave may say good-bye
}

// withValuesOf is a context with the values of another.
type withValuesOf struct {
	context.Context
	values context.Context
}

func (c withValuesOf) Value(key any) any { return c.values.Value(key) }

// sendPush sends p to the membership's client.
func (s Sender) sendPush(p *publication, encode func([]byte) ([]byte, error)) error {
	scratch := payloads.Get().(*[]byte)
	defer payloads.Put(scratch)
	payload, err := encode((*scratch)[:0])
	if err != nil {
		return fmt.Errorf("event %s: %w", p.event, err)
	}
	if cap(payload) <= maxScratch {
		*scratch = payload[:0]
	}
	frame, key, err := s.m.pushMessage(p, nil, payload, p.binary)
	if err != nil {
		return err
	}
	deferred, err := s.m.afterReply(func() { s.m.conn.out.put(frame, p.delivery, key) })
	if deferred || err != nil {
		return err
	}
	if !s.m.conn.out.put(frame, p.delivery, key) {
		return ErrClosed
	}
	return nil
}

// pushMessage encodes p as a push of the membership: with its join_ref and, if it has one, its position for a ref.
func (m *Membership) pushMessage(p *publication, position wire.Ref, payload []byte, binary bool) (frame []byte, key string, err error) {
	frame, err = encodeFrame(m.conn.ser, &wire.Message{
		JoinRef: m.joinRef, Ref: position, Topic: m.topic, Event: p.event, Payload: payload, Binary: binary,
	})
	return frame, p.queueKey(m.topic), err
}

// pushFrame pushes what an intercept has made of r.
func (m *Membership) pushFrame(r *record, payload []byte, binary bool) {
	if payload == nil && !binary {
		payload = emptyObject
	}
	frame, key, err := m.pushMessage(&r.publication, m.position(r), payload, binary)
	if err != nil {
		m.crash("Intercept", err)
		return
	}
	m.conn.out.put(frame, r.delivery, key)
}

// queueKey is what tells Latest frames apart in a queue.
func (p *publication) queueKey(topic string) string {
	if p.delivery != Latest {
		return ""
	}
	return topic + "\x00" + p.event + "\x00" + p.key
}
