package presence_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/chgen/chgen/runtime/presence"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	heartbeat = 2 * time.Second
	down      = 30 * time.Second
)

// node is a tracker on the wires, and what its members are told: a view of each topic and the diffs after it, applied
// strictly.
type node struct {
	*presence.Tracker
	t       *testing.T
	id      int
	replica *presence.Replica

	mu    sync.Mutex // guards what follows
	seen  map[string]map[string]string
	diffs []string
}

func (w *wires) node(t *testing.T, id int) *node {
	n := &node{t: t, id: id, seen: map[string]map[string]string{}}
	n.Tracker = presence.New(n.diff)
	n.replica = presence.Replicate(n.Tracker, end{w, id}, presence.Options{Logger: slog.New(slog.DiscardHandler)})
	return n
}

func (n *node) close() { n.replica.Close(context.Background()) }

// diff applies a diff to what has been seen of the topic. A leave of what is not there, or a join of what is, fails.
func (n *node) diff(topic string, diff presence.Diff) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.diffs = append(n.diffs, string(diff.AppendJSON(nil)))
	seen := n.seen[topic]
	if seen == nil {
		return
	}
	for key, metas := range diff.Leaves {
		for _, meta := range metas {
			if seen[meta.Ref] != key {
				n.t.Errorf("node %d: %s leaves %s, which is not there", n.id, meta.Ref, key)
			}
			delete(seen, meta.Ref)
		}
	}
	for key, metas := range diff.Joins {
		for _, meta := range metas {
			if _, there := seen[meta.Ref]; there {
				n.t.Errorf("node %d: %s joins %s, and is there", n.id, meta.Ref, key)
			}
			seen[meta.Ref] = key
		}
	}
}

// watch takes a view of a topic, from which on the diffs are applied.
func (n *node) watch(topic string) {
	n.View(topic, func(state presence.State) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.seen[topic] = refs(state)
	})
}

func refs(state presence.State) map[string]string {
	all := map[string]string{}
	for key, metas := range state {
		for _, meta := range metas {
			all[meta.Ref] = key
		}
	}
	return all
}

func (n *node) list(topic string) string { return string(n.List(topic).AppendJSON(nil)) }

// takeDiffs returns the diffs since the last call.
func (n *node) takeDiffs() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	diffs := n.diffs
	n.diffs = nil
	return diffs
}

func (n *node) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// same fails where the nodes do not all list the same on topic, and returns it.
func same(t *testing.T, topic string, nodes ...*node) string {
	t.Helper()
	want := nodes[0].list(topic)
	for _, n := range nodes[1:] {
		if diff := cmp.Diff(want, n.list(topic)); diff != "" {
			t.Errorf("%s: node %d and %d differ (-first +second):\n%s", topic, nodes[0].id, n.id, diff)
		}
	}
	return want
}

func meta(n int) json.RawMessage { return fmt.Appendf(nil, `{"n":%d}`, n) }

// cluster runs a test with some nodes that know each other.
func cluster(t *testing.T, size int, test func(w *wires, nodes []*node)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWires(1)
		nodes := make([]*node, size)
		for i := range nodes {
			nodes[i] = w.node(t, i)
			nodes[i].watch("t")
			defer nodes[i].close()
		}
		pass(heartbeat + heartbeat/2)
		test(w, nodes)
	})
}

func TestEveryNodeTellsTheSameDiffs(t *testing.T) {
	cluster(t, 3, func(_ *wires, n []*node) {
		n[0].must(n[0].Track("t", "a", 1, meta(1)))
		synctest.Wait() // the first change goes out at once
		same(t, "t", n...)
		n[0].must(n[0].Track("t", "b", 1, meta(2)))
		n[0].must(n[0].Update("t", "a", 1, meta(3)))
		n[0].Drop("t", 1, []string{"a", "b"})
		pass(10 * time.Millisecond)
		want := n[0].takeDiffs()
		if len(want) != 4 {
			t.Fatalf("got %q, want four diffs", want)
		}
		for _, other := range n[1:] {
			if diff := cmp.Diff(want, other.takeDiffs()); diff != "" {
				t.Errorf("diffs (-first node +node %d):\n%s", other.id, diff)
			}
		}
		if same(t, "t", n...) != "{}" {
			t.Error("somebody is left")
		}
	})
}

func TestMetasStandOldestFirstOnEveryNode(t *testing.T) {
	cluster(t, 3, func(_ *wires, n []*node) {
		for i := range 9 {
			n[i%3].must(n[i%3].Track("t", "a", presence.Owner(i+1), meta(i)))
			pass(time.Millisecond)
		}
		pass(time.Second)
		n[1].must(n[1].Update("t", "a", 2, meta(1))) // keeps its place
		pass(time.Second)
		same(t, "t", n...)
		metas := n[0].List("t")["a"]
		if len(metas) != 9 || string(metas[0].Data) != `{"n":0}` || string(metas[8].Data) != `{"n":8}` {
			t.Errorf("got %s", n[0].list("t"))
		}
		if metas[1].Prev == "" {
			t.Errorf("the update has lost what it replaced: %s", n[0].list("t"))
		}
	})
}

