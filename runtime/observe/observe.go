// Package observe is what a server tells those who watch it: what an Observer is called with, and Snapshot.
//
//	server := channel.NewServer(channel.WithObserver(observe.Observer{
//		PushEnd: func(ctx context.Context, e observe.PushEnd) { ... },
//	}))
//
// Packages runtime/otel and runtime/prometheus are observers ready to use.
//
// # Names
//
// Channel and event names are those of the schema, so there are few of them and they make good labels. What a client
// makes up never stands in their place: an event that the channel does not have is Other. Topics and close codes are
// for traces and logs: clients choose the first, and may choose the second (see CodeLabel).
//
// # Rules
//
// The functions of an Observer are called concurrently, some of them with locks of the server held: they return at once
// and call nothing of the server but Snapshot's function, and that not from within a call. One that panics is logged
// and harms nobody. Contexts are given for their values (a trace, the connect hook's), not for their cancellation.
package observe

import (
	"context"
	"strconv"
	"time"
)

// Other stands for an event that the schema does not have.
const Other = "_OTHER"

// OK is the outcome of what has succeeded. Others are what the client is told as the reason: the code of a declared
// error, or a system error such as "invalid_payload" or "internal".
const OK = "ok"

// Observer is told what a server does. Functions that are nil are not called, and a server without an Observer pays one
// comparison with nil for each of the places. A struct may gain fields, so write it with their names.
//
// Of what has a beginning and an end the Start function may return another context (a span's): handlers and the End
// function get that one, which is to be derived from the one given. A nil context is the old one. An End may come without its Start, where something was answered
// before it began.
type Observer struct {
	// Serving is called once, by NewServer, with what returns the server's Snapshot.
	Serving func(snapshot func() Snapshot)

	// Opened and Closed are told of each connection; a long-poll session is one. Refused is told of each request that
	// has not opened one. A generated client that the connect hook refuses is told so by a close with 4403: Refused,
	// Opened and Closed are all called.
	Opened  func(context.Context, Opened)
	Closed  func(context.Context, Closed)
	Refused func(context.Context, Refused)

	// Renewed is called for each time that a generated client presents new connect params, when it is answered.
	Renewed func(context.Context, Renewed)

	// JoinStart is called when Join is about to be, JoinEnd when the join is answered. Left is called when a
	// membership ends whose join was accepted.
	JoinStart func(context.Context, JoinStart) context.Context
	JoinEnd   func(context.Context, JoinEnd)
	Left      func(context.Context, Left)

	// PushStart is called when the handler of a client's push is about to be, PushEnd when the push is answered, which
	// is once for each, before the handler returns where that takes too long.
	PushStart func(context.Context, PushStart) context.Context
	PushEnd   func(context.Context, PushEnd)

	// BroadcastStart and BroadcastEnd surround the publishing of a broadcast on this node; what Join broadcasts is
	// published after its reply. Delivered is called on every node for what has been put into the queues of its
	// members, presence diffs included.
	BroadcastStart func(context.Context, BroadcastStart) context.Context
	BroadcastEnd   func(context.Context, BroadcastEnd)
	Delivered      func(context.Context, Delivered)

	// Dropped is called for each frame that a queue, or a mailbox of intercepted events, gives up. What closes a slow
	// consumer's connection is Closed, with the code 1013.
	Dropped func(context.Context, Dropped)

	// PresenceChanged is called with each change of who is present on a topic.
	PresenceChanged func(context.Context, PresenceChanged)

	// Polled is called for each request of a long-poll session, when it is answered.
	Polled func(context.Context, Polled)

	// Recovered is called for each rejoin that asks for what it missed.
	Recovered func(context.Context, Recovered)

	// SubscriptionLost is called when the PubSub can no longer say that a topic's publications all arrive here.
	SubscriptionLost func(context.Context, SubscriptionLost)
}

// Opened is a connection that has been opened.
type Opened struct {
	Transport string // "websocket", "longpoll", or the name of another
	Version   string // of the protocol: "1" or "2"
}

