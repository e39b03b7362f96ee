package channel_test

// This file is what a generator writes for a schema that has one of everything. It is written by hand so that the
// runtime is tested without the generator.

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/gen"
)

const _ = gen.SupportsGenerated1

// Text is an object with one string of at most 16 characters.
type Text struct{ Body string }

func (v *Text) AppendJSON(dst []byte) ([]byte, error) {
	e := codec.NewEncoder(dst)
	e.Object()
	e.Name("body")
	e.Check(codec.Length(v.Body, 0, 16))
	e.String(v.Body)
	e.EndObject()
	return e.Done()
}

func (v *Text) DecodeJSON(d *codec.Decoder) error {
	o := d.Object()
	for o.Next(d) {
		switch string(o.Name()) {
		case "body":
			o.Once(d, 0)
			v.Body = d.String()
			d.Check(codec.Length(v.Body, 0, 16))
		default:
			o.Skip(d)
		}
	}
	o.Require(d, 0, "body")
	return d.Err()
}

// RoomJoin is the join params: a note, which may be absent.
type RoomJoin struct{ Note string }

func (v *RoomJoin) DecodeJSON(d *codec.Decoder) error {
	o := d.Object()
	for o.Next(d) {
		switch string(o.Name()) {
		case "note":
			o.Once(d, 0)
			v.Note = d.String()
		default:
			o.Skip(d)
		}
	}
	return d.Err()
}

var ErrNotAMember = channel.NewError("not_a_member", "You are not a member.")

// SlowDownError has a field.
type SlowDownError struct{ RetryAfterMs int64 }

func (e *SlowDownError) Error() string { return "slow_down: Too many messages." }
func (e *SlowDownError) Code() string  { return "slow_down" }
func (e *SlowDownError) AppendJSON(dst []byte) ([]byte, error) {
	enc := codec.NewEncoder(dst)
	enc.Object()
	enc.Name("reason")
	enc.String("slow_down")
	enc.Name("message")
	enc.String("Too many messages.")
	enc.Name("retry_after_ms")
	enc.Int(e.RetryAfterMs)
	enc.EndObject()
	return enc.Done()
}

type ConnectParams struct{ Name string }

func OnConnect(server *channel.Server, connect func(ctx context.Context, r *http.Request, params ConnectParams) (context.Context, error)) {
	gen.OnConnect(server, func(ctx context.Context, r *http.Request, q *gen.ConnectQuery) (context.Context, error) {
		var params ConnectParams
		var ok bool
		if params.Name, ok = q.Get("name"); !ok {
			return nil, &codec.Error{Path: "/name", Message: "is required"}
		}
		if len(q.Names()) != 1 {
			return nil, &codec.Error{Message: "has parameters that nobody knows"}
		}
		return connect(ctx, r, params)
	})
}

var chgenRoom = gen.Channel{Name: "Room", Topic: "room:{room_id}", Presence: true}

type RoomTopic struct{ RoomID string }

type RoomChannel interface {
	Join(ctx context.Context, socket *RoomSocket, in RoomJoin) (RoomHandler, Text, error)
}

type RoomHandler interface {
	Say(ctx context.Context, in Text) (Text, error)
	Ping(ctx context.Context) error
	Echo(ctx context.Context, in json.RawMessage) (json.RawMessage, error)
	Bin(ctx context.Context, in []byte) ([]byte, error)
	Search(ctx context.Context, in Text) (func(context.Context) (Text, error), error)
	Fresh(ctx context.Context) error
	InterceptTagged(ctx context.Context, payload *Text) (send bool, err error)
}

type UnimplementedRoomHandler struct{}