func TestANewcomerGetsEverythingPageByPage(t *testing.T) {
	cluster(t, 2, func(w *wires, n []*node) {
		long := fmt.Appendf(nil, `{"text":"%01000d"}`, 7)
		for i := range 1000 {
			n[i%2].must(n[i%2].Track(fmt.Sprint("t", i%3), fmt.Sprint(i), 1, long))
		}
		huge := fmt.Appendf(nil, `{"text":"%0200000d"}`, 7)
		n[0].must(n[0].Track("t", "huge", 1, huge))
		pass(time.Second)
		late := w.node(t, 9)
		defer late.close()
		late.watch("t")
		pass(time.Second)
		for _, topic := range []string{"t", "t0", "t1", "t2"} {
			same(t, topic, n[0], n[1], late)
		}
		n[1].must(n[1].Untrack("t1", "1", 1))
		late.must(late.Track("t1", "late", 1, meta(1)))
		pass(10 * time.Millisecond)
		same(t, "t1", n[0], n[1], late)
	})
}

func TestACrashedNodeIsForgottenInTime(t *testing.T) {
	cluster(t, 3, func(w *wires, n []*node) {
		n[0].must(n[0].Track("t", "a", 1, meta(1)))
		n[0].must(n[0].Track("t", "b", 1, meta(1)))
		n[1].must(n[1].Track("t", "a", 1, meta(2)))
		pass(time.Second)
		w.set(func() { w.dead[0] = true })
		pass(down - 2*heartbeat)
		if got := len(n[1].List("t")); got != 2 {
			t.Errorf("%d keys before the time", got)
		}
		n[1].takeDiffs()
		pass(3 * heartbeat)
		same(t, "t", n[1], n[2])
		if got := len(n[1].List("t")["a"]); got != 1 || len(n[1].List("t")) != 1 {
			t.Errorf("got %s, want the other node's", n[1].list("t"))
		}
		if diffs := n[1].takeDiffs(); len(diffs) != 1 {
			t.Errorf("got %q, want one diff", diffs)
		}
	})
}

func TestANodeThatEndsLeavesAtOnce(t *testing.T) {
	cluster(t, 2, func(_ *wires, n []*node) {
		n[0].must(n[0].Track("t", "a", 1, meta(1)))
		pass(time.Second)
		n[0].close()
		n[0].close()
		synctest.Wait()
		if n[1].list("t") != "{}" {
			t.Errorf("got %s", n[1].list("t"))
		}
	})
}

func TestANetsplitHeals(t *testing.T) {
	for _, long := range []bool{false, true} {
		t.Run(fmt.Sprintf("longer than down: %v", long), func(t *testing.T) {
			cluster(t, 2, func(w *wires, n []*node) {
				n[0].must(n[0].Track("t", "a", 1, meta(1)))
				n[1].must(n[1].Track("t", "b", 1, meta(1)))
				pass(time.Second)
				before := same(t, "t", n...)
				n[0].takeDiffs()
				w.set(func() { w.group[1] = 1 })
				if long {
					pass(down + 2*heartbeat)
					for i := range n {
						if len(n[i].List("t")) != 1 {
							t.Errorf("node %d: %s", i, n[i].list("t"))
						}
					}
				} else {
					pass(down / 2)
				}
				w.set(func() { w.group[1] = 0 })
				pass(2 * heartbeat)
				if diff := cmp.Diff(before, same(t, "t", n...)); diff != "" {
					t.Errorf("(-before +after):\n%s", diff)
				}
				want := 0
				if long {
					want = 2 // a leave and a join
				}
				if diffs := n[0].takeDiffs(); len(diffs) != want {
					t.Errorf("got %q, want %d diffs", diffs, want)
				}
			})
		})
	}
}

func TestWhatIsMissedIsSentAgainAsItWas(t *testing.T) {
	cluster(t, 2, func(w *wires, n []*node) {
		w.set(func() { w.loss = 1 })
		n[0].must(n[0].Track("t", "a", 1, meta(1)))
		pass(20 * time.Millisecond)
		n[0].must(n[0].Track("t", "b", 1, meta(1)))
		pass(20 * time.Millisecond)
		n[0].must(n[0].Untrack("t", "a", 1))
		pass(20 * time.Millisecond)
		w.set(func() { w.loss = 0 })
		w.lose(1)
		synctest.Wait()
		pass(50 * time.Millisecond) // there is no need to wait for a heartbeat
		same(t, "t", n...)
		if diff := cmp.Diff(n[0].takeDiffs(), n[1].takeDiffs()); diff == "" {
			return
		}
		// Whoever had nothing of a node yet gets its state, which does not tell of what is gone.
		if len(n[1].List("t")) != 1 {
			t.Error(n[1].list("t"))
		}
	})
}

