package channel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
)

// journal is what happened, in order.
type journal struct {
	mu      sync.Mutex
	entries []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, fmt.Sprintf(format, args...))
}

func (j *journal) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	j.mu.Lock()
	defer j.mu.Unlock()
	if diff := cmp.Diff(want, j.entries); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
	j.entries = nil
}

func TestRefusedJoinHasNoEffect(t *testing.T) {
	left := &journal{}
	errs := []struct {
		err  error
		want string
	}{
		{ErrNotAMember, `{"reason":"not_a_member","message":"You are not a member."}`},
		{&SlowDownError{3}, `{"reason":"internal"}`}, // not among the errors of the join
		{errors.New("secret"), `{"reason":"internal"}`},
	}
	next := 0
	r := &room{
		join: func(ctx context.Context, m *member, in RoomJoin) error {
			if in.Note == "first" {
				return nil
			}
			for _, err := range []error{
				m.socket.Push().Said(ctx, Text{"push"}),
				m.socket.Broadcast().Said(ctx, Text{"all"}),
				m.socket.Presence().Track(ctx, "u", Text{"x"}),
			} {
				if err != nil {
					t.Error(err)
				}
			}
			return errs[next].err
		},
		leave: func(_ context.Context, _ *member, reason channel.Reason) { left.add("%s", reason) },
	}
	run(t, r, func(s *site) {
		other := s.connect()
		other.send(`["1","1","room:a","phx_join",{"note":"first"}]`)
		other.expectReply("1", "ok")
		other.expectState()
		c := s.connect()
		for next = range errs {
			c.send(`["4","5","room:a","phx_join",{}]`)
			c.expect(`["4","5","room:a","phx_reply",{"status":"error","response":` + errs[next].want + `}]`)
			c.send(`["4","6","room:a","ping",{}]`)
			c.expect(`[null,"6","room:a","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]`)
		}
		c.expectNothing()
		other.expectNothing()
		left.expect(t)
		if s.log.count("secret") != 1 {
			t.Error("the error that was not meant for the client is not in the log")
		}
	})
}

func TestJoinCrash(t *testing.T) {
	for name, crash := range map[string]func(){"panic": func() { panic("boom") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			run(t, &room{join: func(context.Context, *member, RoomJoin) error { crash(); return nil }}, func(s *site) {
				c := s.connect()
				c.send(`["1","1","room:a","phx_join",{}]`)
				c.expect(`["1","1","room:a","phx_reply",{"status":"error","response":{"reason":"join crashed"}}]`)
				c.send(`["1","2","room:a","ping",{}]`)
				c.expect(`[null,"2","room:a","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]`)
			})
		})
	}
}