func (UnimplementedRoomHandler) Say(context.Context, Text) (Text, error) {
	return Text{}, gen.ErrUnknownEvent
}
func (UnimplementedRoomHandler) Ping(context.Context) error { return gen.ErrUnknownEvent }
func (UnimplementedRoomHandler) Echo(context.Context, json.RawMessage) (json.RawMessage, error) {
	return nil, gen.ErrUnknownEvent
}
func (UnimplementedRoomHandler) Bin(context.Context, []byte) ([]byte, error) {
	return nil, gen.ErrUnknownEvent
}
func (UnimplementedRoomHandler) Search(context.Context, Text) (func(context.Context) (Text, error), error) {
	return nil, gen.ErrUnknownEvent
}
func (UnimplementedRoomHandler) Fresh(context.Context) error { return gen.ErrUnknownEvent }
func (UnimplementedRoomHandler) InterceptTagged(context.Context, *Text) (bool, error) {
	return true, nil
}

type RoomSocket struct {
	channel.Socket
	m     *gen.Membership
	topic RoomTopic
}

func (s *RoomSocket) Topic() RoomTopic          { return s.topic }
func (s *RoomSocket) Push() RoomSender          { return RoomSender{s.m.Push()} }
func (s *RoomSocket) Broadcast() RoomSender     { return RoomSender{s.m.Broadcast()} }
func (s *RoomSocket) BroadcastFrom() RoomSender { return RoomSender{s.m.BroadcastFrom()} }
func (s *RoomSocket) Presence() RoomPresences   { return RoomPresences{s.m} }

type RoomSender struct{ s gen.Sender }

func (r RoomSender) Said(ctx context.Context, payload Text) error {
	return r.s.Send(ctx, gen.Event{Name: "said"}, &payload)
}
func (r RoomSender) Moved(ctx context.Context, payload Text) error {
	return r.s.Send(ctx, gen.Event{Name: "moved", Delivery: gen.Volatile}, &payload)
}
func (r RoomSender) Status(ctx context.Context, payload Text) error {
	return r.s.Send(ctx, gen.Event{Name: "status", Delivery: gen.Latest, Key: payload.Body[:1]}, &payload)
}
func (r RoomSender) Tagged(ctx context.Context, payload Text) error {
	return r.s.Send(ctx, gen.Event{Name: "tagged"}, &payload)
}
func (r RoomSender) Raw(ctx context.Context, payload json.RawMessage) error {
	return r.s.SendJSON(ctx, gen.Event{Name: "raw"}, payload)
}
func (r RoomSender) Blob(ctx context.Context, payload []byte) error {
	return r.s.SendBytes(ctx, gen.Event{Name: "blob"}, payload)
}
func (r RoomSender) Cleared(ctx context.Context) error {
	return r.s.SendEmpty(ctx, gen.Event{Name: "cleared"})
}

type RoomPresences struct{ m *gen.Membership }

func (p RoomPresences) Track(ctx context.Context, key string, meta Text) error {
	return p.m.Track(ctx, key, &meta)
}
func (p RoomPresences) Update(ctx context.Context, key string, meta Text) error {
	return p.m.Update(ctx, key, &meta)
}
func (p RoomPresences) Untrack(ctx context.Context, key string) error { return p.m.Untrack(ctx, key) }
func (p RoomPresences) List(ctx context.Context) (map[string][]Text, error) {
	all, err := p.m.Presences(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string][]Text, len(all))
	for key, metas := range all {
		for _, data := range metas {
			var meta Text
			if err := codec.Unmarshal(data, &meta); err != nil {
				return nil, err
			}
			out[key] = append(out[key], meta)
		}
	}
	return out, nil
}

func HandleRoom(server *channel.Server, c RoomChannel, opts ...channel.HandleOption) {
	handleRoom(server, &chgenRoom, c, opts...)
}

func ListRoomPresences(ctx context.Context, server *channel.Server, topic RoomTopic) (map[string][]Text, error) {
	return gen.Presences(ctx, server, (*Text).DecodeJSON, &chgenRoom, topic.RoomID)
}

func CountRoomPresences(server *channel.Server, topic RoomTopic) (int, error) {
	return gen.CountPresences(server, &chgenRoom, topic.RoomID)
}

func FetchRoomPresences(fetch func(ctx context.Context, topic RoomTopic, who map[string][]Text) error) channel.HandleOption {
	return gen.FetchPresences((*Text).DecodeJSON, func(v *Text) codec.Marshaler {
		return v
	}, func(ctx context.Context, m gen.TopicParams, who map[string][]Text) error {
		return fetch(ctx, RoomTopic{RoomID: m.Param(0)}, who)
	})
}

