package pubsubtest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/pubsub"
)

func testStart(t *testing.T, nodes []pubsub.PubSub) {
	_, sub := subscribe(t, nodes[0], "plain", pubsub.History{})
	if sub.Start() != (pubsub.Position{}) {
		t.Errorf("the subscription of a topic that is not kept starts at %v", sub.Start())
	}
	publish(t, nodes[0], "t", kept, "before")
	first, firstSub := subscribe(t, nodes[1], "t", kept)
	publish(t, nodes[0], "t", kept, "between")
	first.waitFor(t, "between")
	second, secondSub := subscribe(t, nodes[1], "t", kept)
	other, otherSub := subscribe(t, nodes[0], "t", kept)
	publish(t, nodes[0], "t", kept, "after")
	first.waitFor(t, "between", "after")
	second.waitFor(t, "after")
	other.waitFor(t, "after")
	between := first.Received()[0].Position
	for _, start := range []pubsub.Position{secondSub.Start(), otherSub.Start()} {
		if start != between {
			t.Errorf("the subscription starts at %v, want %v", start, between)
		}
	}
	for _, node := range nodes {
		page, texts := replay(t, node, "t", kept, firstSub.Start(), 100)
		if diff := cmp.Diff([]string{"between", "after"}, texts); diff != "" || page.Gap {
			t.Errorf("after the start: gap %v, (-want +got):\n%s", page.Gap, diff)
		}
	}
}

func testPages(t *testing.T, nodes []pubsub.PubSub) {
	_, sub := subscribe(t, nodes[0], "t", kept)
	var want []string
	for i := range 600 {
		want = append(want, fmt.Sprint(i))
	}
	publish(t, nodes[0], "t", kept, want...)
	for _, limit := range []int{1, 7, 250, 599, 600, 601} {
		var got []string
		after := sub.Start()
		for {
			page, texts := replay(t, nodes[1], "t", kept, after, limit)
			if page.Gap || len(texts) > limit {
				t.Fatalf("gap %v, %d publications, want at most %d", page.Gap, len(texts), limit)
			}
			checkRising(t, after, page.Publications)
			got = append(got, texts...)
			if len(texts) == 0 {
				if page.Head != after {
					t.Errorf("the head is %v after the last one, %v", page.Head, after)
				}
				break
			}
			after = page.Publications[len(texts)-1].Position
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d (-want +got):\n%s", limit, diff)
		}
	}
	if page, texts := replay(t, nodes[1], "t", kept, sub.Start(), 0); page.Gap || len(texts) > 0 {
		t.Errorf("limit 0: gap %v, %d publications", page.Gap, len(texts))
	}
}

// testRecovery does what a client does that comes back: subscribe, replay up to where the subscription starts, and go
// on with what it receives.
func testRecovery(t *testing.T, nodes []pubsub.PubSub) {
	const total = 300
	page, _ := replay(t, nodes[0], "t", kept, pubsub.Position{}, 0)
	begin := page.Head
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for i := range total {
			publish(t, nodes[0], "t", kept, fmt.Sprint(i))
		}
	})
	var got []string
	at := begin
	take := func(publications []pubsub.Publication) {
		for _, p := range publications {
			if p.Position.Offset > at.Offset {
				got, at = append(got, string(p.Data)), p.Position
			}
		}
	}
	for len(got) < total && !t.Failed() {
		live, sub := subscribe(t, nodes[1], "t", kept)
		for at.Offset < sub.Start().Offset {
			page, _ := replay(t, nodes[1], "t", kept, at, 50)
			if page.Gap || len(page.Publications) == 0 {
				t.Fatalf("replay after %v, up to %v: gap %v, %d publications", at, sub.Start(), page.Gap, len(page.Publications))
			}
			take(page.Publications)
		}
		if len(got) < total {
			live.Wait(t, "something new", func() bool {
				r := live.Received()
				return len(r) > 0 && r[len(r)-1].Position.Offset > at.Offset
			})
		}
		sub.Cancel()
		take(live.Received())
		live.check(t)
	}
	for i, text := range got {
		if text != fmt.Sprint(i) {
			t.Fatalf("%s came when %d was next", text, i)
		}
	}
}

