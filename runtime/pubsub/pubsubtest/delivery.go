package pubsubtest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/pubsub"
)

func testLocalReceipt(t *testing.T, nodes []pubsub.PubSub) {
	a, _ := subscribe(t, nodes[0], "t", kept)
	b, _ := subscribe(t, nodes[0], "t", kept)
	far, _ := subscribe(t, nodes[1], "t", kept)
	var want []string
	for i := range 40 {
		text := fmt.Sprint(i)
		want = append(want, text)
		history := pubsub.History{}
		if i%2 == 0 {
			history = kept
		}
		publish(t, nodes[0], "t", history, text)
		for _, r := range []*Recorder{a, b} {
			if diff := cmp.Diff(want, r.Texts()); diff != "" {
				t.Fatalf("when Publish returned (-want +got):\n%s", diff)
			}
		}
	}
	far.waitFor(t, want...)
}

// oddTopics are names that a broker may have trouble with.
func oddTopics() []string {
	var all strings.Builder
	for b := range 256 {
		all.WriteByte(byte(b))
	}
	return []string{
		"t", "T", "t ", " t", "t.t", "t.>", "t.*", "*", ">", ".", "..", "$SYS.x", "_INBOX.x", "t:", ":", "{t}", "{", "}", "{}", "%", "=", "=3A",
		"a b", "a\tb", "a\nb", "a\r\nb", "\x00", "\xff\xfe", "t\x00", "größe", "部屋:1", "🙂", "[a-z]?", "t*", "\\", "\"", "'", "/", "//", "room:1",
		all.String()[:255], all.String()[1:], strings.Repeat("x", 255), strings.Repeat("é", 127) + "x", strings.Repeat(".", 255),
	}
}

func testTopics(t *testing.T, nodes []pubsub.PubSub) {
	topics := oddTopics()
	histories := []pubsub.History{{}, kept}
	var far, near [2][]*Recorder
	for i, topic := range topics {
		for k, history := range histories {
			topic := fmt.Sprintf("%.254s%d", topic, k) // a topic has one history
			r, _ := subscribe(t, nodes[0], topic, history)
			near[k] = append(near[k], r)
			r, _ = subscribe(t, nodes[1], topic, history)
			far[k] = append(far[k], r)
			publish(t, nodes[0], topic, history, fmt.Sprint(i, k))
			publish(t, nodes[1], topic, history, fmt.Sprint(i, k))
		}
	}
	for i, topic := range topics {
		for k := range histories {
			want := fmt.Sprint(i, k)
			far[k][i].waitFor(t, want, want)
			near[k][i].waitFor(t, want, want)
			for _, p := range far[k][i].Received() {
				if full := fmt.Sprintf("%.254s%d", topic, k); p.Topic != full {
					t.Errorf("topic %q, want %q", p.Topic, full)
				}
			}
		}
	}
}

func testData(t *testing.T, nodes []pubsub.PubSub) {
	var all strings.Builder
	for b := range 256 {
		all.WriteByte(byte(b))
	}
	texts := []string{"", "\n", "\r\n", " ", "\x00", "x\ny", all.String(), strings.Repeat(all.String(), 2048)}
	for topic, history := range map[string]pubsub.History{"plain": {}, "kept": kept} {
		far, sub := subscribe(t, nodes[1], topic, history)
		publish(t, nodes[0], topic, history, texts...)
		far.waitFor(t, texts...)
		if history.Kept() {
			if _, got := replay(t, nodes[1], topic, history, sub.Start(), 100); !cmp.Equal(texts, got) {
				t.Error("replay gives something else")
			}
		}
	}
}

func testNobody(t *testing.T, nodes []pubsub.PubSub) {
	page, _ := replay(t, nodes[0], "t", kept, pubsub.Position{}, 0)
	publish(t, nodes[0], "t", pubsub.History{}, "not kept")
	publish(t, nodes[0], "t", kept, "1", "2")
	page, texts := replay(t, nodes[1], "t", kept, page.Head, 100)
	if diff := cmp.Diff([]string{"1", "2"}, texts); diff != "" || page.Gap {
		t.Errorf("gap %v, (-want +got):\n%s", page.Gap, diff)
	}
}

// testPublisherOrder has publishers at every node mix what is kept and what is not.
func testPublisherOrder(t *testing.T, nodes []pubsub.PubSub) {
	const publishers, each = 3, 60
	var recorders []*Recorder
	for _, node := range nodes {
		r, _ := subscribe(t, node, "t", kept)
		recorders = append(recorders, r)
	}
	var wg sync.WaitGroup
	for n, node := range nodes {
		for p := range publishers {
			wg.Go(func() {
				for i := range each {
					history := kept
					if (i/2+p)%2 == 0 {
						history = pubsub.History{}
					}
					publish(t, node, "t", history, fmt.Sprintf("%d.%d:%d", n, p, i))
				}
			})
		}
	}
	wg.Wait()
	for _, r := range recorders {
		r.waitCount(t, len(nodes)*publishers*each)
		next := make(map[string]int)
		for _, text := range r.Texts() {
			publisher, number, _ := strings.Cut(text, ":")
			if want := fmt.Sprint(next[publisher]); number != want {
				t.Fatalf("publisher %s: %s came when %s was next", publisher, number, want)
			}
			next[publisher]++
		}
	}
}