func TestNothingButHeartbeatsGoesOverAQuietBus(t *testing.T) {
	cluster(t, 3, func(w *wires, n []*node) {
		for i := range 1000 {
			n[0].must(n[0].Track(fmt.Sprint(i), "a", 1, meta(1)))
		}
		pass(time.Second)
		w.set(func() { clear(w.sent) })
		pass(10 * heartbeat)
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.sent) != 1 {
			t.Errorf("got messages on %v, want one topic", w.sent)
		}
		for topic, sent := range w.sent {
			if sent != 3*10 {
				t.Errorf("got %d messages on %q, want one for each node and heartbeat", sent, topic)
			}
		}
	})
}

func TestABusThatIsGoneKeepsNothingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWires(1)
		w.down = true
		n := []*node{w.node(t, 0), w.node(t, 1)}
		defer n[0].close()
		defer n[1].close()
		n[0].must(n[0].Track("t", "a", 1, meta(1)))
		pass(time.Minute)
		w.set(func() { w.down = false })
		pass(10 * time.Second)
		if same(t, "t", n...) == "{}" {
			t.Error("nobody is there")
		}
		w.set(func() { w.down = true })
		for i := range 100_000 {
			n[0].must(n[0].Update("t", "a", 1, meta(i)))
		}
		pass(time.Second)
		w.set(func() { w.down = false })
		pass(2 * heartbeat)
		same(t, "t", n...)
	})
}

func TestClosingWithoutABusEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWires(1)
		w.down = true
		w.node(t, 0).close()
	})
}

// TestNodesConverge has nodes track, update and untrack while they crash, start anew, are cut off from each other, and
// while messages are lost, repeated, delayed and overtaken. When that is over, all nodes must list the same, which is
// what the living have tracked; and what each has told its members on the way must come to the same.
func TestNodesConverge(t *testing.T) {
	t.Parallel()
	seeds := uint64(40)
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { converge(t, seed) })
		})
	}
}

// owned is what a node has tracked.
type owned struct {
	topic, key string
	owner      presence.Owner
}

func converge(t *testing.T, seed uint64) {
	w := newWires(seed)
	rnd := newWires(seed + 1000).rand
	topics := []string{"t", "u", "v"}
	var all, alive []*node
	tracked := map[*node][]owned{}
	defer func() {
		for _, n := range all {
			n.close()
		}
	}()
	start := func() {
		n := w.node(t, len(all))
		all, alive = append(all, n), append(alive, n)
		for _, topic := range topics {
			n.watch(topic)
		}
	}
	for range 2 + rnd.IntN(4) {
		start()
	}
	for i := range 400 {
		n := alive[rnd.IntN(len(alive))]
		mine := tracked[n]
		switch kind := rnd.IntN(100); {
		case kind < 45:
			o := owned{topics[rnd.IntN(3)], fmt.Sprint("k", rnd.IntN(5)), presence.Owner(rnd.IntN(4) + 1)}
			if n.Track(o.topic, o.key, o.owner, meta(i)) == nil {
				tracked[n] = append(mine, o)
			}
		case kind < 65 && len(mine) > 0:
			o := mine[rnd.IntN(len(mine))]
			n.must(n.Update(o.topic, o.key, o.owner, meta(i)))
		case kind < 85 && len(mine) > 0:
			at := rnd.IntN(len(mine))
			n.must(n.Untrack(mine[at].topic, mine[at].key, mine[at].owner))
			tracked[n] = slices.Delete(mine, at, at+1)
		case kind < 87: // a crash, and another in its place
			w.set(func() { w.dead[n.id] = true })
			alive = slices.DeleteFunc(alive, func(other *node) bool { return other == n })
			start()
		case kind < 88: // an end, and another in its place
			n.close()
			alive = slices.DeleteFunc(alive, func(other *node) bool { return other == n })
			start()
		case kind < 91:
			w.set(func() { w.group[n.id] = rnd.IntN(2) })
			w.lose(n.id)
		case kind < 93:
			w.set(func() {
				w.loss, w.repeat = rnd.Float64()*0.6, rnd.Float64()*0.4
				w.delay = time.Duration(rnd.IntN(3)) * 100 * time.Millisecond
			})
		case kind < 95:
			pass(time.Duration(rnd.IntN(40)) * time.Second)
		default:
			pass(time.Duration(rnd.IntN(2000)) * time.Millisecond)
		}
	}
	w.set(func() { w.loss, w.repeat, w.delay = 0, 0, 0; clear(w.group) })
	pass(down + 5*heartbeat)
	for _, topic := range topics {
		same(t, topic, alive...)
		count := 0
		for _, n := range alive {
			n.mu.Lock()
			if diff := cmp.Diff(refs(n.List(topic)), n.seen[topic]); diff != "" {
				t.Errorf("node %d, %s: the list and what was told (-list +told):\n%s", n.id, topic, diff)
			}
			n.mu.Unlock()
			for _, o := range tracked[n] {
				if o.topic == topic {
					count++
				}
			}
		}
		if got := len(refs(alive[0].List(topic))); got != count {
			t.Errorf("%s: %d are listed, %d tracked", topic, got, count)
		}
	}
}
