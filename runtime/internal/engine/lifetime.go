package engine

import (
	"context"
	"sync/atomic"
	"time"
)

// lifetime is the context of a membership, which ends with it. Most memberships never have anybody wait for their end:
// what that costs comes to be when somebody asks for Done.
type lifetime struct {
	values *context.Context         // which never ends
	line   atomic.Pointer[lifeline] // nil while it goes on and nobody has asked
}

// lifeline is a lifetime as package context knows it.
type lifeline struct {
	context.Context
	cancel context.CancelFunc
}

// cut is the lifeline of those that have ended before anybody has asked. It has no values.
var cut = &lifeline{canceledContext, func() {}}

// Deadline implements context.Context.
func (t *lifetime) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }

// Done implements context.Context.
func (t *lifetime) Done() <-chan struct{} {
	line := t.line.Load()
	if line == nil {
		ctx, cancel := context.WithCancel(*t.values)
		if line = (&lifeline{ctx, cancel}); !t.line.CompareAndSwap(nil, line) {
			cancel()
			line = t.line.Load()
		}
	}
	return line.Done()
}

// Err implements context.Context.
func (t *lifetime) Err() error {
	if line := t.line.Load(); line != nil {
		return line.Err()
	}
	return nil
}

// Value implements context.Context. It finds the lifeline for package context, whose contexts then hang on it.
func (t *lifetime) Value(key any) any {
	if line := t.line.Load(); line != nil && line != cut {
		return line.Value(key)
	}
	return (*t.values).Value(key)
}

// end ends the lifetime.
func (t *lifetime) end() {
	if !t.line.CompareAndSwap(nil, cut) {
		t.line.Load().cancel()
	}
}
