package channel_test

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/coder/websocket"

	"github.com/chgen/chgen/runtime/channel"
)

func asCloseError(err error, target *websocket.CloseError) bool { return errors.As(err, target) }

// room is a RoomChannel made of functions; those that are nil do next to nothing.
type room struct {
	join func(ctx context.Context, m *member, in RoomJoin) error

	say       func(ctx context.Context, m *member, in Text) (Text, error)
	ping      func(ctx context.Context, m *member) error
	echo      func(ctx context.Context, m *member, in json.RawMessage) (json.RawMessage, error)
	search    func(ctx context.Context, m *member, in Text) (func(context.Context) (Text, error), error)
	intercept func(ctx context.Context, m *member, payload *Text) (bool, error)
	joined    func(ctx context.Context, m *member) error
	leave     func(ctx context.Context, m *member, reason channel.Reason)
}

// member is its handler.
type member struct {
	UnimplementedRoomHandler
	*room
	socket *RoomSocket
}

func (r *room) Join(ctx context.Context, socket *RoomSocket, in RoomJoin) (RoomHandler, Text, error) {
	m := &member{room: r, socket: socket}
	if r.join != nil {
		if err := r.join(ctx, m, in); err != nil {
			return nil, Text{}, err
		}
	}
	return m, Text{Body: in.Note}, nil
}

func (m *member) Say(ctx context.Context, in Text) (Text, error) {
	if m.say == nil {
		return in, nil
	}
	return m.say(ctx, m, in)
}

func (m *member) Ping(ctx context.Context) error {
	if m.ping == nil {
		return nil
	}
	return m.ping(ctx, m)
}

func (m *member) Echo(ctx context.Context, in json.RawMessage) (json.RawMessage, error) {
	if m.echo == nil {
		return in, nil
	}
	return m.echo(ctx, m, in)
}

func (m *member) Bin(_ context.Context, in []byte) ([]byte, error) { return in, nil }

func (m *member) Search(ctx context.Context, in Text) (func(context.Context) (Text, error), error) {
	return m.search(ctx, m, in)
}

func (m *member) InterceptTagged(ctx context.Context, payload *Text) (bool, error) {
	if m.intercept == nil {
		return true, nil
	}
	return m.intercept(ctx, m, payload)
}

func (m *member) Joined(ctx context.Context) error {
	if m.joined == nil {
		return nil
	}
	return m.joined(ctx, m)
}

func (m *member) Leave(ctx context.Context, reason channel.Reason) {
	if m.leave != nil {
		m.leave(ctx, m, reason)
	}
}