func TestWhatJoinSendsComesAfterTheReplyAndBeforeJoined(t *testing.T) {
	r := &room{
		join: func(ctx context.Context, m *member, _ RoomJoin) error {
			for _, err := range []error{
				m.socket.Push().Said(ctx, Text{"one"}),
				m.socket.Broadcast().Said(ctx, Text{"two"}),
				m.socket.Presence().Track(ctx, "u", Text{"x"}),
				m.socket.Push().Said(ctx, Text{"three"}),
			} {
				if err != nil {
					return err
				}
			}
			return m.socket.Do(func(ctx context.Context) { _ = m.socket.Push().Said(ctx, Text{"six"}) })
		},
		joined: func(ctx context.Context, m *member) error {
			if who, err := m.socket.Presence().List(ctx); err != nil || len(who["u"]) != 1 {
				t.Errorf("in Joined, who is here: %v, %v", who, err)
			}
			return m.socket.Push().Said(ctx, Text{"four"})
		},
	}
	run(t, r, func(s *site) {
		c := s.connect()
		c.send(`["1","1","room:a","phx_join",{}]`)
		c.send(`["1","2","room:a","say",{"body":"seven"}]`)
		c.expect(`["1","1","room:a","phx_reply",{"status":"ok","response":{"body":""}}]`,
			`["1",null,"room:a","said",{"body":"one"}]`,
			`[null,null,"room:a","said",{"body":"two"}]`,
			`["1",null,"room:a","said",{"body":"three"}]`,
			`["1",null,"room:a","said",{"body":"four"}]`)
		c.expectState()
		// What waits in the mailbox, a push and what Do was given, has an order among itself only.
		got := []string{}
		for range 2 {
			raw, _ := c.next()
			got = append(got, raw)
		}
		slices.Sort(got)
		if diff := cmp.Diff([]string{`["1","2","room:a","phx_reply",{"status":"ok","response":{"body":"seven"}}]`, `["1",null,"room:a","said",{"body":"six"}]`}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestJoinedThatFailsCrashesTheMembership(t *testing.T) {
	left := &journal{}
	r := &room{
		joined: func(context.Context, *member) error { return errors.New("boom") },
		leave:  func(_ context.Context, _ *member, reason channel.Reason) { left.add("%s", reason) },
	}
	run(t, r, func(s *site) {
		c := s.connect()
		c.send(`["1","1","room:a","phx_join",{}]`)
		c.expectReply("1", "ok")
		c.expect(`["1","1","room:a","phx_error",{"reason":"channel_crash"}]`)
		left.expect(t, "crashed")
	})
}

func TestASlowJoinDelaysOnlyItsTopic(t *testing.T) {
	release := make(chan struct{})
	r := &room{join: func(_ context.Context, m *member, _ RoomJoin) error {
		if m.socket.Topic().RoomID == "slow" {
			<-release
		}
		return nil
	}}
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release = make(chan struct{})
		s := newSite(t, channel.WithLimits(channel.Limits{Channels: 2}))
		defer s.stop()
		HandleRoom(s.server, r)
		c := s.connect()
		c.send(`["1","1","room:slow","phx_join",{}]`)
		c.send(`["1","2","room:slow","say",{"body":"a"}]`)
		c.send(`["1","3","room:slow","say",{"body":"b"}]`)
		c.send(`["1","4","room:slow","phx_leave",{}]`)
		c.send(`["5","5","room:fast","phx_join",{}]`)
		c.expectReply("5", "ok")
		c.expectState()
		c.send(`["6","6","room:third","phx_join",{}]`) // a pending join counts for the limit
		c.expectReply("6", "error")
		c.expectNothing()
		close(release)
		c.expectReply("1", "ok")
		c.expectState()
		c.expectReply("2", "ok")
		c.expectReply("3", "ok")
		c.expectReply("4", "ok")
		c.expect(`["1","1","room:slow","phx_close",{}]`)
	})
}

func TestMethodsOfOneHandlerNeverRunConcurrently(t *testing.T) {
	var inside, most atomic.Int32
	visit := func() {
		most.Store(max(most.Load(), inside.Add(1)))
		runtime.Gosched()
		inside.Add(-1)
	}
	done := make(chan struct{}, 1)
	r := &room{
		say: func(ctx context.Context, m *member, in Text) (Text, error) {
			visit()
			return in, m.socket.Broadcast().Tagged(ctx, in)
		},
		joined:    func(context.Context, *member) error { visit(); return nil },
		intercept: func(context.Context, *member, *Text) (bool, error) { visit(); return true, nil },
		leave:     func(context.Context, *member, channel.Reason) { visit(); done <- struct{}{} },
		ping: func(_ context.Context, m *member) error {
			visit()
			for range 10 {
				go func() { _ = m.socket.Do(func(context.Context) { visit() }) }()
			}
			return nil
		},
	}
	run(t, r, func(s *site) {
		done = make(chan struct{}, 1)
		c := s.join("room:a")
		for i := range 20 {
			c.send(fmt.Sprintf(`["1","%d","room:a","say",{"body":"x"}]`, i))
			c.send(fmt.Sprintf(`["1","p%d","room:a","ping",{}]`, i))
		}
		c.send(`["1","9","room:a","phx_leave",{}]`)
		<-done
		if most.Load() != 1 {
			t.Errorf("%d methods ran at once", most.Load())
		}
	})
}

func TestErrorsOfEvents(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{&SlowDownError{250}, `{"reason":"slow_down","message":"Too many messages.","retry_after_ms":250}`},
		{fmt.Errorf("wrapped: %w", &SlowDownError{1}), `{"reason":"slow_down","message":"Too many messages.","retry_after_ms":1}`},
		{ErrNotAMember, `{"reason":"internal"}`}, // not declared for the event
		{errors.New("secret"), `{"reason":"internal"}`},
		{context.Canceled, `{"reason":"internal"}`},
	}
	var err error
	r := &room{say: func(context.Context, *member, Text) (Text, error) { return Text{}, err }}
	run(t, r, func(s *site) {
		c := s.join("room:a")
		for _, test := range tests {
			err = test.err
			c.send(`["1","2","room:a","say",{"body":"x"}]`)
			c.expect(`["1","2","room:a","phx_reply",{"status":"error","response":` + test.want + `}]`)
		}
		if got := s.log.count("handler failed"); got != 3 {
			t.Errorf("logged %d errors, want 3", got)
		}
	})
}

func TestWhatTheServerEncodesWronglyIsInternal(t *testing.T) {
	r := &room{
		say: func(ctx context.Context, m *member, _ Text) (Text, error) {
			return Text{}, m.socket.Push().Said(ctx, Text{"far too long for it"})
		},
		ping: func(ctx context.Context, m *member) error {
			return m.socket.Presence().Track(ctx, "\xff", Text{"x"})
		},
	}
	run(t, r, func(s *site) {
		c := s.join("room:a")
		c.send(`["1","2","room:a","say",{"body":"x"}]`)
		c.expect(`["1","2","room:a","phx_reply",{"status":"error","response":{"reason":"internal"}}]`)
		c.send(`["1","3","room:a","ping",{}]`)
		c.expect(`["1","3","room:a","phx_reply",{"status":"error","response":{"reason":"internal"}}]`)
	})
}

func TestAPanicEndsItsMembershipAlone(t *testing.T) {
	for name, crash := range map[string]func(){"panic": func() { panic("boom") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			left := &journal{}
			r := &room{
				ping:  func(context.Context, *member) error { crash(); return nil },
				leave: func(_ context.Context, _ *member, reason channel.Reason) { left.add("%s", reason) },
			}
			run(t, r, func(s *site) {
				c := s.join("room:a")
				c.send(`["2","2","room:b","phx_join",{}]`)
				c.expectReply("2", "ok")
				c.expectState()
				c.send(`["1","3","room:a","ping",{}]`)
				c.expect(`["1","3","room:a","phx_reply",{"status":"error","response":{"reason":"internal"}}]`,
					`["1","1","room:a","phx_error",{"reason":"channel_crash"}]`)
				left.expect(t, "crashed")
				c.send(`["2","4","room:b","say",{"body":"x"}]`)
				c.expectReply("4", "ok")
				if name == "panic" && (s.log.count("boom") != 1 || s.log.count("stack=") != 1) {
					t.Error("the panic is not in the log with its stack")
				}
			})
		})
	}
}