// Closed is a connection that has ended, with everything of it.
type Closed struct {
	Transport string
	Version   string
	Code      int    // of the close frame, the client's where it was first; 1006 where there was none
	Reason    string // of the close frame
	Duration  time.Duration
}

// Refused is a request that has not opened a connection.
type Refused struct {
	Transport string
	Cause     Cause
}

// Cause says why a connection was refused.
type Cause string

// The causes.
const (
	RefusedRequest     Cause = "request"      // it is no sound request for a socket
	RefusedOrigin      Cause = "origin"       // of a page that may not connect
	RefusedSubprotocol Cause = "subprotocol"  // none of those that the client wants
	RefusedVersion     Cause = "version"      // of the protocol, not spoken here
	RefusedCapacity    Cause = "capacity"     // Limits.Connections
	RefusedDraining    Cause = "draining"     // Shutdown
	RefusedHook        Cause = "hook"         // the connect hook's decision
	RefusedHookTimeout Cause = "hook_timeout" // Limits.ConnectTimeout
	RefusedHookPanic   Cause = "hook_panic"   // in the connect hook
	RefusedServer      Cause = "server"       // the HTTP server cannot upgrade
)

// Renewed is what came of new connect params.
type Renewed struct {
	Outcome string // OK, RefusedParams, or a system error: "invalid_payload", "rate_limited", "timeout", "internal", "closed"
}

// RefusedParams is the outcome of params that the connect hook has refused: the connection is closed with 4403.
const RefusedParams = "refused"

// JoinStart is a join whose Join is about to be called.
type JoinStart struct{ Channel, Topic string }

// JoinEnd is a join that has been answered.
type JoinEnd struct {
	Channel  string
	Outcome  string
	Duration time.Duration // since JoinStart; 0 without
}

// Left is a membership that has ended.
type Left struct {
	Channel string
	Reason  string // a channel.Reason
}

// PushStart is a push whose handler is about to be called.
type PushStart struct {
	Channel, Event, Topic string

	Wait time.Duration // in the mailbox
}

// PushEnd is a push that has been answered.
type PushEnd struct {
	Channel, Event string

	Outcome  string
	Wait     time.Duration // in the mailbox
	Duration time.Duration // since PushStart; 0 without
}

// BroadcastStart is a broadcast that is about to be published.
type BroadcastStart struct{ Channel, Event, Topic string }

// BroadcastEnd is a broadcast that has been published, or not.
type BroadcastEnd struct {
	Channel, Event string

	Bytes    int   // handed to the PubSub
	Err      error // of the PubSub
	Duration time.Duration
}

// Delivered is a broadcast that has reached this node's members.
type Delivered struct {
	Channel, Event string

	Subscribers int // whose queues have taken it, or their mailboxes where it is intercepted
	Bytes       int // in all queues together; 0 where it is intercepted
}

// Dropped is a frame that is not delivered.
type Dropped struct {
	Delivery string // "latest": a newer one has come; "volatile": the queue is full; "stream": the connection ends for it
}

// PresenceChanged is one change of presence: an update is a join and a leave.
type PresenceChanged struct {
	Channel       string
	Joins, Leaves int // metas
}

// Polled is one request of a long-poll session.
type Polled struct {
	Batch    bool          // it brought messages; the others fetch them
	Status   int           // in the body of the answer
	Messages int           // that it brought or fetched
	Duration time.Duration // of a poll, most of it is waiting
}

// Recovered is what came of a rejoin that asked for what it missed.
type Recovered struct {
	Channel   string
	Recovered bool
	Replayed  int // publications of the first page, at most 256: the rest follows as the client reads
}

// SubscriptionLost is a gap in what the PubSub brings.
type SubscriptionLost struct{ Channel string }

// CodeLabel is a close code as a label: the codes that servers and clients have a reason to use, and Other, because a
// hostile client may send any.
func CodeLabel(code int) string {
	switch {
	case code >= 1000 && code <= 1015, code == 4403:
		return strconv.Itoa(code)
	}
	return Other
}
