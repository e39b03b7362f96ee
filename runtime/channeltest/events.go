package channeltest

import (
	"sync"
	"testing"
	"time"
)

// Events are what a subscription has told, in order, and a test takes one after the other.
type Events[T any] struct {
	t testing.TB

	mu   sync.Mutex // guards what follows
	all  []T
	more chan struct{} // closed, and made anew, when one comes
}

// Watch collects what a subscription tells from now on, until the test ends: On is a method like OnMessageCreated,
// Presence().OnChange or OnState. Watch before the join sees everything.
func Watch[T any](t testing.TB, on func(handle func(T)) (stop func())) *Events[T] {
	e := &Events[T]{t: t, more: make(chan struct{})}
	t.Cleanup(on(e.add))
	return e
}

// WatchEmpty is Watch for an event without a payload.
func WatchEmpty(t testing.TB, on func(handle func()) (stop func())) *Events[struct{}] {
	return Watch(t, func(handle func(struct{})) func() {
		return on(func() { handle(struct{}{}) })
	})
}

func (e *Events[T]) add(event T) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, event)
	close(e.more)
	e.more = make(chan struct{})
}

// take returns the next event if there is one, or what tells when there may be.
func (e *Events[T]) take() (event T, ok bool, more <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.all) == 0 {
		return event, false, e.more
	}
	event = e.all[0]
	e.all = e.all[1:]
	return event, true, nil
}

// Next takes the next event. It fails the test when none comes within five seconds.
func (e *Events[T]) Next() T {
	e.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		event, ok, more := e.take()
		if ok {
			return event
		}
		select {
		case <-more:
		case <-timer.C:
			e.t.Fatalf("no %T came within %v", event, patience)
		}
	}
}

// ExpectNone fails the test when there is an event that was not taken, or one comes within d. In a bubble of
// testing/synctest any d will do: the clock moves only when nothing else does.
func (e *Events[T]) ExpectNone(d time.Duration) {
	e.t.Helper()
	event, ok, more := e.take()
	if !ok {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-more:
			event, ok, _ = e.take()
		case <-timer.C:
		}
	}
	if ok {
		e.t.Fatalf("got %+v, want none", event)
	}
}
