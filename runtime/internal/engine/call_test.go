package engine

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/chgen/chgen/runtime/wire"
)

// member is a membership of a connection whose carrier is c.
func member(t *testing.T, c Carrier, channel *Channel) *Membership {
	t.Helper()
	s := New(Config{Logger: slog.New(slog.DiscardHandler)})
	conn := &Conn{srv: s, mount: &s.anywhere, ser: wire.V2, entrance: s.anywhere.entrance("websocket")}
	if refusal, _ := s.begin(conn); refusal != nil {
		t.Fatal(refusal)
	}
	conn.start(context.Background(), c)
	return newMembership(conn, channel, []string{"a"}, &wire.Message{Topic: "room:a", JoinRef: wire.TextRef("1")})
}

// carried notes how often it is told that something waits.
type carried struct{ ready int }

func (c *carried) Ready()   { c.ready++ }
func (c *carried) Closing() {}
func (c *carried) Cut()     {}

// What an intercept is given is its own, though the event is everybody's.
func TestAnInterceptMayChangeThePayloadThatItIsGiven(t *testing.T) {
	t.Parallel()
	spoil := func(payload []byte, err error) error {
		clear(payload)
		return err
	}
	channel := &Channel{Spec: &Spec{Name: "Room"}, Intercepts: map[string]*Intercept{
		"json": {Handle: func(_ context.Context, _ any, call *Call) (bool, error) {
			payload, err := call.JSON()
			return false, spoil(payload, err)
		}},
		"bytes": {Handle: func(_ context.Context, _ any, call *Call) (bool, error) {
			return false, spoil(call.Bytes())
		}},
	}}
	m := member(t, new(carried), channel)
	for event := range channel.Intercepts {
		r := &record{publication: publication{event: event, payload: json.RawMessage(`{"a":1}`), binary: event == "bytes"}}
		m.serveIntercept(r)
		if got := string(r.payload); got != `{"a":1}` {
			t.Errorf("%s: the others are given %q", event, got)
		}
	}
}

// Whoever learns of the deadline by a context of his own may say so before the server has.
func TestWorkThatFailsAtItsDeadlineHasTimedOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := member(t, new(carried), &Channel{Spec: &Spec{Name: "Room"}})
		call := &Call{m: m, work: m.newWork(m.conn.srv.uptime())}
		ctx, cancel := context.WithCancel(call.work)
		defer cancel()
		<-ctx.Done()
		call.done()
		if got := string(call.failure(ctx.Err(), nil)); got != string(timeoutError) {
			t.Errorf("the client is told %s", got)
		}
	})
}