func TestPanicsInLeaveAndDoAreContained(t *testing.T) {
	r := &room{
		ping: func(_ context.Context, m *member) error {
			return m.socket.Do(func(context.Context) { panic("in Do") })
		},
		leave: func(context.Context, *member, channel.Reason) { panic("in Leave") },
	}
	run(t, r, func(s *site) {
		c := s.join("room:a")
		c.send(`["1","2","room:a","ping",{}]`)
		c.expectReply("2", "ok")
		c.expect(`["1","1","room:a","phx_error",{"reason":"channel_crash"}]`)
		synctest.Wait()
		if s.log.count("in Do") != 1 || s.log.count("in Leave") != 1 {
			t.Error("the panics are not in the log")
		}
	})
}

func TestCloseLetsTheReplyOutFirst(t *testing.T) {
	left := &journal{}
	r := &room{
		ping: func(ctx context.Context, m *member) error {
			m.socket.Close()
			if ctx.Err() != nil {
				t.Error("Close has cancelled the message at hand")
			}
			return m.socket.Push().Said(ctx, Text{"bye"})
		},
		leave: func(ctx context.Context, m *member, reason channel.Reason) {
			left.add("%s", reason)
			if err := m.socket.Push().Said(ctx, Text{"x"}); !errors.Is(err, channel.ErrClosed) {
				t.Errorf("Push after the end: %v, want ErrClosed", err)
			}
			if err := m.socket.Do(func(context.Context) {}); !errors.Is(err, channel.ErrClosed) {
				t.Errorf("Do after the end: %v, want ErrClosed", err)
			}
			if err := m.socket.Presence().Track(ctx, "u", Text{"x"}); !errors.Is(err, channel.ErrClosed) {
				t.Errorf("Track after the end: %v, want ErrClosed", err)
			}
		},
	}
	run(t, r, func(s *site) {
		c := s.join("room:a")
		c.send(`["1","2","room:a","ping",{}]`)
		c.expect(`["1",null,"room:a","said",{"body":"bye"}]`,
			`["1","2","room:a","phx_reply",{"status":"ok","response":{}}]`,
			`["1","1","room:a","phx_close",{}]`)
		left.expect(t, "closed")
		c.send(`["1","3","room:a","ping",{}]`)
		c.expect(`[null,"3","room:a","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]`)
	})
}

