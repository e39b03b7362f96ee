package client

import (
	"math/rand/v2"
	"time"
)

// The delays between attempts double from the first to the longest. An attempt whose success has lasted for the proof
// begins anew.
const (
	firstDelay   = 500 * time.Millisecond
	longestDelay = 10 * time.Second
	proof        = 5 * time.Second
)

// backoff counts attempts that have failed.
type backoff struct{ tries int }

// lasted notes how long a success has lasted.
func (b *backoff) lasted(d time.Duration) {
	if d >= proof {
		b.tries = 0
	}
}

// next is the delay before the next attempt, shortened at random by up to a half, so that clients which have lost
// their server together do not come back together.
func (b *backoff) next() time.Duration {
	delay := min(firstDelay<<min(b.tries, 10), longestDelay)
	b.tries++
	return delay - rand.N(delay/2)
}
