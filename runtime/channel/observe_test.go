package channel_test

import (
	"context"
	"encoding/json"
	"errors"
	"expvar"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/gen"
	"github.com/chgen/chgen/runtime/observe"
)

// diary is an observer that writes down what it is told, each as its type and what is in it.
type diary struct {
	mu      sync.Mutex
	entries []string
}

func (d *diary) note(e any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, strings.TrimPrefix(fmt.Sprintf("%T%+v", e, e), "observe."))
}

// take returns what has been written since, once everything is at rest.
func (d *diary) take() []string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	entries := d.entries
	d.entries = nil
	return entries
}

func (d *diary) expect(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, d.take()); diff != "" {
		t.Fatalf("what the observer was told (-want +got):\n%s", diff)
	}
}

func note[E any](d *diary) func(context.Context, E) {
	return func(_ context.Context, e E) { d.note(e) }
}

func start[E any](d *diary) func(context.Context, E) context.Context {
	return func(ctx context.Context, e E) context.Context {
		d.note(e)
		return ctx
	}
}

func (d *diary) observer() observe.Observer {
	return observe.Observer{
		Opened:           note[observe.Opened](d),
		Closed:           note[observe.Closed](d),
		Refused:          note[observe.Refused](d),
		Renewed:          note[observe.Renewed](d),
		JoinStart:        start[observe.JoinStart](d),
		JoinEnd:          note[observe.JoinEnd](d),
		Left:             note[observe.Left](d),
		PushStart:        start[observe.PushStart](d),
		PushEnd:          note[observe.PushEnd](d),
		BroadcastStart:   start[observe.BroadcastStart](d),
		BroadcastEnd:     note[observe.BroadcastEnd](d),
		Delivered:        note[observe.Delivered](d),
		Dropped:          note[observe.Dropped](d),
		PresenceChanged:  note[observe.PresenceChanged](d),
		Polled:           note[observe.Polled](d),
		Recovered:        note[observe.Recovered](d),
		SubscriptionLost: note[observe.SubscriptionLost](d),
	}
}

func TestObserverIsToldOfRenewals(t *testing.T) {
	d := &diary{}
	run(t, &room{}, func(s *site) {
		gen.OnConnect(s.server, named(nil))
		c := s.connectTo(asAda)
		_ = d.take()
		for _, params := range []string{`{"name":"bob"}`, `[]`, `{"name":"panic"}`, `{"name":"slow"}`, `{"name":"banned"}`} {
			c.send(fmt.Sprintf(renew, params))
			<-time.After(time.Minute / 2)
		}
		d.expect(t, `Renewed{Outcome:ok}`, `Renewed{Outcome:invalid_payload}`, `Renewed{Outcome:internal}`, `Renewed{Outcome:timeout}`,
			`Renewed{Outcome:refused}`, `Closed{Transport:websocket Version:2 Code:4403 Reason:you are banned Duration:2m0s}`)
	}, channel.WithObserver(d.observer()), channel.WithLimits(channel.Limits{IdleTimeout: time.Hour}))
}

