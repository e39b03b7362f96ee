package main

import (
	"context"
	"time"

	"github.com/chgen/chgen/internal/peer/contract"
	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/gen"
)

// extendRoom adds the events of the room channel that the schema cannot say: their replies are any JSON value, or
// bytes, and drain_me is no business of an application's.
func extendRoom[H any](server *channel.Server, name string) {
	gen.Extend(server, name,
		raw[H]("echo", func(_ context.Context, _ *member, call *gen.Call) error {
			if payload, err := call.Bytes(); err == nil {
				return call.ReplyBytes(payload)
			}
			payload, err := call.JSON()
			if err != nil {
				return err
			}
			return call.ReplyJSON(payload)
		}),
		raw[H]("shout_reply", func(ctx context.Context, m *member, call *gen.Call) error {
			payload, err := call.JSON()
			if err != nil {
				return err
			}
			if err := m.broadcast.Shouted(ctx, object(payload)); err != nil {
				return err
			}
			return call.ReplyJSON(payload)
		}),
		raw[H]("bin", func(_ context.Context, _ *member, call *gen.Call) error {
			payload, err := call.Bytes()
			if err != nil {
				return err
			}
			return call.ReplyBytes(payload)
		}),
		raw[H]("drain_me", func(_ context.Context, _ *member, call *gen.Call) error {
			call.Membership().Drain()
			return nil
		}),
		gen.Handler[H]{Event: "async", Concurrent: func(_ context.Context, _ H, call *gen.Call) (func(context.Context) error, error) {
			return async(call)
		}},
	)
}

// raw is an event of the room channel that handles the call itself.
func raw[H any](event string, handle func(ctx context.Context, m *member, call *gen.Call) error) gen.Handler[H] {
	return gen.Handler[H]{Event: event, Handle: func(ctx context.Context, h H, call *gen.Call) error {
		return handle(ctx, any(h).(*member), call)
	}}
}

// async replies later with the payload and "async": true.
func async(call *gen.Call) (func(context.Context) error, error) {
	payload, err := call.JSON()
	if err != nil {
		return nil, err
	}
	var in contract.Async
	if err := call.Decode(&in); err != nil {
		return nil, err
	}
	reply, err := with(payload, "async", true)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if err := pause(ctx, time.Duration(in.Ms*float64(time.Millisecond))); err != nil {
			return err
		}
		return call.ReplyJSON(reply)
	}, nil
}
