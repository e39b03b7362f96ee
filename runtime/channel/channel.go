// Package channel is a server for Phoenix Channels whose channels, events and payloads are generated from a schema.
//
// A client opens a socket and joins topics over it. For each join the generated channel's Join is called; the handler
// that it returns serves this client on this topic until the membership ends:
//
//	server := channel.NewServer()
//	chat.OnConnect(server, connect)
//	chat.HandleRoom(server, &Room{store})
//	http.Handle("/socket/", server)
//
// # What handlers can rely on
//
// Methods of one handler never run concurrently, Leave, Joined, intercepts and work of Socket.Do included; different
// handlers always may. (What a concurrent event returns runs beside the methods: that is what it is for.)
//
// Each push is answered exactly once: with the method's reply, with its error where the schema declares that for the
// event, else with a system error. internal is an error or panic that the client may not see; it is in the log.
// invalid_payload and unknown_event never reach the handler. rate_limited says that too many pushes wait, timeout that
// the handler took too long (what it returns later is dropped), closed that the membership ended first.
//
// The context of a method carries the values of the context that the connect hook returned last: a client may present
// new credentials on the connection that it has. It ends with the membership, and Limits.HandlerTimeout after the message
// came into turn.
//
// What Join pushes, broadcasts or tracks takes effect after the join reply, in its order, and not at all if Join
// refuses. After that comes Joined, for handlers that are Joiners, and on channels with presence the presence_state.
//
// A broadcast stands in the queues of everybody who is on the topic on this node when its method returns: a reply
// comes after it. Nothing waits for a client that reads slowly; see Limits.QueueBytes. (A client that is being given what
// it has missed gets that first.)
//
// On a channel with history, a client gets every stream event that is published after its Join has begun to run, in one
// order for all. What Join reads may contain some of them already: compare ids.
//
// A panic ends its membership with phx_error, on which clients join again, and nothing else. So does an error of
// Joined or of an intercept.
package channel

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/chgen/chgen/runtime/internal/engine"
	"github.com/chgen/chgen/runtime/observe"
	"github.com/chgen/chgen/runtime/pubsub"
)

// Server is an http.Handler that serves sockets: WebSocket at <mount>/websocket, long-polling at <mount>/longpoll.
// Everything else is 404.
//
// The generated OnConnect and Handle functions are called before it serves. Its methods may be called concurrently.
type Server struct{ e *engine.Server }

// NewServer returns a server. It panics where an option cannot be: it is written wrong.
func NewServer(opts ...Option) *Server {
	var cfg engine.Config
	for _, opt := range opts {
		opt.apply(&cfg)
	}
	return &Server{engine.New(cfg)}
}

// ServeHTTP implements http.Handler. It returns once a WebSocket is upgraded, or a poll is answered; the connection
// lives on until it closes or Shutdown ends it, so an http.Server's own Shutdown neither ends it nor waits for it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.e.ServeHTTP(w, r) }

// Shutdown stops accepting (upgrades are answered 503) and drains the connections, batch by batch (Limits.DrainBatch):
// it lets the message at hand of every handler finish, runs Leave with Draining, closes with 1012, which tells clients
// to come back, and returns when nothing of the server runs any more. When ctx ends first, it cuts the connections and returns the context's error.
func (s *Server) Shutdown(ctx context.Context) error { return s.e.Shutdown(ctx) }

// Disconnect closes every connection that has the id (see WithID), on every node, with 1001, also one that the connect hook
// is just letting in. Clients reconnect and are asked for their credentials again. An error says that it may not have reached other nodes; those of this node are closed
// all the same. Nor does it reach a node that is cut off from the bus at that moment, which logs that when it is back.
func (s *Server) Disconnect(ctx context.Context, id string) error { return s.e.Disconnect(ctx, id) }

// Snapshot says how the server stands. It may be called once a second with any number of connections: it takes a lock
// for each one, briefly. Each number was right at some moment during the call, but not all at one and the same: a
// connection that opens meanwhile may be missing while its membership is counted.
func (s *Server) Snapshot() observe.Snapshot { return s.e.Snapshot() }

// Engine is for package gen.
func (s *Server) Engine() *engine.Server { return s.e }

// Option configures a Server.
type Option interface{ apply(*engine.Config) }

type option func(*engine.Config)

func (o option) apply(cfg *engine.Config) { o(cfg) }

// WithMount adds a place to serve sockets at. Without any, every path that ends in /websocket or /longpoll is served,
// with the defaults.
func WithMount(m Mount) Option {
	return option(func(cfg *engine.Config) { cfg.Mounts = append(cfg.Mounts, m.engine()) })
}

// WithLimits sets the limits. Fields that are zero keep their defaults.
func WithLimits(l Limits) Option {
	return option(func(cfg *engine.Config) { cfg.Limits = engine.Limits(l) })
}

// WithLogger sets where the server logs; the default is slog.Default. Entries about a connection have the keys conn
// and id, those about a membership also channel and topic, those about a message also event or handler. What went
// wrong is err, or panic and stack.
func WithLogger(log *slog.Logger) Option {
	return option(func(cfg *engine.Config) { cfg.Logger = log })
}

