package engine

import (
	"context"
	"reflect"
	"sync/atomic"
	"time"
)

// withoutCancel is context.WithoutCancel that keeps no more of the context than it needs. A connection has the values of
// the request that it was opened with as long as it lives; what net/http ends that request with would be a tenth of what
// an idle connection takes.
func withoutCancel(ctx context.Context) context.Context {
	for {
		parent := canceled(ctx)
		if parent == nil {
			return context.WithoutCancel(ctx)
		}
		ctx = parent //nolint:fatcontext // it gets leaner
	}
}

// canceled is the context that ctx does nothing but cancel, nil where it may do something else too. Whoever has no use
// for the canceling has all of it there.
func canceled(ctx context.Context) context.Context {
	index, known := cancelers[reflect.TypeOf(ctx)]
	if !known {
		return nil
	}
	parent, _ := reflect.ValueOf(ctx).Elem().FieldByIndex(index).Interface().(context.Context)
	return parent
}

// cancelers are the types of package context that do nothing but cancel, and where they have what they cancel.
var cancelers = func() map[reflect.Type][]int {
	types := make(map[reflect.Type][]int)
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	timed, cancel := context.WithTimeout(context.Background(), 0)
	cancel()
	for _, ctx := range []context.Context{canceled, timed} {
		t := reflect.TypeOf(ctx)
		if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
			continue
		}
		if field, ok := t.Elem().FieldByName("Context"); ok && field.Type == reflect.TypeFor[context.Context]() {
			types[t] = field.Index
		}
	}
	return types
}()

// hookContext is what the connect hook's context is made of. The hook may well return a context that it has derived from
// its own: then this one lives on with the connection, and lets go of all but the values when the hook has returned.
type hookContext struct{ atomic.Pointer[stage] }

// stage is what a hookContext stands for.
type stage struct{ context.Context }

func newHookContext(ctx context.Context) *hookContext {
	c := new(hookContext)
	c.Store(&stage{ctx})
	return c
}

// Deadline, Done, Err and Value implement context.Context. There is no deadline any more once the hook has returned.

func (c *hookContext) Deadline() (deadline time.Time, ok bool) { return c.Load().Deadline() }
func (c *hookContext) Done() <-chan struct{}                   { return c.Load().Done() }
func (c *hookContext) Err() error                              { return c.Load().Err() }
func (c *hookContext) Value(key any) any                       { return c.Load().Value(key) }

// leave ends the context, which has the values of request.
func (c *hookContext) leave(request context.Context) {
	c.Store(&stage{over{withoutCancel(request)}})
}

// over is a context that has been canceled.
type over struct{ context.Context }

func (over) Done() <-chan struct{} { return canceledContext.Done() }
func (over) Err() error            { return canceledContext.Err() }

// canceledContext is a context that has been canceled.
var canceledContext = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()
