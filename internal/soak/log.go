// Package soak says whether what the clients of a service have seen is what the service promises: nothing lost in silence,
// nothing twice, nothing out of order, and no "not recovered" without need. Its tests run services of several processes
// under faults, log what happens, and have Check judge the log.
//
// Check knows nothing of how the service works. It knows when each publication was handed to the service and answered, all
// by one clock, and what each client was told, in order. A publication whose answer came before another was begun
// precedes that one; where the clients learn positions, these say more.
package soak

import (
	"time"

	"github.com/chgen/chgen/runtime/pubsub"
)

// Log is what happened in one run. It ends when all faults were over and every client had been given the time to receive
// everything.
type Log struct {
	Publications []Publication
	Streams      []Stream
	Faults       []Fault
}

// Publication is one message that somebody handed to the service. Times count from the beginning of the log.
type Publication struct {
	ID     string // unique in the log
	Topic  string
	Except string        // the client that is not to get it, if any
	Begun  time.Duration // when it was handed over
	Ended  time.Duration // when the answer came, or was given up
	Acked  bool          // the answer was ok: everybody is to have it. Without it anybody may
}

// Stream is what one client saw of one topic.
type Stream struct {
	Client string
	Topic  string
	Size   int           // of the history
	TTL    time.Duration // of the history
	Events []Event       // in the order in which the client saw them
}

// Event is a join that was accepted, or a publication that was received, where ID is not empty.
type Event struct {
	At time.Duration

	// ID is that of the publication that was received.
	ID string

	// Position is where the publication or the reply to the join says the topic stands; zero for clients that are told
	// none.
	Position pubsub.Position

	// Shown is the position that the join asked to go on from, if any.
	Shown pubsub.Position

	// Recovered is what the reply to the join said.
	Recovered bool
}

// Fault is something that was done to the service.
type Fault struct {
	Name     string
	From, To time.Duration

	// Forgets says that the bus may have lost its history, so that nobody can be given what he missed.
	Forgets bool
}