func TestCloseInJoin(t *testing.T) {
	left := &journal{}
	r := &room{
		join: func(ctx context.Context, m *member, _ RoomJoin) error {
			m.socket.Close()
			return m.socket.Push().Said(ctx, Text{"bye"})
		},
		joined: func(context.Context, *member) error { t.Error("Joined was called"); return nil },
		leave:  func(_ context.Context, _ *member, reason channel.Reason) { left.add("%s", reason) },
	}
	run(t, r, func(s *site) {
		c := s.connect()
		c.send(`["1","1","room:a","phx_join",{}]`)
		c.expectReply("1", "ok")
		c.expect(`["1",null,"room:a","said",{"body":"bye"}]`, `["1","1","room:a","phx_close",{}]`)
		left.expect(t, "closed")
	})
}

func TestWhatWaitsWhenTheMembershipEndsIsAnsweredClosed(t *testing.T) {
	var gate chan struct{}
	r := &room{
		ping: func(_ context.Context, m *member) error {
			<-gate
			m.socket.Close()
			return nil
		},
		search: func(context.Context, *member, Text) (func(context.Context) (Text, error), error) {
			return func(ctx context.Context) (Text, error) {
				<-ctx.Done()
				return Text{}, ctx.Err()
			}, nil
		},
	}
	run(t, r, func(s *site) {
		gate = make(chan struct{})
		c := s.join("room:a")
		c.send(`["1","s","room:a","search",{"body":"x"}]`)
		c.send(`["1","2","room:a","ping",{}]`)
		c.send(`["1","3","room:a","say",{"body":"x"}]`)
		c.send(`["1","4","room:a","phx_leave",{}]`)
		c.expectNothing()
		close(gate)
		c.expectReply("2", "ok")
		closed := `{"status":"error","response":{"reason":"closed"}}`
		c.expect(`["1","s","room:a","phx_reply",`+closed+`]`, `["1","3","room:a","phx_reply",`+closed+`]`)
		c.expectReply("4", "ok")
		c.expect(`["1","1","room:a","phx_close",{}]`)
		c.expectNothing()
	})
}

func TestHandlerDeadline(t *testing.T) {
	var gate chan struct{}
	r := &room{
		say: func(ctx context.Context, _ *member, in Text) (Text, error) {
			deadline, ok := ctx.Deadline()
			if !ok || time.Until(deadline) != 30*time.Second {
				t.Errorf("deadline in %v, want 30s", time.Until(deadline))
			}
			<-gate // it does not look at its context
			return in, nil
		},
		ping: func(ctx context.Context, _ *member) error { <-ctx.Done(); return ctx.Err() },
	}
	run(t, r, func(s *site) {
		gate = make(chan struct{})
		c := s.join("room:a")
		began := time.Now()
		go heartbeats(c, 50*time.Second)
		c.send(`["1","2","room:a","say",{"body":"x"}]`)
		c.send(`["1","3","room:a","ping",{}]`)
		timeout := `{"status":"error","response":{"reason":"timeout"}}`
		c.expectButHeartbeats(`["1","2","room:a","phx_reply",` + timeout + `]`)
		if got := time.Since(began); got != 30*time.Second {
			t.Errorf("answered after %v, want 30s", got)
		}
		close(gate)
		c.expectButHeartbeats(`["1","3","room:a","phx_reply",` + timeout + `]`)
	})
}

