package engine

import "time"

// pace bounds how often something may happen: so many times a second, and as many at once after a second without. The
// zero value has not happened yet. It is not for concurrent use.
type pace struct{ spent time.Duration } // when what has happened is paid for

// take reports whether it may happen once more at now, and counts it then.
func (p *pace) take(now time.Duration, perSecond int) bool {
	spent := max(p.spent, now)
	if spent-now > time.Second-time.Second/time.Duration(perSecond) {
		return false
	}
	p.spent = spent + time.Second/time.Duration(perSecond)
	return true
}

// mayJoin and mayPush count a frame of the client; they are for Receive alone.
func (c *Conn) mayJoin() bool { return c.joins.take(c.came, c.srv.limits.JoinRate) }
func (c *Conn) mayPush() bool { return c.pushes.take(c.came, c.srv.limits.PushRate) }
