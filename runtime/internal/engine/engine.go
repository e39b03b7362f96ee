// Package engine is the server behind packages channel and gen: connections, memberships, queues.
//
// # Vocabulary
//
// A connection (Conn) is one client's socket. A membership (Membership) is one client on one topic; it exists from
// its phx_join until it has ended. A hub is one topic that has members here. A publication is one event on its way to
// everybody on a topic.
//
// # Goroutines
//
// A connection belongs to its transport, which moves its messages, ends it (Conn.End) and so waits for everything that
// the connection has started. On WebSocket that is one goroutine, the reader (link.serve), which ends while there is
// nothing to read where the poller can tell when there is (park.go); a long-poll session has none but those of its
// requests, and whoever finds that it has to end runs session.end, which waits for them too. Beside that there are, only
// while they have something to do:
//
//   - the flushers (flushers.run), which write what waits on connections as long as the network takes it at once, the
//     poller (poller.run), which starts readers, and the watch over readers that work on pushes (readerWatch.run). They
//     belong to the server; Shutdown waits for them.
//   - the writer (link.write), started for a connection whose network does not take at once what there is. It ends when
//     the queue is empty or the network fails; link.serve waits for it.
//   - one for each membership (Membership.run), started by whoever puts something into its mailbox, or the reader of a
//     busy connection itself (lend.go). It ends when the mailbox is empty or the membership has ended; Conn.End waits
//     for it.
//   - one for each concurrent event that is being worked on; Membership.finish waits for it.
//   - one for the connect params that a connection is renewing (Conn.renew); Conn.End waits for it.
//   - one for each topic whose presence passes a FetchFunc (hub.runFeed), and one for each call of that.
//
// Server.Shutdown waits for the connections and the last, and then for what the server does as one node of several (nodes),
// which its connections may need until then. So everything hangs on one tree, and nothing is left when it is gone.
//
// # Locks
//
// Always taken in this order, and none is held while a handler, a hook or the network is waited for:
//
//	ownPresence.mu, the bus, presence.Replica, presence.Tracker, hub.mu, Conn.mu, Membership.mu, session.mu, queue.mu
//
// presenceFeed.mu comes after presence.Tracker, and none but Server.mu is taken inside. messageContext.mu and flushers.mu may
// be taken with any of them held. Server.mu, nodes.mu, poller.mu, clock.mu and the registry's locks are held for a moment
// only, with none of the others taken inside.
package engine

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chgen/chgen/runtime/observe"
	"github.com/chgen/chgen/runtime/presence"
	"github.com/chgen/chgen/runtime/pubsub"
)

// Config is what a Server is made of. Zero values stand for the defaults.
type Config struct {
	Limits Limits
	Mounts []Mount
	Logger *slog.Logger
	PubSub pubsub.PubSub
	Secret []byte

	Presence presence.Options // its times

	Observers []observe.Observer
}

// ConnectFunc is the connect hook.
type ConnectFunc func(ctx context.Context, r *http.Request, q *ConnectQuery) (context.Context, error)

// Server serves sockets. Handle, Extend and OnConnect are called before it serves; everything else at any time.
type Server struct {
	limits    Limits
	mounts    []mount
	anywhere  mount // of every path, where there are no mounts
	log       *slog.Logger
	bus       pubsub.PubSub
	connect   ConnectFunc
	router    router
	topics    *registry
	tracker   *presence.Tracker
	started   time.Time // what uptime counts from
	serial    atomic.Uint64
	node      string // tells this server's connections from those of others on the bus
	secret    []byte // of tokens
	sessions  sessions
	flushers  flushers
	flushing  sync.WaitGroup // flushers, and the watch over readers
	poller    poller
	readers   readerWatch
	parkAfter time.Duration // of silence, a reader goes
	clock     clock
	nodes     *nodes            // nil where there is one node only
	stopping  chan struct{}     // closed when Shutdown begins
	observer  *observe.Observer // of all observers; nil where there is none
	stats     stats

	mu       sync.Mutex // guards what follows
	conns    []*Conn
	ids      map[string]map[*Conn]struct{}
	opening  map[*Conn][]string // upgrades that are under way, with the ids that were disconnected meanwhile
	active   int                // upgrades that are under way, and connections
	working  int                // what else Shutdown waits for
	draining bool
	idle     chan struct{} // closed when draining, and active and working are 0
}

// uptime is how long there has been s. It costs half of what time.Now does.
func (s *Server) uptime() time.Duration { return time.Since(s.started) }

