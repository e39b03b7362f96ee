package presence

import (
	"sync/atomic"
	"time"
)

// clock is a hybrid clock: microseconds of the wall clock, but always ahead of what it has said and heard.
type clock struct{ last atomic.Uint64 }

// now returns a time later than every other before.
func (c *clock) now() uint64 {
	wall := uint64(time.Now().UnixMicro())
	for {
		last := c.last.Load()
		now := max(wall, last+1)
		if c.last.CompareAndSwap(last, now) {
			return now
		}
	}
}

// heard notes a time of another node.
func (c *clock) heard(at uint64) {
	for {
		last := c.last.Load()
		if at <= last || c.last.CompareAndSwap(last, at) {
			return
		}
	}
}
