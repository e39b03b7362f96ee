package soak_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/internal/soak"
	"github.com/chgen/chgen/runtime/pubsub"
)

const (
	published = 60
	flushed   = 40 // how many were published when the bus forgot
)

func second(n int) time.Duration { return time.Duration(n) * time.Second }

func at(n int) pubsub.Position {
	if n > flushed {
		return pubsub.Position{Epoch: "b", Offset: uint64(n - flushed)}
	}
	return pubsub.Position{Epoch: "a", Offset: uint64(n)}
}

func id(n int) string { return fmt.Sprint("p", n) }

func received(n int) soak.Event {
	return soak.Event{At: second(n) + 500*time.Millisecond, ID: id(n), Position: at(n)}
}

func rejoined(n, shown int, recovered bool) soak.Event {
	e := soak.Event{At: second(n) + 600*time.Millisecond, Shown: at(shown), Position: at(n), Recovered: recovered}
	if recovered {
		e.Position = at(shown)
	}
	return e
}

// right is a log without a fault of the service: one publication a second, the bus forgets after the 40th, and four clients:
// one that is always there but must join again then, one that comes and goes, one that stays away for too long,
// one that is told no positions. Publications that divide by 7 are kept from the second.
func right() *soak.Log {
	log := &soak.Log{Faults: []soak.Fault{{Name: "flush", From: second(flushed) + 700*time.Millisecond, To: second(flushed) + 800*time.Millisecond, Forgets: true}}}
	stays := soak.Stream{Client: "stays", Events: []soak.Event{{Position: at(0)}}}
	goes := soak.Stream{Client: "goes", Events: []soak.Event{{Position: at(0)}}}
	late := soak.Stream{Client: "late", Events: []soak.Event{{Position: at(0)}}}
	plain := soak.Stream{Client: "plain", Events: []soak.Event{{}}}
	for n := 1; n <= published; n++ {
		p := soak.Publication{ID: id(n), Topic: "t", Begun: second(n), Ended: second(n) + 100*time.Millisecond, Acked: n%9 != 0}
		if n%7 == 0 {
			p.Except = "goes"
		}
		log.Publications = append(log.Publications, p)
		if n == flushed+1 {
			stays.Events = append(stays.Events, rejoined(n, n-1, false))
		} else {
			stays.Events = append(stays.Events, received(n))
		}
		if n <= 2 || n > 25 && n <= flushed || n > flushed+2 {
			late.Events = append(late.Events, received(n))
		}
		if n == 25 {
			late.Events = append(late.Events, rejoined(n, 2, false))
		}
		if n == flushed+2 {
			late.Events = append(late.Events, rejoined(n, flushed, false))
		}
		if n <= 10 || n > 12 && n <= flushed || n > flushed+1 {
			e := received(n)
			e.Position = pubsub.Position{}
			plain.Events = append(plain.Events, e)
		}
		if n == 12 || n == flushed+1 {
			plain.Events = append(plain.Events, soak.Event{At: second(n) + 600*time.Millisecond})
		}
	}
	for n := 1; n <= flushed; n++ {
		if n == 15 {
			goes.Events = append(goes.Events, rejoined(18, 13, true))
		}
		if n%7 != 0 {
			goes.Events = append(goes.Events, received(n))
			goes.Events[len(goes.Events)-1].At = max(received(n).At, goes.Events[len(goes.Events)-2].At)
		}
	}
	goes.Events = append(goes.Events, rejoined(flushed+1, flushed, false))
	for n := flushed + 2; n <= published; n++ {
		if n%7 != 0 {
			goes.Events = append(goes.Events, received(n))
		}
	}
	log.Streams = []soak.Stream{stays, goes, late, plain}
	for i := range log.Streams {
		s := &log.Streams[i]
		s.Topic, s.Size, s.TTL = "t", 10, 15*time.Second
	}
	return log
}

func TestALogOfWhatWasPromisedHasNoViolation(t *testing.T) {
	t.Parallel()
	r := soak.Check(right())
	if len(r.Violations) > 0 {
		t.Error(r)
	}
	got := fmt.Sprint(r.Joins, r.Recovered, r.NotRecovered, r.Faults, r.Publications, r.Unanswered)
	if diff := cmp.Diff("6 1 map[away too long:1 forgotten by the bus:3] map[flush:1] 60 6", got); diff != "" {
		t.Errorf("the report counts (-want +got):\n%s", diff)
	}
}

// index finds an event of a stream.
func index(t *testing.T, s *soak.Stream, id string) int {
	t.Helper()
	i := slices.IndexFunc(s.Events, func(e soak.Event) bool { return e.ID == id })
	if i < 0 {
		t.Fatalf("%s has no %s", s.Client, id)
	}
	return i
}

func joinOf(t *testing.T, s *soak.Stream, shown int) *soak.Event {
	t.Helper()
	i := slices.IndexFunc(s.Events, func(e soak.Event) bool { return e.ID == "" && e.Shown == at(shown) })
	if i < 0 {
		t.Fatalf("%s has no such join", s.Client)
	}
	return &s.Events[i]
}