func TestConcurrentEventsRunBeside(t *testing.T) {
	var gate chan struct{}
	r := &room{search: func(_ context.Context, _ *member, in Text) (func(context.Context) (Text, error), error) {
		switch in.Body {
		case "refuse":
			return nil, &SlowDownError{1}
		case "nothing":
			return nil, nil //nolint:nilnil // which is what is tested
		case "panic":
			return func(context.Context) (Text, error) { panic("boom") }, nil
		case "Goexit":
			return func(context.Context) (Text, error) { runtime.Goexit(); return Text{}, nil }, nil
		}
		return func(context.Context) (Text, error) {
			if in.Body == "slow" {
				<-gate
			}
			return in, nil
		}, nil
	}}
	run(t, r, func(s *site) {
		gate = make(chan struct{})
		c := s.join("room:a")
		c.send(`["1","2","room:a","search",{"body":"slow"}]`)
		c.send(`["1","3","room:a","search",{"body":"fast"}]`)
		c.expectReply("3", "ok")
		c.send(`["1","4","room:a","say",{"body":"x"}]`)
		c.expectReply("4", "ok")
		c.send(`["1","5","room:a","search",{"body":"refuse"}]`)
		if response := c.expectReply("5", "error"); response["reason"] != "slow_down" {
			t.Errorf("got %v, want slow_down", response)
		}
		c.send(`["1","5","room:a","search",{"body":"nothing"}]`)
		c.expect(`["1","5","room:a","phx_reply",{"status":"error","response":{"reason":"internal"}}]`)
		if n := s.log.count("returned neither work nor an error"); n != 1 {
			t.Errorf("%d log entries say so, want 1", n)
		}
		c.send(`["1","6","room:a","search",{"body":"Goexit"}]`)
		c.expectReply("6", "error")
		close(gate)
		c.expectReply("2", "ok")
		c.send(`["1","7","room:a","search",{"body":"panic"}]`)
		c.expectReply("7", "error")
		c.expect(`["1","1","room:a","phx_error",{"reason":"channel_crash"}]`)
	})
}

func TestConcurrentEventsAreBounded(t *testing.T) {
	var gate chan struct{}
	r := &room{search: func(context.Context, *member, Text) (func(context.Context) (Text, error), error) {
		return func(context.Context) (Text, error) { <-gate; return Text{}, nil }, nil
	}}
	run(t, r, func(s *site) {
		gate = make(chan struct{})
		c := s.join("room:a")
		for i := range 3 {
			c.send(fmt.Sprintf(`["1","%d","room:a","search",{"body":"x"}]`, i))
			synctest.Wait()
		}
		c.expect(`["1","2","room:a","phx_reply",{"status":"error","response":{"reason":"rate_limited"}}]`)
		close(gate)
		c.expectReplyTo(nil, "ok")
		c.expectReplyTo(nil, "ok")
	}, channel.WithLimits(channel.Limits{MailboxPushes: 2}))
}

func TestAFullMailboxAnswersRateLimited(t *testing.T) {
	var gate chan struct{}
	r := &room{ping: func(context.Context, *member) error { <-gate; return nil }}
	run(t, r, func(s *site) {
		gate = make(chan struct{})
		c := s.join("room:a")
		c.send(`["1","first","room:a","ping",{}]`)
		synctest.Wait() // it is in turn
		for i := range 65 {
			c.send(fmt.Sprintf(`["1","%d","room:a","say",{"body":"x"}]`, i))
		}
		c.expect(`["1","64","room:a","phx_reply",{"status":"error","response":{"reason":"rate_limited"}}]`)
		c.expectNothing()
		close(gate)
		c.expectReply("first", "ok")
		for i := range 64 {
			c.expectReply(fmt.Sprint(i), "ok")
		}
	})
}

