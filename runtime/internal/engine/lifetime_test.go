package engine

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
)

// TestLifetimeIsAContext holds that a membership's context behaves as one of package context would, whether somebody
// asks for Done before its end, after it, or while it comes.
func TestLifetimeIsAContext(t *testing.T) {
	t.Parallel()
	values := context.WithValue(context.Background(), valueKey("a"), "value")
	check := func(t *testing.T, ctx context.Context) {
		t.Helper()
		if got := ctx.Value(valueKey("a")); got != "value" {
			t.Errorf("its value is %v", got)
		}
		if !errors.Is(ctx.Err(), context.Canceled) || !errors.Is(context.Cause(ctx), context.Canceled) {
			t.Errorf("it has ended with %v, because of %v", ctx.Err(), context.Cause(ctx))
		}
		<-ctx.Done()
	}
	for name, before := range map[string]func(ctx context.Context) context.Context{
		"not asked": func(ctx context.Context) context.Context { return ctx },
		"asked":     func(ctx context.Context) context.Context { _ = ctx.Done(); return ctx },
		"derived from": func(ctx context.Context) context.Context {
			ctx, cancel := context.WithCancel(ctx)
			_ = cancel // its parent's end is what is tested
			return ctx
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			life := &lifetime{values: &values}
			ctx := before(life)
			if ctx.Err() != nil || ctx.Value(valueKey("a")) != "value" {
				t.Error("it has ended, or has no values, before its end")
			}
			life.end()
			life.end()
			check(t, ctx)
			check(t, life)
			derived, cancel := context.WithCancel(life)
			defer cancel()
			check(t, derived)
		})
	}
	t.Run("while it ends", func(t *testing.T) {
		t.Parallel()
		for range 1000 {
			life := &lifetime{values: &values}
			var all sync.WaitGroup
			all.Go(life.end)
			for range 2 {
				all.Go(func() { <-life.Done() })
			}
			all.Wait()
			check(t, life)
		}
	})
}

// TestLifetimeNeedsNoGoroutines holds that contexts that hang on a membership's are known to it: package context would
// have a goroutine wait for each otherwise.
func TestLifetimeNeedsNoGoroutines(t *testing.T) {
	values := context.Background()
	life := &lifetime{values: &values}
	before := runtime.NumGoroutine()
	for range 100 {
		_, cancel := context.WithCancel(life)
		defer cancel()
	}
	if got := runtime.NumGoroutine() - before; got >= 100 {
		t.Errorf("%d goroutines for 100 contexts", got)
	}
}
