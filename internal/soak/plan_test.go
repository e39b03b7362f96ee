package soak_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// fault is something that can be done to a service. do returns when it is over.
type fault struct {
	name    string
	forgets bool // see soak.Fault
	do      func(hold time.Duration, pick *rand.Rand)
}

// step is one fault of a plan.
type step struct {
	wait  time.Duration // after the step before
	hold  time.Duration // how long the fault lasts, where that can be said
	fault int           // its index
	seed  uint64        // of what else is to be chosen
}

// plan draws faults for a time. The first ones are all faults in turn, so that a short run has each.
func plan(seed uint64, kinds int, lasts, pause time.Duration) []step {
	pick := rand.New(rand.NewPCG(seed, 0))
	var steps []step
	order := pick.Perm(kinds)
	for at := time.Duration(0); ; {
		s := step{wait: pause/2 + upTo(pick, pause), hold: pause/4 + upTo(pick, pause), seed: pick.Uint64()}
		if s.fault = pick.IntN(kinds); len(order) > 0 {
			s.fault, order = order[0], order[1:]
		}
		if at += s.wait + s.hold; at > lasts {
			return steps
		}
		steps = append(steps, s)
	}
}

// upTo draws a time.
func upTo(pick *rand.Rand, below time.Duration) time.Duration {
	return time.Duration(pick.Int64N(int64(below)))
}

func describe(steps []step, faults []fault) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, " +%v %s", s.wait.Round(time.Millisecond), faults[s.fault].name)
	}
	return b.String()
}

// pause waits, and reports whether ctx still runs.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
