package engine

import (
	"context"
	"net/http"
	"testing"

	"github.com/chgen/chgen/runtime/observe"
	"github.com/chgen/chgen/runtime/presence"
	"github.com/chgen/chgen/runtime/wire"
)

// TestNobodyWatchingCostsNothing holds that every place where an observer would be told allocates nothing without one,
// nor notes the time. It does not run beside others, whose allocations would be counted.
func TestNobodyWatchingCostsNothing(t *testing.T) {
	s := New(Config{})
	ctx := context.Background()
	ch := &Channel{Spec: &Spec{Name: "Room", Topic: "room:{id}"}}
	c := &Conn{srv: s, ser: wire.V2}
	c.values.Store(&ctx)
	call := &Call{m: &Membership{conn: c, channel: ch, life: lifetime{values: &ctx}}}
	ch.srv = s
	h := &hub{channel: ch}
	poll := &session{conn: c}
	got := testing.AllocsPerRun(100, func() {
		s.observeRefused(ctx, "websocket", observe.RefusedOrigin)
		c.observeOpened()
		c.observeClosed()
		c.observeRenewed(observe.OK)
		s.observeRefusedJoin(ctx, ch, rateLimited)
		call.observed().observeStart(ctx)
		call.observeEnd(true, nil)
		_, end := s.observeBroadcast(ctx, "Room", "said", "room:a", 1)
		if end != nil {
			t.Error("there is somebody to tell of a broadcast's end")
		}
		h.observeDelivered("said", 1, 1)
		s.observePresence("room:a", presence.Diff{})
		s.observeLost(ch)
		poll.observePoll(ctx)(true, http.StatusOK, 1)
		s.dropped(Volatile)
	})
	if got != 0 {
		t.Errorf("%v allocations, want none", got)
	}
	if c.opened != 0 || call.watch != nil {
		t.Error("something was noted for an observer that is not there")
	}
}
