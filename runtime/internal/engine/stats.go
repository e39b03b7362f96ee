package engine

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/chgen/chgen/runtime/observe"
)

// stats are the numbers of Snapshot that are kept; the others are counted when it is asked for.
type stats struct {
	dropped [Volatile + 1]atomic.Int64

	mu          sync.Mutex     // guards memberships; taken last of all
	memberships map[string]int // by channel
}

func (s *stats) addMembership(channel string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.memberships == nil {
		s.memberships = make(map[string]int)
	}
	s.memberships[channel] += n
}

// deliveryNames are the deliveries in words.
var deliveryNames = [...]string{Stream: "stream", Latest: "latest", Volatile: "volatile"}

// dropped counts a frame that is not delivered. Locks may be held.
func (s *Server) dropped(d Delivery) {
	s.stats.dropped[d].Add(1)
	if s.observer != nil {
		s.observer.Dropped(context.Background(), observe.Dropped{Delivery: deliveryNames[d]})
	}
}

// Snapshot says how the server stands: see channel.Server.
func (s *Server) Snapshot() observe.Snapshot {
	snap := observe.Snapshot{Connections: make(map[string]int), Dropped: make(map[string]int64)}
	s.mu.Lock()
	snap.Draining = s.draining
	conns := slices.Clone(s.conns)
	s.mu.Unlock()
	for _, c := range conns {
		snap.Connections[c.entrance.name]++
		frames, size := c.out.size()
		q := &snap.Queues
		q.Frames, q.Bytes = q.Frames+frames, q.Bytes+size
		q.MaxFrames, q.MaxBytes = max(q.MaxFrames, frames), max(q.MaxBytes, size)
	}
	s.stats.mu.Lock()
	snap.Memberships = maps.Clone(s.stats.memberships)
	s.stats.mu.Unlock()
	if snap.Memberships == nil {
		snap.Memberships = make(map[string]int)
	}
	snap.Topics = s.topics.size()
	for d, name := range deliveryNames {
		snap.Dropped[name] = s.stats.dropped[d].Load()
	}
	return snap
}

// size is how many topics have a hub.
func (r *registry) size() (n int) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		n += len(s.hubs)
		s.mu.Unlock()
	}
	return n
}

// size is what waits.
func (q *queue) size() (frames, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting(), q.bytes
}