func TestObserverIsToldOfAConnectionsLife(t *testing.T) {
	d := &diary{}
	r := &room{
		join: func(ctx context.Context, m *member, _ RoomJoin) error {
			return m.socket.Presence().Track(ctx, "ann", Text{"here"})
		},
		say: func(ctx context.Context, m *member, in Text) (Text, error) {
			if in.Body == "wait" {
				<-time.After(time.Second)
			}
			return in, m.socket.Broadcast().Said(ctx, in)
		},
	}
	run(t, r, func(s *site) {
		c := s.join("room:a")
		d.expect(t,
			`Opened{Transport:websocket Version:2}`,
			`JoinStart{Channel:Room Topic:room:a}`,
			`JoinEnd{Channel:Room Outcome:ok Duration:0s}`,
			`Delivered{Channel:Room Event:presence_diff Subscribers:0 Bytes:0}`,
			`PresenceChanged{Channel:Room Joins:1 Leaves:0}`,
		)
		c.send(`["1","2","room:a","say",{"body":"wait"}]`)
		c.send(`["1","3","room:a","ping",{}]`)
		_, _ = c.next()
		c.expectReply("2", "ok")
		c.expectReply("3", "ok")
		d.expect(t,
			`PushStart{Channel:Room Event:say Topic:room:a Wait:0s}`,
			`BroadcastStart{Channel:Room Event:said Topic:room:a}`,
			`Delivered{Channel:Room Event:said Subscribers:1 Bytes:45}`,
			`BroadcastEnd{Channel:Room Event:said Bytes:24 Err:<nil> Duration:0s}`,
			`PushEnd{Channel:Room Event:say Outcome:ok Wait:0s Duration:1s}`,
			`PushStart{Channel:Room Event:ping Topic:room:a Wait:1s}`,
			`PushEnd{Channel:Room Event:ping Outcome:ok Wait:1s Duration:0s}`,
		)
		c.send(`["1","4","room:a","phx_leave",{}]`)
		c.expectReply("4", "ok")
		d.expect(t,
			`PresenceChanged{Channel:Room Joins:0 Leaves:1}`,
			`Left{Channel:Room Reason:left}`,
		)
		c.close()
		d.expect(t, `Closed{Transport:websocket Version:2 Code:1000 Reason: Duration:1s}`)
	}, channel.WithObserver(d.observer()))
}

// TestObserverIsToldOfEachPushOnce plays every way in which a push can be answered.
func TestObserverIsToldOfEachPushOnce(t *testing.T) {
	for _, test := range []struct {
		name  string
		frame string
		say   func(ctx context.Context, m *member, in Text) (Text, error)
		want  string // of PushEnd
	}{
		{"unknown event", `["1","2","room:a","made up",{}]`, nil, `Event:_OTHER Outcome:unknown_event Wait:0s Duration:0s`},
		{"invalid payload", `["1","2","room:a","say",{"body":5}]`, nil, `Event:say Outcome:invalid_payload Wait:0s Duration:0s`},
		{"declared error", `["1","2","room:a","say",{"body":"x"}]`, func(context.Context, *member, Text) (Text, error) {
			return Text{}, &SlowDownError{5}
		}, `Event:say Outcome:slow_down Wait:0s Duration:0s`},
		{"error", `["1","2","room:a","say",{"body":"x"}]`, func(context.Context, *member, Text) (Text, error) {
			return Text{}, errors.New("broken")
		}, `Event:say Outcome:internal Wait:0s Duration:0s`},
		{"panic", `["1","2","room:a","say",{"body":"x"}]`, func(context.Context, *member, Text) (Text, error) {
			panic("broken")
		}, `Event:say Outcome:internal Wait:0s Duration:0s`},
		{"deadline", `["1","2","room:a","say",{"body":"x"}]`, func(context.Context, *member, Text) (Text, error) {
			<-time.After(time.Minute)
			return Text{}, nil
		}, `Event:say Outcome:timeout Wait:0s Duration:30s`},
		{"leave", `["1","2","room:a","say",{"body":"x"}]`, func(_ context.Context, m *member, _ Text) (Text, error) {
			m.socket.Close()
			return Text{}, nil
		}, `Event:say Outcome:ok Wait:0s Duration:0s`},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := &diary{}
			run(t, &room{say: test.say}, func(s *site) {
				c := s.join("room:a")
				d.take()
				c.send(test.frame)
				for {
					if _, frame := c.next(); frame[3] == "phx_reply" {
						break
					}
				}
				heartbeats(c, time.Minute)
				var ends []string
				for _, e := range d.take() {
					if strings.HasPrefix(e, "PushEnd") {
						ends = append(ends, e)
					}
				}
				if diff := cmp.Diff([]string{`PushEnd{Channel:Room ` + test.want + `}`}, ends); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}, channel.WithObserver(d.observer()))
		})
	}
}