// WithSecret sets what the server signs the tokens of long-poll sessions and the positions of histories with: at least 32
// random bytes, the same on all nodes. The default is random, and new whenever the server starts. With one secret and one
// PubSub, nodes serve each other's long-poll sessions; else such a client has to come back to the node that it has begun
// with.
func WithSecret(secret []byte) Option {
	return option(func(cfg *engine.Config) { cfg.Secret = slices.Clone(secret) })
}

// WithPubSub sets what carries broadcasts, presence and what else the nodes of a service have to say to each other; the
// default is pubsub.New, which knows this process only. A server with a PubSub is a node until Shutdown, which ends what
// NewServer has then started. Where the bus cannot be reached, that is logged and tried again: clients are served.
func WithPubSub(bus pubsub.PubSub) Option {
	return option(func(cfg *engine.Config) { cfg.PubSub = bus })
}

// WithObserver adds somebody who is told what the server does; several are told one after the other.
func WithObserver(o observe.Observer) Option {
	return option(func(cfg *engine.Config) { cfg.Observers = append(cfg.Observers, o) })
}

// WithPresenceTimes sets how often the server says to other nodes that it lives (default 2 s), and how long another may
// be silent until its clients are taken for gone (default 30 s, and it takes up to one heartbeat more). That should be
// several heartbeats, and the same on all nodes. Zero is the default.
func WithPresenceTimes(heartbeat, down time.Duration) Option {
	return option(func(cfg *engine.Config) {
		cfg.Presence.Heartbeat, cfg.Presence.Down = heartbeat, down
	})
}

// Limits bound what clients and handlers may take. Zero fields are the defaults.
type Limits struct {
	// MaxFrameBytes is how large a message of a client may be. A larger one closes its connection with 1009.
	// Default 64 KiB.
	MaxFrameBytes int

	// IdleTimeout is how long a client may send nothing at all, neither frames nor WebSocket pings, before its
	// connection is closed with 1001. Clients send a heartbeat every 30 s. Default 60 s.
	IdleTimeout time.Duration

	// QueueBytes is how much may wait for one client to read it. Above that, volatile events are dropped, and where
	// that is not enough, the connection is closed with 1013. (Latest events give way to newer ones of their key
	// whenever they wait.) A single frame that is larger is taken while the others are within the limit. Default 1 MiB.
	QueueBytes int

	// Channels is how many topics one connection may have joined or be joining; a further join is refused with "too
	// many channels joined". Default 100.
	Channels int

	// MailboxPushes is how many pushes may wait for one handler; further ones are answered rate_limited. As many
	// concurrent events may be worked on. Default 64.
	MailboxPushes int

	// MailboxBytes is how many bytes of pushes of one connection may wait for its handlers or be worked on, on all its
	// topics together; further ones are answered rate_limited. One that is larger by itself is taken where there are no
	// others. Default 1 MiB.
	MailboxBytes int

	// MailboxWork is how much else may wait for one handler: work of Socket.Do, which then fails with ErrBusy, and
	// intercepted events, of which volatile ones then are dropped and others end the membership with phx_error.
	// Default 1024.
	MailboxWork int

	// HandlerTimeout is how long the work on one message may take, joins included: then its context ends, and the
	// client is answered timeout. Default 30 s.
	HandlerTimeout time.Duration

	// LeaveTimeout is the deadline of Leave's context. Default 5 s.
	LeaveTimeout time.Duration

	// ReplaceTimeout is how long a second join of a topic waits for the handler of the first to end. Default 5 s.
	ReplaceTimeout time.Duration

	// CloseTimeout is how long a connection that is being closed may take to deliver what waits and to be closed by
	// the client too. Default 5 s.
	CloseTimeout time.Duration

	// Connections is how many connections the server may have, on all transports. Further clients are answered 503,
	// upon which they try again later. Default 1,000,000.
	Connections int

	// ConnectTimeout is how long opening a connection may take: then the connect hook's context ends, and if the hook
	// fails upon that, the client is answered 503. (How long a client may take to send its request is for the
	// http.Server to say: ReadHeaderTimeout.) Default 10 s.
	ConnectTimeout time.Duration

	// WriteTimeout is how long the network may take for one write of up to 32 KiB, or for one frame that is larger:
	// a client that does not read, or hardly, is cut off then even if its queue is not full. It is kept to within an
	// eighth. Default 30 s.
	WriteTimeout time.Duration

	// JoinRate and PushRate are how many joins of topics that there are, and how many pushes to topics that it has
	// joined, one connection may send in a second, or at once after a second without. Others are answered
	// rate_limited, and a join that is has no effect, not even on an earlier one. Clients join all their topics at once
	// when they reconnect. Default 1,000 and 100,000, which no honest client comes near; what is abuse is for the
	// application to say.
	JoinRate int
	PushRate int

	// DrainBatch is how many connections Shutdown drains at once, and DrainInterval how long it then waits before the
	// next: the rate at which clients come to other nodes. Those not drained yet are served. The interval is shorter where the context of Shutdown would
	// end before half of the time that it leaves is over. Default 10,000 and 2 s.
	DrainBatch    int
	DrainInterval time.Duration
}