func TestDoIsBounded(t *testing.T) {
	r := &room{ping: func(_ context.Context, m *member) error {
		var errs []error
		for range 4 {
			errs = append(errs, m.socket.Do(func(context.Context) {}))
		}
		if errs[2] != nil || !errors.Is(errs[3], channel.ErrBusy) {
			t.Errorf("got %v, want ErrBusy for the fourth", errs)
		}
		return nil
	}}
	run(t, r, func(s *site) {
		c := s.join("room:a")
		c.send(`["1","2","room:a","ping",{}]`)
		c.expectReply("2", "ok")
	}, channel.WithLimits(channel.Limits{MailboxWork: 3}))
}

func TestDoRunsInTurn(t *testing.T) {
	r := &room{ping: func(_ context.Context, m *member) error {
		return m.socket.Do(func(ctx context.Context) {
			if _, ok := ctx.Deadline(); !ok {
				t.Error("Do's context has no deadline")
			}
			_ = m.socket.Push().Said(ctx, Text{"done"})
		})
	}}
	run(t, r, func(s *site) {
		c := s.join("room:a")
		c.send(`["1","2","room:a","ping",{}]`)
		c.expectReply("2", "ok")
		c.expect(`["1",null,"room:a","said",{"body":"done"}]`)
	})
}

func TestDuplicateJoin(t *testing.T) {
	left := &journal{}
	r := &room{
		join: func(_ context.Context, _ *member, in RoomJoin) error {
			left.add("join %s", in.Note)
			if in.Note == "refuse" {
				return ErrNotAMember
			}
			return nil
		},
		ping: func(ctx context.Context, _ *member) error { <-ctx.Done(); return ctx.Err() },
		leave: func(ctx context.Context, _ *member, reason channel.Reason) {
			deadline, _ := ctx.Deadline()
			left.add("leave %s %v %v", reason, ctx.Err(), time.Until(deadline))
		},
	}
	run(t, r, func(s *site) {
		c := s.join("room:a")
		c.send(`["1","2","room:a","ping",{}]`)
		c.send(`["1","3","room:a","say",{"body":"x"}]`)
		synctest.Wait()
		c.send(`["4","4","room:a","phx_join",{"note":"b"}]`)
		closed := `{"status":"error","response":{"reason":"closed"}}`
		c.expect(`["1","2","room:a","phx_reply",`+closed+`]`, `["1","3","room:a","phx_reply",`+closed+`]`,
			`["4","4","room:a","phx_reply",{"status":"ok","response":{"body":"b"}}]`,
			`["1","1","room:a","phx_close",{}]`)
		c.expectState()
		left.expect(t, "join ", "leave replaced <nil> 5s", "join b")
		c.send(`["1","5","room:a","say",{"body":"stale"}]`)
		c.send(`["4","6","room:a","say",{"body":"x"}]`)
		c.expectReply("6", "ok")
		c.send(`["7","7","room:a","phx_join",{"note":"refuse"}]`)
		c.expectReply("7", "error")
		c.expect(`["4","4","room:a","phx_close",{}]`)
		left.expect(t, "leave replaced <nil> 5s", "join refuse")
		c.send(`["8","8","room:a","phx_join",{"note":"c"}]`) // no phx_close for a join that was refused
		c.expectReply("8", "ok")
		c.expectState()
	})
}

func TestADuplicateJoinWaitsFiveSecondsAtMost(t *testing.T) {
	var gate chan struct{}
	r := &room{ping: func(context.Context, *member) error { <-gate; return nil }}
	run(t, r, func(s *site) {
		gate = make(chan struct{})
		c := s.join("room:a")
		c.send(`["1","2","room:a","ping",{}]`)
		synctest.Wait()
		began := time.Now()
		c.send(`["4","4","room:a","phx_join",{}]`)
		c.expectReply("4", "ok")
		if got := time.Since(began); got != 5*time.Second {
			t.Errorf("waited %v, want 5s", got)
		}
		c.expect(`["1","1","room:a","phx_close",{}]`)
		c.expectState()
		close(gate)
		c.expectReply("2", "ok") // answered once, late
		c.send(`["4","5","room:a","say",{"body":"x"}]`)
		c.expectReply("5", "ok")
	})
}