func TestObserverIsToldOfRefusals(t *testing.T) {
	d := &diary{}
	r := &room{join: func(context.Context, *member, RoomJoin) error { return ErrNotAMember }}
	run(t, r, func(s *site) {
		OnConnect(s.server, func(ctx context.Context, _ *http.Request, params ConnectParams) (context.Context, error) {
			if params.Name == "eve" {
				return nil, errors.New("not eve")
			}
			return ctx, nil
		})
		s.refusedWith(403, "/socket/websocket?vsn=9.0.0&name=ann", nil)
		s.refusedWith(403, "/socket/websocket?vsn=2.0.0&name=eve", nil)
		c := s.connectTo("/socket/websocket?vsn=1.0.0&name=eve&chgen=1")
		c.expectClose(4403, "")
		d.expect(t,
			`Refused{Transport:websocket Cause:version}`,
			`Refused{Transport:websocket Cause:hook}`,
			`Refused{Transport:websocket Cause:hook}`,
			`Opened{Transport:websocket Version:1}`,
			`Closed{Transport:websocket Version:1 Code:4403 Reason:refused Duration:0s}`,
		)
		c = s.connectTo("/socket/websocket?vsn=2.0.0&name=ann")
		c.send(`["1","1","room:a","phx_join",{}]`)
		c.expectReply("1", "error")
		d.expect(t,
			`Opened{Transport:websocket Version:2}`,
			`JoinStart{Channel:Room Topic:room:a}`,
			`JoinEnd{Channel:Room Outcome:not_a_member Duration:0s}`,
		)
		c.close()
	}, channel.WithObserver(d.observer()))
}