// New returns a Server.
func New(cfg Config) *Server {
	s := &Server{
		limits:  cfg.Limits.withDefaults(),
		log:     cfg.Logger,
		bus:     cfg.PubSub,
		started: time.Now(),
		node:    randomID(),
		secret:  cfg.Secret,
		ids:     make(map[string]map[*Conn]struct{}),
		opening: make(map[*Conn][]string),
		idle:    make(chan struct{}),

		stopping: make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.bus == nil {
		s.bus = pubsub.New()
	}
	if len(s.secret) == 0 {
		s.secret = make([]byte, 32)
		_, _ = rand.Read(s.secret) // never fails
	}
	s.anywhere = newMount(Mount{}, s.limits)
	for _, m := range cfg.Mounts {
		s.mounts = append(s.mounts, newMount(m, s.limits))
	}
	s.parkAfter = defaultParkAfter
	s.clock.now = s.uptime
	s.flushers.work, s.flushers.all = &s.flushing, runtime.GOMAXPROCS(0)
	s.readers.work = &s.flushing
	s.topics = newRegistry(s)
	s.tracker = presence.New(s.topics.diff)
	s.observer = s.newObserver(cfg.Observers)
	if cfg.PubSub != nil {
		s.nodes = newNodes(s, cfg.Presence)
	}
	return s
}

// OnConnect sets the connect hook. It panics where there is one: the first would be lost in silence.
func (s *Server) OnConnect(connect ConnectFunc) {
	if s.connect != nil {
		panic("channel: OnConnect is called a second time; a server has one connect hook, whatever number of schemas it serves")
	}
	s.connect = connect
}

// Handle serves the topics of c. It panics where c's pattern is wrong or matches topics that another channel's
// pattern, which is neither narrower nor wider, matches too.
func (s *Server) Handle(c *Channel) {
	c.srv = s
	s.router.add(c)
}

// Extend adds events to a channel that is served already. It panics where there is none with this name.
func (s *Server) Extend(channel string, events map[string]*Event) {
	s.router.extend(channel, events)
}

type idKey struct{}

// WithID returns a context that gives the connection that it is returned for an id.
func WithID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, idKey{}, id)
}

// Disconnect closes every connection that has the id, on every node, with 1001.
func (s *Server) Disconnect(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.disconnect(id)
	if s.nodes == nil {
		return nil
	}
	return s.nodes.disconnect(ctx, id)
}

// disconnect closes every connection of this node that has the id, also what is being opened: whoever takes a user's
// right to connect and then disconnects him does not miss the one whose connect hook has just let him in.
func (s *Server) disconnect(id string) {
	s.mu.Lock()
	for c, ids := range s.opening {
		s.opening[c] = append(ids, id)
	}
	conns := make([]*Conn, 0, len(s.ids[id]))
	for c := range s.ids[id] {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.Close(closeGoingAway, "")
	}
}

// begin counts the upgrade in that c may come of, or says why there may be none.
func (s *Server) begin(c *Conn) (*Refusal, observe.Cause) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return &Refusal{http.StatusServiceUnavailable, "shutting down"}, observe.RefusedDraining
	case s.active >= s.limits.Connections:
		return &Refusal{http.StatusServiceUnavailable, "too many connections"}, observe.RefusedCapacity
	}
	s.active++
	s.opening[c] = nil
	return nil, ""
}

// end counts an upgrade, or the connection it became, out.
func (s *Server) end(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.opening, c)
	s.active--
	s.noteIdle()
}

// noteIdle needs s.mu. What has been idle once never starts anything again.
func (s *Server) noteIdle() {
	if s.draining && s.active+s.working == 0 {
		close(s.idle)
	}
}

// beginWork counts a goroutine in that Shutdown is to wait for, unless it is too late for that.
func (s *Server) beginWork() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining && s.active+s.working == 0 {
		return false
	}
	s.working++
	return true
}

func (s *Server) endWork() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.working--
	s.noteIdle()
}

// add registers c and reports whether the server is draining, and whether the id of c was disconnected since begin.
func (s *Server) add(c *Conn) (draining, disconnected bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	disconnected = c.id != "" && slices.Contains(s.opening[c], c.id)
	delete(s.opening, c)
	c.place = int32(len(s.conns))
	s.conns = append(s.conns, c)
	if c.id != "" {
		if s.ids[c.id] == nil {
			s.ids[c.id] = make(map[*Conn]struct{})
		}
		s.ids[c.id][c] = struct{}{}
	}
	return s.draining, disconnected
}

func (s *Server) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.conns[len(s.conns)-1]
	s.conns[c.place], last.place = last, c.place
	s.conns[len(s.conns)-1] = nil
	s.conns = s.conns[:len(s.conns)-1]
	if c.id == "" {
		return
	}
	delete(s.ids[c.id], c)
	if len(s.ids[c.id]) == 0 {
		delete(s.ids, c.id)
	}
}
