package pubsub_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/pubsub"
)

var kept = pubsub.History{Size: 3, TTL: time.Minute}

func keep(t *testing.T, bus pubsub.PubSub, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := bus.Publish(context.Background(), pubsub.Publication{Topic: "t", Data: []byte(text), History: kept}); err != nil {
			t.Error(err)
		}
	}
}

func replay(t *testing.T, bus pubsub.PubSub, after pubsub.Position, limit int) (texts []string, page pubsub.Page) {
	t.Helper()
	page, err := bus.Replay(context.Background(), "t", kept, after, limit)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range page.Publications {
		texts = append(texts, fmt.Sprint(p.Position.Offset, string(p.Data)))
	}
	return texts, page
}

func TestReplayGivesWhatCameAfterAPosition(t *testing.T) {
	t.Parallel()
	bus := pubsub.New()
	sub, err := bus.Subscribe(context.Background(), "t", kept, subscriber(func(pubsub.Publication) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Cancel()
	start := sub.Start()
	at := func(offset uint64) pubsub.Position { return pubsub.Position{Epoch: start.Epoch, Offset: offset} }
	keep(t, bus, "a", "b", "c", "d")
	for _, test := range []struct {
		name  string
		after pubsub.Position
		limit int
		want  []string
		gap   bool
	}{
		{"all that is kept", at(1), 9, []string{"2b", "3c", "4d"}, false},
		{"a page of it", at(1), 2, []string{"2b", "3c"}, false},
		{"nothing", at(4), 9, nil, false},
		{"more than is kept", start, 9, nil, true},
		{"what is still to come", at(5), 9, nil, true},
		{"another epoch", pubsub.Position{Epoch: "x", Offset: 3}, 9, nil, true},
		{"no position", pubsub.Position{}, 9, nil, true},
	} {
		texts, page := replay(t, bus, test.after, test.limit)
		if diff := cmp.Diff(test.want, texts); diff != "" || page.Gap != test.gap || page.Head != at(4) {
			t.Errorf("%s: gap %v, head %v, (-want +got):\n%s", test.name, page.Gap, page.Head, diff)
		}
	}
}

func TestSubscribersOfAKeptTopicAreGivenPositions(t *testing.T) {
	t.Parallel()
	bus := pubsub.New()
	keep(t, bus, "a")
	var got []uint64
	sub, err := bus.Subscribe(context.Background(), "t", kept, subscriber(func(p pubsub.Publication) { got = append(got, p.Position.Offset) }))
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Cancel()
	keep(t, bus, "b", "c")
	publish(t, bus, "t", "not kept")
	if diff := cmp.Diff([]uint64{2, 3, 0}, got); diff != "" || sub.Start().Offset != 1 {
		t.Errorf("start %v, (-want +got):\n%s", sub.Start(), diff)
	}
}

func TestPublicationsAreKeptForTheirTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bus := pubsub.New()
		keep(t, bus, "a")
		_, page := replay(t, bus, pubsub.Position{}, 0)
		beginning := pubsub.Position{Epoch: page.Head.Epoch}
		<-time.After(kept.TTL - time.Second)
		keep(t, bus, "b")
		if texts, _ := replay(t, bus, beginning, 9); len(texts) != 2 {
			t.Errorf("before the time is up: %q", texts)
		}
		<-time.After(time.Second)
		if _, page := replay(t, bus, beginning, 9); !page.Gap {
			t.Error("once it is up there is no gap")
		}
		if texts, _ := replay(t, bus, pubsub.Position{Epoch: beginning.Epoch, Offset: 1}, 9); len(texts) != 1 {
			t.Errorf("the younger one: %q", texts)
		}
	})
}

func TestATopicIsRememberedForItsTimeAfterItsLastUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bus := pubsub.New()
		sub, err := bus.Subscribe(context.Background(), "t", kept, subscriber(func(pubsub.Publication) {}))
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour)
		sub.Cancel()
		<-time.After(kept.TTL - time.Second)
		if _, page := replay(t, bus, sub.Start(), 9); page.Gap {
			t.Error("who comes back in time is told that he missed something")
		}
		<-time.After(2 * kept.TTL)
		if _, page := replay(t, bus, sub.Start(), 9); !page.Gap {
			t.Error("the topic is remembered for ever")
		}
	})
}
