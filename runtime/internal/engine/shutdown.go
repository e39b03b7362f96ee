package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Shutdown stops accepting, lets the message at hand of every membership finish, ends the memberships with the reason
// Draining, closes the connections with 1012 and returns when nothing runs any more. When ctx ends first, connections
// are cut and its error is returned; handlers that have not returned then may still be running.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.draining {
		s.draining = true
		close(s.stopping)
		s.noteIdle()
	}
	conns := slices.Clone(s.conns)
	s.mu.Unlock()
	s.drain(ctx, conns)
	select {
	case <-s.idle:
		s.flushing.Wait()
		s.poller.wait()
		s.endNode(ctx)
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	conns = slices.Clone(s.conns)
	s.mu.Unlock()
	for _, c := range conns {
		c.out.kill()
	}
	s.endNode(ctx)
	return fmt.Errorf("shutdown: %w", ctx.Err())
}

// goodbye is how long the other nodes may take to hear that this one has ended, where there is no time left for that.
const goodbye = time.Second

// endNode ends what the server does as one node of several.
func (s *Server) endNode(ctx context.Context) {
	if s.nodes == nil {
		return
	}
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), goodbye)
		defer cancel()
	}
	s.nodes.close(ctx)
}

// drain drains connections batch by batch, in at most half of the time that ctx has.
func (s *Server) drain(ctx context.Context, conns []*Conn) {
	batches := (len(conns) + s.limits.DrainBatch - 1) / s.limits.DrainBatch
	interval := s.limits.DrainInterval
	if deadline, ok := ctx.Deadline(); ok && batches > 1 {
		interval = min(interval, time.Until(deadline)/2/time.Duration(batches-1))
	}
	for batch := range slices.Chunk(conns, s.limits.DrainBatch) {
		if batches--; ctx.Err() != nil {
			return
		}
		for _, c := range batch {
			c.drain()
		}
		if batches > 0 {
			s.pause(ctx, interval)
		}
	}
}

// pause waits, but not longer than there is something to wait for.
func (s *Server) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.idle:
	case <-ctx.Done():
	}
}

// drain ends the memberships, each after its message at hand; the connection closes after the last.
func (c *Conn) drain() {
	c.mu.Lock()
	c.draining = true
	members := c.members.list()
	if len(members) == 0 {
		c.Close(closeRestart, c.retryAfter())
	}
	c.mu.Unlock()
	for _, m := range members {
		m.end(Draining, false)
	}
}

// drainRate is how many clients of one batch are told to come back in a second, and drainSpread the shortest and longest
// time over which they are spread.
const (
	drainRate      = 1000
	minDrainSpread = time.Second
	maxDrainSpread = time.Minute
)

// retryAfter is the close reason of a drained connection: for generated clients when to come back, at random, so that
// they do not all come at once.
func (c *Conn) retryAfter() string {
	if !c.generated {
		return ""
	}
	c.srv.mu.Lock()
	n := min(len(c.srv.conns), c.srv.limits.DrainBatch)
	c.srv.mu.Unlock()
	spread := min(max(time.Duration(n)*time.Second/drainRate, minDrainSpread), maxDrainSpread)
	return fmt.Sprintf("retry_after_ms=%d", rand.Int64N(spread.Milliseconds()))
}