func testSize(t *testing.T, nodes []pubsub.PubSub) {
	three := pubsub.History{Size: 3, TTL: time.Minute}
	r, sub := subscribe(t, nodes[0], "t", three)
	publish(t, nodes[0], "t", three, "1", "2", "3")
	if page, texts := replay(t, nodes[1], "t", three, sub.Start(), 9); page.Gap || len(texts) != 3 {
		t.Errorf("as many as are kept: gap %v, %q", page.Gap, texts)
	}
	publish(t, nodes[1], "t", three, "4", "5")
	r.waitCount(t, 5)
	positions := []pubsub.Position{sub.Start()}
	for _, p := range r.Received() {
		positions = append(positions, p.Position)
	}
	for i, after := range positions {
		page, texts := replay(t, nodes[1], "t", three, after, 9)
		if gap := i < 2; page.Gap != gap || !gap && len(texts) != 5-i || gap && len(texts) != 0 || page.Head != positions[5] {
			t.Errorf("after %d of 5, 3 kept: gap %v, %q, head %v", i, page.Gap, texts, page.Head)
		}
	}
}

func testTTL(t *testing.T, nodes []pubsub.PubSub) {
	short := pubsub.History{Size: 100, TTL: 1500 * time.Millisecond}
	r, sub := subscribe(t, nodes[0], "t", short)
	began := time.Now()
	publish(t, nodes[0], "t", short, "1", "2")
	page, texts := replay(t, nodes[1], "t", short, sub.Start(), 9)
	if time.Since(began) < short.TTL && (page.Gap || len(texts) != 2) {
		t.Errorf("at once: gap %v, %q", page.Gap, texts)
	}
	eventually(t, "a gap", func() bool {
		page, texts = replay(t, nodes[1], "t", short, sub.Start(), 9)
		if !page.Gap && len(texts) != 2 {
			t.Fatalf("neither all nor a gap: %q", texts)
		}
		return page.Gap
	})
	if age := time.Since(began); age < short.TTL {
		t.Errorf("expired after %v", age)
	}
	// Who has everything is told so although nothing is kept any more, and goes on from there.
	last := r.Received()[1].Position
	if page, _ := replay(t, nodes[1], "t", short, last, 9); page.Gap || page.Head != last {
		t.Errorf("after the newest: gap %v, head %v, want %v", page.Gap, page.Head, last)
	}
	publish(t, nodes[1], "t", short, "3")
	if page, texts := replay(t, nodes[1], "t", short, last, 9); !cmp.Equal(texts, []string{"3"}) && !page.Gap {
		t.Errorf("after the newest, once there is another: %q", texts)
	}
	r.waitFor(t, "1", "2", "3")
}

func testForeignPositions(t *testing.T, nodes []pubsub.PubSub) {
	publish(t, nodes[0], "t", kept, "1", "2")
	page, _ := replay(t, nodes[0], "t", kept, pubsub.Position{}, 9)
	head := page.Head
	if !page.Gap || head.Epoch == "" {
		t.Errorf("no position: gap %v, head %v", page.Gap, head)
	}
	for _, after := range []pubsub.Position{
		{Epoch: "x", Offset: head.Offset},
		{Epoch: "x"},
		{Epoch: head.Epoch, Offset: head.Offset + 1},
		{Epoch: head.Epoch, Offset: 1 << 62},
		{Epoch: head.Epoch, Offset: 1<<64 - 1},
	} {
		page, texts := replay(t, nodes[0], "t", kept, after, 9)
		if !page.Gap || page.Head != head || len(texts) > 0 {
			t.Errorf("after %v: gap %v, head %v, %q; want a gap, and head %v", after, page.Gap, page.Head, texts, head)
		}
	}
}
