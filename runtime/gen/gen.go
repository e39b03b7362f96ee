// Package gen is what generated code calls and people do not: it promises nothing but its version constants.
//
// It gives the engine, which knows no schema, functions over generated types: Handle hides the handler's type from it,
// everything else is the engine's own under another name.
package gen

import (
	"context"
	"net/http"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/internal/engine"
)

// SupportsGenerated1 is named by every file of the first generation: such a file does not compile with a runtime that
// is too old for it, nor with one that has given that generation up.
const SupportsGenerated1 = true

// ErrUnknownEvent answers a push with the system error unknown_event.
var ErrUnknownEvent = engine.ErrUnknownEvent

type (
	// Channel is what a schema says of a channel: Name, Topic (the pattern), History, Presence.
	Channel = engine.Spec

	// History is a channel's recovery log: Size (publications) and TTL. The zero value is none.
	History = engine.History

	// Call is one message on its way through a handler. Decode, JSON, Bytes and Empty read its payload, and so do Decoder
	// and Decoded around a value's own DecodeJSON; their errors are to be handed back as they are. Reply, ReplyJSON and
	// ReplyBytes set the response, and so do Scratch and Replied around its own AppendJSON; it is {} without them.
	// Membership is whose message it is.
	Call = engine.Call

	// Membership is one client on one topic. Param and IntParam are the topic's parameters; Push, Broadcast and
	// BroadcastFrom its audiences; Track, Update, Untrack, Presences and PresenceState its presence; Drain ends its
	// connection as a shutdown does.
	Membership = engine.Membership

	// Sender sends server events to one audience: Send, SendEmpty, SendJSON, SendBytes.
	Sender = engine.Sender

	// Event is a server event on its way out: Name, Delivery, and of Latest the Key.
	Event = engine.OutEvent

	// Delivery says what may happen to an event that waits in a queue.
	Delivery = engine.Delivery

	// ConnectQuery is the query of the request that opens a socket: Get, Names.
	ConnectQuery = engine.ConnectQuery
)

// The deliveries.
const (
	Stream   = engine.Stream
	Latest   = engine.Latest
	Volatile = engine.Volatile
)

// Handlers is how generated code serves a channel; H is the handler interface.
type Handlers[H any] struct {
	JoinErrors []string // the codes of the errors that Join may return
	Join       func(ctx context.Context, m *Membership, call *Call) (H, error)
	Events     []Handler[H]
	Intercepts []Intercept[H]
}

// Handler serves one client event; either Handle or Concurrent is set.
type Handler[H any] struct {
	Event      string
	Errors     []string // the codes of the errors that it may return
	Handle     func(ctx context.Context, h H, call *Call) error
	Concurrent func(ctx context.Context, h H, call *Call) (work func(context.Context) error, err error)
}

// Intercept sees one server event before it goes to one client: what it sets as the reply is what is sent.
type Intercept[H any] struct {
	Event  string
	Handle func(ctx context.Context, h H, call *Call) (send bool, err error)
}

// Handle serves the topics of c. It panics where another channel of the server claims the same topics.
func Handle[H any](server *channel.Server, c *Channel, handlers Handlers[H], opts ...channel.HandleOption) {
	served := &engine.Channel{
		Spec:       c,
		JoinErrors: handlers.JoinErrors,
		Join: func(ctx context.Context, m *Membership, call *Call) (any, error) {
			h, err := handlers.Join(ctx, m, call)
			return h, err
		},
		Events:     make(map[string]*engine.Event, len(handlers.Events)),
		Intercepts: make(map[string]*engine.Intercept, len(handlers.Intercepts)),
	}
	for _, e := range handlers.Events {
		served.Events[e.Event] = eventOf(e)
	}
	for _, i := range handlers.Intercepts {
		served.Intercepts[i.Event] = &engine.Intercept{Handle: func(ctx context.Context, h any, call *Call) (bool, error) {
			return i.Handle(ctx, h.(H), call)
		}}
	}
	for _, opt := range opts {
		opt(served)
	}
	server.Engine().Handle(served)
}

// Extend adds events to a channel that Handle serves already, for what a schema cannot say: a reply that is any JSON
// value or bytes. It panics where no channel has this name.
func Extend[H any](server *channel.Server, name string, events ...Handler[H]) {
	added := make(map[string]*engine.Event, len(events))
	for _, e := range events {
		added[e.Event] = eventOf(e)
	}
	server.Engine().Extend(name, added)
}

func eventOf[H any](e Handler[H]) *engine.Event {
	event := &engine.Event{Errors: e.Errors}
	if e.Concurrent != nil {
		event.Concurrent = func(ctx context.Context, h any, call *Call) (func(context.Context) error, error) {
			return e.Concurrent(ctx, h.(H), call)
		}
		return event
	}
	event.Handle = func(ctx context.Context, h any, call *Call) error {
		return e.Handle(ctx, h.(H), call)
	}
	return event
}

// Socket returns the part of m that handlers see.
func Socket(m *Membership) channel.Socket { return channel.NewSocket(m) }

// Broadcast is the audience of everyone on the topic of c with these parameters, from anywhere. Parameters that make
// no topic are an error of the send.
func Broadcast(server *channel.Server, c *Channel, params ...string) Sender {
	return server.Engine().Broadcast(c, params...)
}

// OnConnect sets the hook that accepts or refuses connections. A *codec.Error is a refusal whose reason names the
// parameter.
func OnConnect(server *channel.Server, connect func(ctx context.Context, r *http.Request, q *ConnectQuery) (context.Context, error)) {
	server.Engine().OnConnect(connect)
}
