package client_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chgen/chgen/runtime/client"
	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/testdata/golang/chat"
)

func TestParamsAreAskedForBeforeEveryAttempt(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		names := []string{"ada", "bob", "eve"}
		c := s.client(client.WithParamsFunc(func(context.Context) (codec.Marshaler, error) {
			name := names[0]
			names = names[1:]
			return &chat.ConnectParams{Name: name}, nil
		}))
		s.fail = []error{errors.New("no route")}
		if err := c.Connect(t.Context()); err == nil || err.Error() != "no route" {
			t.Fatalf("Connect: %v, want what the attempt failed with", err)
		}
		for _, want := range []string{"bob", "eve"} {
			l := s.accept()
			if got := l.query.Get("name"); got != want {
				t.Errorf("name %q, want %q", got, want)
			}
			if l.path != "/socket/websocket" || l.query.Get("vsn") != "2.0.0" || l.query.Get("chgen") != "1" {
				t.Errorf("connected to %s with %v", l.path, l.query)
			}
			l.fail(errors.New("gone"))
		}
	})
}

func TestReconnectingBacksOffAndObeysTheServersHint(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		c := s.client()
		result := start(func() error { return c.Connect(t.Context()) })
		l := s.accept()
		l.beat()
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		for i, step := range []struct {
			err       error
			low, high time.Duration
		}{
			{errors.New("gone"), 250 * time.Millisecond, 500 * time.Millisecond},
			{&client.CloseError{Code: 1001}, 500 * time.Millisecond, time.Second},
			{&client.CloseError{Code: 1012, Reason: "retry_after_ms=30000"}, 31 * time.Second, 32 * time.Second},
		} {
			ended := time.Now()
			l.fail(step.err)
			l = s.accept()
			if wait := l.at.Sub(ended); wait < step.low || wait > step.high {
				t.Errorf("attempt %d after %v, want %v to %v", i, wait, step.low, step.high)
			}
		}
	})
}

func TestASuccessThatLastsMakesTheNextFailureTheFirst(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		c := s.client()
		s.fail = []error{errors.New("1"), errors.New("2"), errors.New("3"), errors.New("4"), errors.New("5")}
		_ = c.Connect(t.Context())
		l := s.accept()
		<-time.After(5 * time.Second)
		ended := time.Now()
		l.fail(errors.New("gone"))
		if wait := s.accept().at.Sub(ended); wait > 500*time.Millisecond {
			t.Errorf("reconnects after %v, want half a second at most", wait)
		}
	})
}

func TestARefusalEndsTheClient(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		c := s.client()
		var states recorder
		c.OnState(func(change client.StateChange) { states.add("%v %v", change.State, change.Err) })
		room := chat.NewRoomClient(c, lobby)
		result := start(func() error {
			_, err := room.Join(t.Context(), chat.RoomJoin{})
			return err
		})
		s.accept().fail(&client.RefusedError{Reason: "no such name"})
		for _, err := range []error{<-result, c.Connect(t.Context()), room.SetTyping(t.Context(), chat.RoomSetTyping{})} {
			if refused, ok := errors.AsType[*client.RefusedError](err); !ok || refused.Reason != "no such name" {
				t.Errorf("got %v, want the refusal", err)
			}
		}
		if c.State() != client.Refused {
			t.Errorf("state %v", c.State())
		}
		states.expect(t, "connecting <nil>", "refused the server has refused the connection: no such name")
		<-time.After(time.Hour)
		if len(s.conns) > 0 {
			t.Error("it connects again")
		}
	})
}

func TestASilentConnectionIsGivenUp(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		c := s.client()
		var states recorder
		c.OnState(func(change client.StateChange) { states.add("%v %v", change.State, change.Err) })
		result := start(func() error { return c.Connect(t.Context()) })
		l := s.accept()
		l.beat()
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		second := s.accept()
		if lasted := second.at.Sub(l.at); lasted < 40*time.Second || lasted > 41*time.Second {
			t.Errorf("given up after %v, want 40 s: 30 to the second heartbeat and 10 for its answer", lasted)
		}
		if beats := len(l.out); beats != 1 {
			t.Errorf("%d heartbeats without an answer, want 1", beats)
		}
		states.expect(t, "connecting <nil>", "open <nil>", "reconnecting heartbeat timeout")
	})
}

func TestHeartbeatsKeepAConnection(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		c := s.client()
		_ = start(func() error { return c.Connect(t.Context()) })
		l := s.accept()
		beats := make(chan struct{})
		go func() {
			defer close(beats)
			for range 10 {
				l.beat()
			}
		}()
		<-beats
		if lasted := time.Since(l.at); lasted != 270*time.Second || c.State() != client.Open {
			t.Errorf("ten heartbeats took %v, the client is %v; want 270 s and open", lasted, c.State())
		}
	})
}

func TestAnUndecodableFrameEndsTheConnection(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		c := s.client()
		_ = start(func() error { return c.Connect(t.Context()) })
		s.accept().send(`{"no": "frame"}`)
		s.accept() // another one
	})
}

func TestCloseFailsWhateverWaits(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		c := s.client()
		room := chat.NewRoomClient(c, lobby)
		var states recorder
		joinLobby(t, room, s)
		synctest.Wait()
		room.Channel().OnState(func(change client.ChannelStateChange) { states.add("%v %v", change.State, change.Err) })
		push := start(func() error { return room.SetTyping(t.Context(), chat.RoomSetTyping{}) })
		other := start(func() error {
			_, err := chat.NewRoomClient(c, chat.RoomTopic{RoomID: "other"}).Join(t.Context(), chat.RoomJoin{})
			return err
		})
		synctest.Wait()
		var closers sync.WaitGroup
		for range 2 {
			closers.Go(c.Close)
		}
		closers.Wait()
		wantErr(t, <-push, client.ErrClosed)
		wantErr(t, <-other, client.ErrClosed)
		wantErr(t, c.Connect(t.Context()), client.ErrClosed)
		_, err := room.Join(t.Context(), chat.RoomJoin{})
		wantErr(t, err, client.ErrClosed)
		wantErr(t, room.SetTyping(t.Context(), chat.RoomSetTyping{}), client.ErrClosed)
		if err := room.Leave(t.Context()); err != nil {
			t.Errorf("Leave: %v", err)
		}
		states.expect(t, "out the client is closed")
		if c.State() != client.Closed {
			t.Errorf("state %v", c.State())
		}
	})
}

func TestConnectEndsWithItsContext(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		c := s.client()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantErr(t, c.Connect(ctx), context.DeadlineExceeded)
		s.accept().beat()
		synctest.Wait()
		if err := c.Connect(t.Context()); err != nil || c.State() != client.Open {
			t.Errorf("it goes on in the background: %v, %v", err, c.State())
		}
	})
}

func TestURLsThatAreNoSocketsAreRefused(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"", "example.com/socket", "ftp://example.com", "://"} {
		if _, err := client.New(target); err == nil {
			t.Errorf("%q is taken", target)
		}
	}
}