func testOneOrder(t *testing.T, nodes []pubsub.PubSub) {
	const each = 200
	var recorders []*Recorder
	var start pubsub.Position
	for _, node := range append(nodes, nodes...) {
		r, sub := subscribe(t, node, "t", kept)
		recorders = append(recorders, r)
		start = sub.Start()
	}
	var wg sync.WaitGroup
	for n, node := range nodes {
		wg.Go(func() {
			for i := range each {
				publish(t, node, "t", kept, fmt.Sprint(n, ":", i))
			}
		})
	}
	wg.Wait()
	for _, r := range recorders {
		r.waitCount(t, len(nodes)*each)
		if diff := cmp.Diff(recorders[0].Received(), r.Received()); diff != "" {
			t.Fatalf("two subscriptions (-one +other):\n%s", diff)
		}
	}
	checkRising(t, start, recorders[0].Received())
	page, _ := replay(t, nodes[0], "t", kept, start, 10*each)
	if diff := cmp.Diff(recorders[0].Received(), page.Publications); diff != "" {
		t.Errorf("replay (-received +replayed):\n%s", diff)
	}
}

func checkRising(t *testing.T, after pubsub.Position, publications []pubsub.Publication) {
	t.Helper()
	for _, p := range publications {
		if p.Position.Epoch != after.Epoch || p.Position.Offset <= after.Offset {
			t.Fatalf("%v comes after %v", p.Position, after)
		}
		after = p.Position
	}
}

// testResubscribe subscribes and cancels in quick succession: what is published once Subscribe has returned arrives.
func testResubscribe(t *testing.T, nodes []pubsub.PubSub) {
	for i := range 60 {
		history := pubsub.History{}
		if i%2 == 0 {
			history = kept
		}
		topic := fmt.Sprint("t", i%2)
		r, sub := subscribe(t, nodes[1], topic, history)
		publish(t, nodes[0], topic, history, fmt.Sprint(i))
		r.waitFor(t, fmt.Sprint(i))
		sub.Cancel()
		sub.Cancel()
	}
}

type countingSubscriber struct {
	t         *testing.T
	cancelled atomic.Bool
}

func (s *countingSubscriber) Receive(pubsub.Publication) {
	if s.cancelled.Load() {
		s.t.Error("called after Cancel had returned")
	}
}

func (s *countingSubscriber) Lost(at pubsub.Position, err error) {
	s.t.Errorf("lost at %v: %v", at, err)
}

func testCancel(t *testing.T, nodes []pubsub.PubSub) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, node := range nodes {
		for _, history := range []pubsub.History{{}, kept} {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						publish(t, node, "t", history, "x")
					}
				}
			})
		}
	}
	stays, _ := subscribe(t, nodes[0], "t", kept)
	for range 100 {
		s := &countingSubscriber{t: t}
		sub, err := nodes[0].Subscribe(t.Context(), "t", kept, s)
		if err != nil {
			t.Fatal(err)
		}
		sub.Cancel()
		s.cancelled.Store(true)
		publish(t, nodes[0], "t", kept, "after Cancel")
	}
	close(stop)
	wg.Wait()
	stays.check(t)
}

// testConcurrently has everything done at once, on topics that come and go. What it looks for is found by -race and by
// what the recorders check.
func testConcurrently(t *testing.T, nodes []pubsub.PubSub) {
	var wg sync.WaitGroup
	for worker := range 4 * len(nodes) {
		node := nodes[worker%len(nodes)]
		wg.Go(func() {
			for i := range 20 {
				topic, history := fmt.Sprint("plain", i%3), pubsub.History{}
				if worker%2 == 0 {
					topic, history = fmt.Sprint("kept", i%3), kept
				}
				r := NewRecorder()
				sub, err := node.Subscribe(t.Context(), topic, history, r)
				if err != nil {
					t.Error(err)
					return
				}
				text := fmt.Sprint(worker, ":", i)
				publish(t, node, topic, history, text)
				if !strings.Contains(strings.Join(r.Texts(), " ")+" ", text+" ") {
					t.Errorf("%s was not received when Publish returned", text)
				}
				if history.Kept() {
					checkRising(t, sub.Start(), r.Received())
					if page, err := node.Replay(t.Context(), topic, history, sub.Start(), 1000); err != nil || page.Gap {
						t.Errorf("replay: gap %v, err %v", page.Gap, err)
					}
				}
				sub.Cancel()
				r.check(t)
			}
		})
	}
	wg.Wait()
}