func TestLeaveThenJoinAtOnce(t *testing.T) {
	left := &journal{}
	r := &room{leave: func(_ context.Context, _ *member, reason channel.Reason) { left.add("%s", reason) }}
	run(t, r, func(s *site) {
		c := s.join("room:a")
		c.send(`["1","2","room:a","phx_leave",{}]`)
		c.send(`["3","3","room:a","phx_join",{}]`)
		c.expectReply("2", "ok")
		c.expect(`["1","1","room:a","phx_close",{}]`)
		c.expectReply("3", "ok")
		c.expectState()
		left.expect(t, "left")
	})
}

func TestAPendingJoinIsReplaced(t *testing.T) {
	journal := &journal{}
	r := &room{
		join: func(ctx context.Context, _ *member, in RoomJoin) error {
			if in.Note == "slow" {
				<-ctx.Done()
			}
			return nil
		},
		leave: func(_ context.Context, _ *member, reason channel.Reason) { journal.add("%s", reason) },
	}
	run(t, r, func(s *site) {
		c := s.connect()
		c.send(`["1","1","room:a","phx_join",{"note":"slow"}]`)
		synctest.Wait()
		c.send(`["2","2","room:a","phx_join",{"note":"slow"}]`)
		synctest.Wait() // or it might be replaced before it has begun
		c.send(`["3","3","room:a","phx_join",{}]`)
		c.expect(`["1","1","room:a","phx_reply",{"status":"error","response":{"reason":"closed"}}]`,
			`["2","2","room:a","phx_reply",{"status":"error","response":{"reason":"closed"}}]`,
			`["3","3","room:a","phx_reply",{"status":"ok","response":{"body":""}}]`)
		c.expectState()
		journal.expect(t, "replaced", "replaced")
	})
}

func TestAJoinThatTakesTooLongIsAnsweredTimeout(t *testing.T) {
	var gate chan struct{}
	left := &journal{}
	r := &room{
		join: func(_ context.Context, m *member, in RoomJoin) error {
			if in.Note == "slow" {
				<-gate
				if err := m.socket.Push().Said(context.Background(), Text{"late"}); !errors.Is(err, channel.ErrClosed) {
					t.Errorf("Push after the refusal: %v, want ErrClosed", err)
				}
			}
			return nil
		},
		leave: func(_ context.Context, _ *member, reason channel.Reason) { left.add("%s", reason) },
	}
	run(t, r, func(s *site) {
		gate = make(chan struct{})
		c := s.connect()
		c.send(`["1","1","room:a","phx_join",{"note":"slow"}]`)
		c.send(`["1","2","room:a","ping",{}]`)
		c.expect(`["1","1","room:a","phx_reply",{"status":"error","response":{"reason":"timeout"}}]`,
			`[null,"2","room:a","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]`)
		c.send(`["3","3","room:a","phx_join",{}]`)
		c.expectReply("3", "ok")
		c.expectState()
		close(gate)
		c.expectNothing()
		left.expect(t, "closed")
	})
}

func TestLeaveIsCalledWhenTheConnectionEnds(t *testing.T) {
	left := &journal{}
	r := &room{
		ping: func(ctx context.Context, _ *member) error {
			<-ctx.Done()
			left.add("cancelled")
			return nil
		},
		leave: func(_ context.Context, _ *member, reason channel.Reason) { left.add("%s", reason) },
	}
	run(t, r, func(s *site) {
		c := s.join("room:a")
		c.send(`["1","2","room:a","ping",{}]`)
		synctest.Wait()
		c.close()
		left.expect(t, "cancelled", "disconnected")

		c = s.join("room:a")
		synctest.Wait()
		_ = c.ws.CloseNow()
		left.expect(t, "disconnected")
	})
}

func TestLeaveIsCalledForAJoinWhoseClientIsGone(t *testing.T) {
	left := &journal{}
	r := &room{
		join: func(ctx context.Context, m *member, _ RoomJoin) error {
			_ = m.socket.Broadcast().Said(ctx, Text{"all"})
			<-ctx.Done()
			return nil
		},
		joined: func(context.Context, *member) error { t.Error("Joined was called"); return nil },
		leave:  func(_ context.Context, _ *member, reason channel.Reason) { left.add("%s", reason) },
	}
	run(t, r, func(s *site) {
		c := s.connect()
		c.send(`["1","1","room:a","phx_join",{}]`)
		synctest.Wait()
		c.close()
		left.expect(t, "disconnected")
	})
}