// Each edit is a log that a faulty service would have left.
func TestEditedLogsAreFoundOut(t *testing.T) {
	t.Parallel()
	const stays, goes, late, plain = 0, 1, 2, 3
	remove := func(stream int, id string) func(*testing.T, *soak.Log) {
		return func(t *testing.T, log *soak.Log) {
			s := &log.Streams[stream]
			i := index(t, s, id)
			s.Events = slices.Delete(s.Events, i, i+1)
		}
	}
	for _, test := range []struct {
		name string
		edit func(*testing.T, *soak.Log)
		want []soak.Kind
	}{
		{"an offset skipped", remove(stays, "p5"), []soak.Kind{soak.Lost}},
		{"an offset skipped of a publication that nobody acknowledged", remove(stays, "p9"), []soak.Kind{soak.Lost}},
		{"an offset skipped for a client that is told none", remove(plain, "p5"), []soak.Kind{soak.Lost}},
		{"the last one not delivered", remove(stays, "p60"), []soak.Kind{soak.Lost}},
		{"the last one not delivered to anybody", func(t *testing.T, log *soak.Log) {
			for i := range log.Streams {
				remove(i, "p60")(t, log)
			}
		}, []soak.Kind{soak.Lost}},
		{"one not replayed", remove(goes, "p16"), []soak.Kind{soak.Lost}},
		{"a duplicate", func(t *testing.T, log *soak.Log) {
			s := &log.Streams[stays]
			i := index(t, s, "p5")
			s.Events = slices.Insert(s.Events, i+1, s.Events[i])
		}, []soak.Kind{soak.Duplicate}},
		{"a duplicate after a new join", func(t *testing.T, log *soak.Log) {
			s := &log.Streams[goes]
			s.Events = slices.Insert(s.Events, index(t, s, "p15"), s.Events[index(t, s, "p13")])
		}, []soak.Kind{soak.Duplicate}},
		{"a duplicate for a client that is told no positions", func(t *testing.T, log *soak.Log) {
			s := &log.Streams[plain]
			i := index(t, s, "p5")
			s.Events = slices.Insert(s.Events, i+1, s.Events[i])
		}, []soak.Kind{soak.Duplicate}},
		{"a lost subscription", func(_ *testing.T, log *soak.Log) {
			s := &log.Streams[stays]
			s.Events = s.Events[:20]
		}, []soak.Kind{soak.Lost}},
		{"two in the wrong order", func(t *testing.T, log *soak.Log) {
			s := &log.Streams[stays]
			i := index(t, s, "p5")
			s.Events[i], s.Events[i+1] = s.Events[i+1], s.Events[i]
		}, []soak.Kind{soak.Disorder}},
		{"two in the wrong order for a client that is told no positions", func(t *testing.T, log *soak.Log) {
			s := &log.Streams[plain]
			i := index(t, s, "p5")
			s.Events[i], s.Events[i+1] = s.Events[i+1], s.Events[i]
		}, []soak.Kind{soak.Disorder}},
		{"recovered, but it was forgotten", func(t *testing.T, log *soak.Log) {
			joinOf(t, &log.Streams[goes], flushed).Recovered = true
		}, []soak.Kind{soak.Lost}},
		{"recovered, but too much was missed", func(t *testing.T, log *soak.Log) {
			joinOf(t, &log.Streams[late], 2).Recovered = true
		}, []soak.Kind{soak.Lost}},
		{"not recovered without need", func(t *testing.T, log *soak.Log) {
			s := &log.Streams[goes]
			e := joinOf(t, s, 13)
			e.Recovered, e.Position = false, at(18)
			s.Events = slices.DeleteFunc(s.Events, func(e soak.Event) bool {
				return e.ID == id(15) || e.ID == id(16) || e.ID == id(17) || e.ID == id(18)
			})
		}, []soak.Kind{soak.Cheap}},
		{"another epoch although nothing was forgotten", func(_ *testing.T, log *soak.Log) {
			log.Faults[0].Forgets = false
		}, []soak.Kind{soak.Cheap}},
		{"recovered without a position", func(_ *testing.T, log *soak.Log) {
			log.Streams[stays].Events[0].Recovered = true
		}, []soak.Kind{soak.Baseless}},
		{"delivered to the one that was to be left out", func(t *testing.T, log *soak.Log) {
			s := &log.Streams[goes]
			s.Events = slices.Insert(s.Events, index(t, s, "p15"), received(14))
		}, []soak.Kind{soak.Excluded}},
		{"from nowhere", func(t *testing.T, log *soak.Log) {
			s := &log.Streams[stays]
			s.Events = slices.Insert(s.Events, index(t, s, "p5"), soak.Event{At: second(5), ID: "x"})
		}, []soak.Kind{soak.Invented}},
		{"two positions for one", func(t *testing.T, log *soak.Log) {
			s := &log.Streams[late]
			s.Events[index(t, s, "p30")].Position.Offset = 1000
		}, []soak.Kind{soak.Placed}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			log := right()
			test.edit(t, log)
			r := soak.Check(log)
			if diff := cmp.Diff(test.want, r.Kinds()); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, r)
			}
		})
	}
}
