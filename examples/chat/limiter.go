package main

import "time"

// messagesPerSecond is how many messages a member may send in any one second.
const messagesPerSecond = 5

// limiter remembers when the latest messages of one member were sent. Its zero value has seen none.
type limiter struct {
	sent [messagesPerSecond]time.Time // a ring: next is the oldest
	next int
}

// take counts a message sent now and returns 0, or returns how long to wait before the next one is allowed.
func (l *limiter) take(now time.Time) time.Duration {
	if age := now.Sub(l.sent[l.next]); age < time.Second {
		return time.Second - age
	}
	l.sent[l.next] = now
	l.next = (l.next + 1) % messagesPerSecond
	return 0
}
