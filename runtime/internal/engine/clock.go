package engine

import (
	"container/heap"
	"sync"
	"time"
)

// clock looks after all links of a server, each when it is due, with one timer: a timer for each would be a good part of
// what an idle connection takes. Times are counted from Server.started.
type clock struct {
	now func() time.Duration

	mu      sync.Mutex // guards what follows
	hands   hands      // all links, the first that is due first
	timer   *time.Timer
	set     time.Duration // when the timer goes off, while it runs
	running bool          // the timer, or ring
}

// put has l looked after at a time, unless it has been forgotten. The first time makes it known.
func (c *clock) put(l *link, due time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l.due = due
	switch {
	case l.hand >= 0:
		heap.Fix(&c.hands, int(l.hand))
	case l.hand == newHand:
		heap.Push(&c.hands, l)
	}
	c.wind()
}

// forget takes l away.
func (c *clock) forget(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.hand >= 0 {
		heap.Remove(&c.hands, int(l.hand))
	}
	l.hand = noHand
	if len(c.hands) == 0 && c.running && c.timer.Stop() {
		c.running = false
	}
}

// wind has the timer go off for the first hand. It needs mu.
func (c *clock) wind() {
	if len(c.hands) == 0 || c.running && c.set <= c.hands[0].due {
		return
	}
	c.running, c.set = true, c.hands[0].due
	if left := c.set - c.now(); c.timer == nil {
		c.timer = time.AfterFunc(left, c.ring)
	} else {
		c.timer.Reset(left)
	}
}

// ring looks after the links that are due.
func (c *clock) ring() {
	for l := c.first(); l != nil; l = c.first() {
		c.put(l, l.checkIdle(c.now()))
	}
}

// first returns a link that is due, nil where none is: then the timer runs again if there are any.
func (c *clock) first() *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.hands) > 0 && c.hands[0].due <= c.now() {
		c.set = 0 // ring goes on
		return c.hands[0]
	}
	c.running = false
	c.wind()
	return nil
}

// The hand of a link that has none in the heap.
const (
	newHand = -1
	noHand  = -2
)

// hands is a heap.
type hands []*link

// Len, Less, Swap, Push and Pop implement heap.Interface.

func (h hands) Len() int           { return len(h) }
func (h hands) Less(i, j int) bool { return h[i].due < h[j].due }

func (h hands) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].hand, h[j].hand = int32(i), int32(j)
}

func (h *hands) Push(x any) {
	l := x.(*link) //nolint:forcetypeassert // put pushes nothing else
	l.hand = int32(len(*h))
	*h = append(*h, l)
}

func (h *hands) Pop() any {
	last := len(*h) - 1
	l := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return l
}