func TestObserverSeesPolls(t *testing.T) {
	d := &diary{}
	run(t, &room{}, func(s *site) {
		p := s.poller("")
		p.send(`["1","1","room:a","phx_join",{}]`)
		p.poll()
		got := slices.DeleteFunc(d.take(), func(e string) bool { return strings.HasPrefix(e, "Join") || strings.HasPrefix(e, "Delivered") })
		want := []string{
			`Opened{Transport:longpoll Version:2}`,
			`Polled{Batch:true Status:200 Messages:1 Duration:0s}`,
			`Polled{Batch:false Status:200 Messages:2 Duration:0s}`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}, channel.WithObserver(d.observer()))
}

type traceKey struct{}

// TestContextOfAPushReachesItsBroadcasts holds that a span that an observer begins at a push, or a join, is what the
// handler works in and what its broadcasts belong to, also those that wait for the join's reply.
func TestContextOfAPushReachesItsBroadcasts(t *testing.T) {
	seen := &journal{}
	trace := func(ctx context.Context, what string) { seen.add("%s in %v", what, ctx.Value(traceKey{})) }
	o := observe.Observer{
		JoinStart: func(ctx context.Context, _ observe.JoinStart) context.Context {
			return context.WithValue(ctx, traceKey{}, "join")
		},
		PushStart: func(ctx context.Context, _ observe.PushStart) context.Context {
			return context.WithValue(ctx, traceKey{}, "push")
		},
		PushEnd: func(ctx context.Context, _ observe.PushEnd) { trace(ctx, "end") },
		BroadcastStart: func(ctx context.Context, _ observe.BroadcastStart) context.Context {
			trace(ctx, "broadcast")
			return nil
		},
		BroadcastEnd: func(ctx context.Context, _ observe.BroadcastEnd) { trace(ctx, "published") },
	}
	say := func(ctx context.Context, m *member, in Text) (Text, error) {
		trace(ctx, "handler")
		return in, m.socket.Broadcast().Said(ctx, in)
	}
	r := &room{say: say, join: func(ctx context.Context, m *member, _ RoomJoin) error {
		_, err := say(ctx, m, Text{"hello"})
		return err
	}}
	run(t, r, func(s *site) {
		c := s.connect()
		c.send(`["1","1","room:a","phx_join",{}]`)
		c.send(`["1","2","room:a","say",{"body":"x"}]`)
		synctest.Wait()
		seen.expect(t,
			"handler in join", "broadcast in join", "published in join",
			"handler in push", "broadcast in push", "published in push", "end in push",
		)
	}, channel.WithObserver(o))
}

// TestObserverThatPanicsHarmsNobody has every function panic, before another observer that must be told all the same.
func TestObserverThatPanicsHarmsNobody(t *testing.T) {
	d := &diary{}
	bad := observe.Observer{
		Opened:    func(context.Context, observe.Opened) { panic("opened") },
		Closed:    func(context.Context, observe.Closed) { panic("closed") },
		JoinStart: func(context.Context, observe.JoinStart) context.Context { panic("join") },
		JoinEnd:   func(context.Context, observe.JoinEnd) { panic("joined") },
		PushStart: func(context.Context, observe.PushStart) context.Context { panic("push") },
		PushEnd:   func(context.Context, observe.PushEnd) { panic("pushed") },
		Delivered: func(context.Context, observe.Delivered) { panic("delivered") },
		Left:      func(context.Context, observe.Left) { panic("left") },
	}
	run(t, &room{}, func(s *site) {
		c := s.join("room:a")
		c.send(`["1","2","room:a","ping",{}]`)
		c.expectReply("2", "ok")
		c.close()
		d.expect(t,
			`Opened{Transport:websocket Version:2}`,
			`JoinStart{Channel:Room Topic:room:a}`,
			`JoinEnd{Channel:Room Outcome:ok Duration:0s}`,
			`PushStart{Channel:Room Event:ping Topic:room:a Wait:0s}`,
			`PushEnd{Channel:Room Event:ping Outcome:ok Wait:0s Duration:0s}`,
			`Left{Channel:Room Reason:disconnected}`,
			`Closed{Transport:websocket Version:2 Code:1000 Reason: Duration:0s}`,
		)
		if got := s.log.count("observer panicked"); got != 7 {
			t.Errorf("%d panics are in the log, want 7", got)
		}
	}, channel.WithObserver(bad), channel.WithObserver(d.observer()))
}

// TestSnapshotCountsWhatIsThere also holds that it is JSON as expvar wants it.
func TestSnapshotCountsWhatIsThere(t *testing.T) {
	var watched func() observe.Snapshot
	o := observe.Observer{Serving: func(snapshot func() observe.Snapshot) { watched = snapshot }}
	run(t, &room{}, func(s *site) {
		a, b := s.join("room:a"), s.join("room:b")
		p := s.poller("")
		p.send(`["1","1","room:b","phx_join",{}]`)
		synctest.Wait()
		waiting := observe.Queues{Frames: 2, Bytes: 112, MaxFrames: 2, MaxBytes: 112} // for the poll
		want := observe.Snapshot{
			Connections: map[string]int{"websocket": 2, "longpoll": 1},
			Memberships: map[string]int{"Room": 3},
			Topics:      2,
			Queues:      waiting,
			Dropped:     map[string]int64{"stream": 0, "latest": 0, "volatile": 0},
		}
		if diff := cmp.Diff(want, watched()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		var back observe.Snapshot
		text := expvar.Func(func() any { return s.server.Snapshot() }).String()
		if err := json.Unmarshal([]byte(text), &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, back); diff != "" {
			t.Errorf("as JSON (-want +got):\n%s", diff)
		}
		a.close()
		b.close()
		synctest.Wait()
		if got := watched().Memberships["Room"]; got != 1 {
			t.Errorf("%d memberships, want 1", got)
		}
	}, channel.WithObserver(o))
}

// TestDroppedFramesAreCounted has a client that does not poll get more than its queue takes.
func TestDroppedFramesAreCounted(t *testing.T) {
	d := &diary{}
	o := observe.Observer{Dropped: note[observe.Dropped](d), Closed: note[observe.Closed](d)}
	run(t, &room{}, func(s *site) {
		s.joinPoller("room:a", "")
		send, ctx := BroadcastRoom(s.server, RoomTopic{"a"}), context.Background()
		_ = send.Status(ctx, Text{"a1"})
		_ = send.Status(ctx, Text{"a2"})
		d.expect(t, `Dropped{Delivery:latest}`)
		for len(d.take()) == 0 {
			_ = send.Moved(ctx, Text{"x"})
		}
		for s.server.Snapshot().Dropped["stream"] == 0 {
			_ = send.Said(ctx, Text{"x"})
		}
		got := slices.Compact(d.take())
		want := []string{
			`Dropped{Delivery:volatile}`,
			`Dropped{Delivery:stream}`,
			`Dropped{Delivery:latest}`, // with what else still waits
			`Dropped{Delivery:stream}`,
			`Closed{Transport:longpoll Version:2 Code:1013 Reason:slow consumer Duration:0s}`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}, channel.WithObserver(o), channel.WithLimits(channel.Limits{QueueBytes: 512}))
}
