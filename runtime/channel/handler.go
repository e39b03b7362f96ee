package channel

import (
	"context"

	"github.com/chgen/chgen/runtime/internal/engine"
	"github.com/chgen/chgen/runtime/presence"
)

// Reason says why a membership has ended.
type Reason = engine.Reason

// The reasons.
const (
	Left         = engine.Left         // the client has left the topic
	Closed       = engine.Closed       // Socket.Close, or a Join that accepted after its deadline
	Replaced     = engine.Replaced     // the client has joined the topic again
	Disconnected = engine.Disconnected // the connection has ended, for whatever reason
	Draining     = engine.Draining     // the server is shutting down
	Crashed      = engine.Crashed      // a panic, an error of Joined or an intercept, or a history that could not be gone on with
)

// Leaver is implemented by handlers that want to know of the end of their membership.
type Leaver interface {
	// Leave is called once for each handler that Join has returned without an error, after everything else, even if
	// the client was gone before it could be told. Its context is not the membership's, which has ended, but has the
	// same values, and a deadline (Limits.LeaveTimeout). Pushes fail with ErrClosed; broadcasts reach the others.
	Leave(ctx context.Context, reason Reason)
}

// Joiner is implemented by handlers that have something to do once the join reply is out.
type Joiner interface {
	// Joined is called after the join reply and what Join has sent, before anything that the client sends. An error
	// is logged and ends the membership with phx_error.
	Joined(ctx context.Context) error
}

// Socket is one client on one topic; generated sockets embed it. It may be kept, and used from any goroutine.
type Socket struct{ m *engine.Membership }

// NewSocket is for package gen.
func NewSocket(m *engine.Membership) Socket { return Socket{m} }

// Do has work called in the handler's turn, after what waits already: the place for what a timer or a subscription
// brings. What it is given is a context like that of an event. It returns ErrClosed where the membership has ended,
// ErrBusy where too much waits (Limits.MailboxWork); work that still waits when the membership ends is dropped.
func (s Socket) Do(work func(context.Context)) error { return s.m.Do(work) }

// Close ends the membership after the message at hand: its reply goes out, then phx_close, after which clients do not
// join again by themselves. It returns at once.
func (s Socket) Close() { s.m.Close() }

// ID is the connection's id (see WithID), "" where it has none.
func (s Socket) ID() string { return s.m.ID() }

// WithID returns a context that gives a connection an id, if the connect hook returns it: all connections of one user
// have the same, so that Server.Disconnect ends them all. A connection keeps its id: new credentials with another are
// refused.
func WithID(ctx context.Context, id string) context.Context { return engine.WithID(ctx, id) }

// AuthToken returns the token that the client has presented, in the connect hook of a Mount with AuthToken and wherever
// its context goes. ok is false where it has presented none. What the token means is for the hook to say.
func AuthToken(ctx context.Context) (token string, ok bool) { return engine.AuthToken(ctx) }

// Errors to be looked for with errors.Is.
var (
	// ErrClosed is returned by what needs a membership that has ended.
	ErrClosed = engine.ErrClosed

	// ErrBusy is returned by Socket.Do when too much waits already.
	ErrBusy = engine.ErrBusy

	// ErrAlreadyTracked is returned by Track for a key that the client is already present under.
	ErrAlreadyTracked = presence.ErrAlreadyTracked

	// ErrNotTracked is returned by Update and Untrack for a key that the client is not present under.
	ErrNotTracked = presence.ErrNotTracked
)
