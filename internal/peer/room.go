package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/chgen/chgen/internal/peer/contract"
	"github.com/chgen/chgen/runtime/channel"
)

// handleRoom serves the room channel at its two routes.
func handleRoom(server *channel.Server) {
	contract.HandleRoom(server, rooms{server})
	contract.HandleExact(server, exact{server})
	extendRoom[contract.RoomHandler](server, "Room")
	extendRoom[contract.ExactHandler](server, "Exact")
}

type (
	rooms struct{ server *channel.Server }
	exact struct{ server *channel.Server }
)

// Join implements contract.RoomChannel.
func (r rooms) Join(ctx context.Context, s *contract.RoomSocket, in contract.RoomParams) (contract.RoomHandler, contract.RoomJoined, error) {
	m := &member{
		server: r.server, socket: s.Socket, topic: "room:" + s.Topic().Rest, user: userOf(ctx),
		push: s.Push(), broadcast: s.Broadcast(), others: s.BroadcastFrom(),
	}
	joined, err := m.join(ctx, in)
	return m, joined, err
}

// Join implements contract.ExactChannel.
func (e exact) Join(ctx context.Context, s *contract.ExactSocket, in contract.RoomParams) (contract.ExactHandler, contract.RoomJoined, error) {
	m := &member{
		server: e.server, socket: s.Socket, topic: "exact", user: userOf(ctx),
		push: s.Push(), broadcast: s.Broadcast(), others: s.BroadcastFrom(),
	}
	joined, err := m.join(ctx, in)
	return m, joined, err
}

// sender is what the senders of both channels have.
type sender interface {
	Welcome(ctx context.Context, payload contract.Welcome) error
	Shouted(ctx context.Context, payload json.RawMessage) error
	Tagged(ctx context.Context, payload json.RawMessage) error
	Pushed(ctx context.Context, payload json.RawMessage) error
	Binpushed(ctx context.Context, payload []byte) error
	Binshouted(ctx context.Context, payload []byte) error
}

// member is one client in a room.
type member struct {
	server *channel.Server
	socket channel.Socket
	topic  string
	user   string

	push, broadcast, others sender
}

func (m *member) join(ctx context.Context, in contract.RoomParams) (contract.RoomJoined, error) {
	switch m.topic {
	case "room:forbidden":
		return contract.RoomJoined{}, contract.ErrUnauthorized
	case "room:crash":
		panic("room:crash crashes")
	case "room:plain":
		return contract.RoomJoined{}, nil
	case "room:slowjoin":
		if delay, ok := milliseconds(in.Ms); ok {
			return contract.RoomJoined{}, pause(ctx, delay)
		}
	}
	if string(in.AfterJoin) == "true" {
		if err := m.push.Welcome(ctx, contract.Welcome{Topic: m.topic}); err != nil {
			return contract.RoomJoined{}, err
		}
	}
	return contract.RoomJoined{Joined: &m.topic}, nil
}

// milliseconds reads a JSON number; anything else is none.
func milliseconds(data json.RawMessage) (d time.Duration, ok bool) {
	var ms *float64
	if json.Unmarshal(data, &ms) != nil || ms == nil {
		return 0, false
	}
	return time.Duration(*ms * float64(time.Millisecond)), true
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// object panics where a payload that is to be broadcast or pushed is no object, as Phoenix does.
func object(payload json.RawMessage) json.RawMessage {
	if payload[0] != '{' {
		panic("not an object: " + string(payload))
	}
	return payload
}

func (m *member) OkOnly(context.Context) error { return nil }

func (m *member) Fail(context.Context) error { return contract.ErrNope }

// CustomStatus replies ok where Phoenix replies with a status of its own: a chgen server knows ok and error.
func (m *member) CustomStatus(context.Context) (contract.Custom, error) {
	return contract.Custom{A: 1}, nil
}

func (m *member) Shout(ctx context.Context, in json.RawMessage) error {
	return m.broadcast.Shouted(ctx, object(in))
}

func (m *member) Others(ctx context.Context, in json.RawMessage) error {
	return m.others.Shouted(ctx, object(in))
}

func (m *member) Tag(ctx context.Context, in json.RawMessage) error {
	return m.broadcast.Tagged(ctx, object(in))
}

// InterceptTagged adds whom it is for.
func (m *member) InterceptTagged(_ context.Context, payload *json.RawMessage) (send bool, err error) {
	*payload, err = with(*payload, "for", m.user)
	return true, err
}

// with returns an object with one member more.
func with(object json.RawMessage, name string, value any) (json.RawMessage, error) {
	members := map[string]any{}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(object, &raw); err != nil {
		return nil, err
	}
	for name, value := range raw {
		members[name] = value
	}
	members[name] = value
	return json.Marshal(members)
}

func (m *member) PushMe(ctx context.Context, in json.RawMessage) error {
	return m.push.Pushed(ctx, object(in))
}

// DoubleReply replies once: the second reply cannot be said (D3).
func (m *member) DoubleReply(context.Context) (contract.Count, error) {
	return contract.Count{N: 1}, nil
}

func (m *member) BinPush(ctx context.Context) error { return m.push.Binpushed(ctx, []byte{1, 2, 3}) }

func (m *member) BinShout(ctx context.Context) error {
	return m.broadcast.Binshouted(ctx, []byte{9, 8, 7})
}

func (m *member) Boom(context.Context) error { panic("boom") }

func (m *member) Noreply(context.Context) error { return nil }

func (m *member) Stop(context.Context) error {
	m.socket.Close()
	return nil
}

func (m *member) StopReply(context.Context) (contract.Bye, error) {
	m.socket.Close()
	return contract.Bye{Bye: true}, nil
}

func (m *member) StopAbnormal(context.Context) error { panic("stopped for no normal reason") }

func (m *member) BadReturn(context.Context) error { panic("returned what a handler may not return") }

func (m *member) DisconnectMe(ctx context.Context) error {
	if m.socket.ID() == "" {
		return nil
	}
	return m.server.Disconnect(ctx, m.socket.ID())
}
