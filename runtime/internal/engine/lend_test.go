//go:build linux && !chgen_portable

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// handleRoom serves a channel whose events work for a moment, block until they are let go, or end their goroutine.
func handleRoom(s *Server) (begun, release chan struct{}) {
	begun, release = make(chan struct{}), make(chan struct{})
	s.Handle(&Channel{
		Spec: &Spec{Name: "Room", Topic: "room:{id}"},
		Join: func(context.Context, *Membership, *Call) (any, error) { return struct{}{}, nil },
		Events: map[string]*Event{
			"quick": {Handle: func(context.Context, any, *Call) error { return nil }},
			"block": {Handle: func(context.Context, any, *Call) error {
				begun <- struct{}{}
				<-release
				return nil
			}},
			"exit": {Handle: func(context.Context, any, *Call) error {
				runtime.Goexit()
				return nil
			}},
		},
	})
	return begun, release
}

func say(t *testing.T, conn *websocket.Conn, format string, args ...any) {
	t.Helper()
	if err := conn.Write(t.Context(), websocket.MessageText, fmt.Appendf(nil, format, args...)); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, conn *websocket.Conn, want string) {
	t.Helper()
	if _, got, err := conn.Read(t.Context()); err != nil || !strings.Contains(string(got), want) {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

// busy joins two rooms and keeps the connection so busy that its reader works on pushes itself.
func busy(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	for _, topic := range []string{"room:a", "room:b"} {
		say(t, conn, `["1","1","%s","phx_join",{}]`, topic)
		hear(t, conn, `"ok"`)
	}
	for ref := range 3 * busyStreak {
		say(t, conn, `["1","%d","room:a","quick",{}]`, ref)
		hear(t, conn, fmt.Sprintf(`["1","%d","room:a","phx_reply"`, ref))
	}
}

func TestAHandlerThatTakesLongDelaysNothingOfItsConnection(t *testing.T) {
	t.Parallel()
	s, web := parkServer(t, Config{})
	begun, release := handleRoom(s)
	conn := dial(t, web)
	for range 5 {
		busy(t, conn)
		say(t, conn, `["1","90","room:a","block",{}]`)
		<-begun
		beat(t, conn, 91)
		say(t, conn, `["1","92","room:b","quick",{}]`)
		hear(t, conn, `["1","92","room:b","phx_reply"`)
		say(t, conn, `["1","93","room:a","quick",{}]`)
		release <- struct{}{}
		hear(t, conn, `["1","90","room:a","phx_reply"`)
		hear(t, conn, `["1","93","room:a","phx_reply"`)
		for _, topic := range []string{"room:a", "room:b"} {
			say(t, conn, `["1","94","%s","phx_leave",{}]`, topic)
			hear(t, conn, `"phx_reply"`)
			hear(t, conn, `"phx_close"`)
		}
	}
}

func TestAHandlerThatEndsItsGoroutineDoesNotEndItsConnection(t *testing.T) {
	t.Parallel()
	s, web := parkServer(t, Config{})
	handleRoom(s)
	conn := dial(t, web)
	busy(t, conn)
	say(t, conn, `["1","90","room:a","exit",{}]`)
	hear(t, conn, `"internal"`)
	hear(t, conn, `"phx_error"`)
	say(t, conn, `["1","91","room:b","quick",{}]`)
	hear(t, conn, `["1","91","room:b","phx_reply"`)
}

func TestAConnectionEndsWhileItsReaderIsAway(t *testing.T) {
	t.Parallel()
	s, web := parkServer(t, Config{})
	begun, release := handleRoom(s)
	conn := dial(t, web)
	busy(t, conn)
	say(t, conn, `["1","90","room:a","block",{}]`)
	<-begun
	_ = conn.CloseNow()
	release <- struct{}{}
	until(t, "the connection has ended", allParked(s, 0))
}

// Calls and the memory of their frames go back to others, but not what a handler may keep.
func TestWhatAHandlerKeepsOfAPushStaysAsItIs(t *testing.T) {
	t.Parallel()
	s, web := parkServer(t, Config{})
	type kept struct {
		ctx  context.Context
		json json.RawMessage
	}
	var all []kept
	s.Handle(&Channel{
		Spec: &Spec{Name: "Room", Topic: "room:{id}"},
		Join: func(context.Context, *Membership, *Call) (any, error) { return struct{}{}, nil },
		Events: map[string]*Event{"keep": {Handle: func(ctx context.Context, _ any, call *Call) error {
			payload, err := call.JSON()
			all = append(all, kept{ctx, payload})
			return errors.Join(err, ctx.Err())
		}}},
	})
	conn := dial(t, web)
	say(t, conn, `["1","1","room:a","phx_join",{}]`)
	hear(t, conn, `"ok"`)
	for i := range 20 * busyStreak {
		say(t, conn, `["1","2","room:a","keep",{"n":%d}]`, i)
		hear(t, conn, `"ok"`)
	}
	for i, k := range all {
		if want := fmt.Sprintf(`{"n":%d}`, i); string(k.json) != want {
			t.Errorf("the payload of push %d is %s", i, k.json)
		}
		if i < len(all)-1 && !errors.Is(k.ctx.Err(), context.Canceled) { // the last handler may be about to end
			t.Errorf("the context of push %d says %v", i, k.ctx.Err())
		}
	}
}

func TestAReaderThatWasAwayForLongStaysForAWhile(t *testing.T) {
	t.Parallel()
	var w readerWatch
	l := &link{}
	l.desk = w.desk()
	l.gaps, l.rest = busyStreak, 2
	for i, want := range []bool{false, false, true, false} {
		if got := l.takeDesk(); got != want {
			t.Errorf("push %d: the reader works on it: %v, want %v", i, got, want)
		}
	}
}

// A reader that is back takes itself from the desk in a second step, and may be held up before that.
func TestNobodyTakesOverFromAReaderThatIsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var work sync.WaitGroup
		w := &readerWatch{work: &work}
		l := &link{}
		l.desk = w.desk()
		l.turn.Store(2)
		l.desk.Store(l)
		w.start()
		<-time.After(10 * watchRound)
		l.desk.Store(nil)
		work.Wait()
		if turn := l.turn.Load(); turn != 2 {
			t.Errorf("a second reader was started: turn %d", turn)
		}
	})
}
