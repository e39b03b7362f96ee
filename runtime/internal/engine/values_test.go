package engine

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"
	"weak"
)

type valueKey string

// TestValuesOutliveTheirRequest holds that a connection's context has the values of its request and of the hook, does
// not end with them, and keeps nothing else of them in memory.
func TestValuesOutliveTheirRequest(t *testing.T) {
	for name, connect := range map[string]ConnectFunc{
		"no hook": nil,
		"a hook that returns nothing": func(context.Context, *http.Request, *ConnectQuery) (context.Context, error) {
			return nil, nil //nolint:nilnil // the hook may
		},
		"a hook that adds to its context": func(ctx context.Context, _ *http.Request, _ *ConnectQuery) (context.Context, error) {
			return context.WithValue(ctx, valueKey("hook"), "added"), nil
		},
		"a hook that adds to a context that it has limited": func(ctx context.Context, _ *http.Request, _ *ConnectQuery) (context.Context, error) {
			ctx, cancel := context.WithTimeout(ctx, time.Hour)
			_ = cancel // which the end of the hook's context does
			return context.WithValue(ctx, valueKey("hook"), "added"), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := New(Config{Limits: Limits{ConnectTimeout: 100 * time.Millisecond}})
			s.connect = connect
			kept, end := open(t, s)
			if got := kept.Value(valueKey("request")); got != "middleware" {
				t.Errorf("the value of the request is %v", got)
			}
			if connect != nil && kept.Value(valueKey("hook")) != "added" && name != "a hook that returns nothing" {
				t.Error("the value of the hook is gone")
			}
			if kept.Err() != nil || kept.Done() != nil {
				t.Error("the context ends with the request")
			}
			late := time.After(10 * time.Second)
			for end.Value() != nil { // the timer of the hook's deadline holds it until that has passed
				select {
				case <-late:
					t.Fatal("what ends the request is kept")
				default:
					runtime.GC()
				}
			}
			runtime.KeepAlive(kept)
		})
	}
}

// end is why a request has ended: whoever keeps what ends it keeps this.
type end struct{ error }

// open runs the hook for a request that then ends, as net/http's do.
func open(t *testing.T, s *Server) (kept context.Context, why weak.Pointer[end]) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	ctx, cancel := context.WithCancelCause(context.WithValue(r.Context(), valueKey("request"), "middleware"))
	cause := new(end)
	defer cancel(cause)
	kept, err := s.runConnect(r.WithContext(ctx), newConnectQuery(nil))
	if err != nil {
		t.Fatal(err)
	}
	return kept, weak.Make(cause)
}

// TestHookContextEndsWithTheHook holds that a context of the hook's ends when the hook has returned.
func TestHookContextEndsWithTheHook(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	var given, derived context.Context
	s.connect = func(ctx context.Context, _ *http.Request, _ *ConnectQuery) (context.Context, error) {
		given = ctx //nolint:fatcontext // to look at later
		derived = context.WithValue(ctx, valueKey("hook"), "added")
		if ctx.Err() != nil {
			t.Error("it has ended before")
		}
		if _, ok := ctx.Deadline(); !ok {
			t.Error("the hook has no deadline")
		}
		return derived, nil
	}
	open(t, s)
	for _, ctx := range []context.Context{given, derived} {
		<-ctx.Done()
		if !errors.Is(ctx.Err(), context.Canceled) {
			t.Errorf("it has ended with %v", ctx.Err())
		}
	}
}