func BroadcastRoom(server *channel.Server, topic RoomTopic) RoomSender {
	return RoomSender{gen.Broadcast(server, &chgenRoom, topic.RoomID)}
}

func handleRoom(server *channel.Server, spec *gen.Channel, c RoomChannel, opts ...channel.HandleOption) {
	gen.Handle(server, spec, roomHandlers(c), opts...)
}

func roomHandlers(c RoomChannel) gen.Handlers[RoomHandler] {
	return gen.Handlers[RoomHandler]{
		JoinErrors: []string{"not_a_member"},
		Join: func(ctx context.Context, m *gen.Membership, call *gen.Call) (RoomHandler, error) {
			var in RoomJoin
			if err := call.Decoded(in.DecodeJSON(call.Decoder())); err != nil {
				return nil, err
			}
			socket := &RoomSocket{Socket: gen.Socket(m), m: m, topic: RoomTopic{RoomID: m.Param(0)}}
			handler, out, err := c.Join(ctx, socket, in)
			if err != nil {
				return nil, err
			}
			return handler, call.Replied(out.AppendJSON(call.Scratch()))
		},
		Events: []gen.Handler[RoomHandler]{
			{
				Event:  "say",
				Errors: []string{"slow_down"},
				Handle: func(ctx context.Context, h RoomHandler, call *gen.Call) error {
					var in Text
					if err := call.Decoded(in.DecodeJSON(call.Decoder())); err != nil {
						return err
					}
					out, err := h.Say(ctx, in)
					if err != nil {
						return err
					}
					return call.Replied(out.AppendJSON(call.Scratch()))
				},
			},
			{
				Event: "ping",
				Handle: func(ctx context.Context, h RoomHandler, call *gen.Call) error {
					if err := call.Empty(); err != nil {
						return err
					}
					return h.Ping(ctx)
				},
			},
			{
				Event: "echo",
				Handle: func(ctx context.Context, h RoomHandler, call *gen.Call) error {
					in, err := call.JSON()
					if err != nil {
						return err
					}
					out, err := h.Echo(ctx, in)
					if err != nil {
						return err
					}
					return call.ReplyJSON(out)
				},
			},
			{
				Event: "bin",
				Handle: func(ctx context.Context, h RoomHandler, call *gen.Call) error {
					in, err := call.Bytes()
					if err != nil {
						return err
					}
					out, err := h.Bin(ctx, in)
					if err != nil {
						return err
					}
					return call.ReplyBytes(out)
				},
			},
			{
				Event:  "search",
				Errors: []string{"slow_down"},
				Concurrent: func(ctx context.Context, h RoomHandler, call *gen.Call) (func(context.Context) error, error) {
					var in Text
					if err := call.Decoded(in.DecodeJSON(call.Decoder())); err != nil {
						return nil, err
					}
					work, err := h.Search(ctx, in)
					if err != nil || work == nil {
						return nil, err
					}
					return func(ctx context.Context) error {
						out, err := work(ctx)
						if err != nil {
							return err
						}
						return call.Replied(out.AppendJSON(call.Scratch()))
					}, nil
				},
			},
			{
				Event: "fresh",
				Handle: func(ctx context.Context, h RoomHandler, call *gen.Call) error {
					if err := call.Empty(); err != nil {
						return err
					}
					return h.Fresh(ctx)
				},
			},
		},
		Intercepts: []gen.Intercept[RoomHandler]{
			{
				Event: "tagged",
				Handle: func(ctx context.Context, h RoomHandler, call *gen.Call) (bool, error) {
					var payload Text
					if err := call.Decoded(payload.DecodeJSON(call.Decoder())); err != nil {
						return false, err
					}
					send, err := h.InterceptTagged(ctx, &payload)
					if err != nil || !send {
						return false, err
					}
					return true, call.Replied(payload.AppendJSON(call.Scratch()))
				},
			},
		},
	}
}
