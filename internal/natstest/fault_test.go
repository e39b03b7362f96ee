package natstest_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	natsgo "github.com/nats-io/nats.go"

	"github.com/chgen/chgen/internal/natstest"
	"github.com/chgen/chgen/internal/netfault"
	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/nats"
	"github.com/chgen/chgen/runtime/pubsub/pubsubtest"
)

var kept = pubsub.History{Size: 100, TTL: time.Minute}

// quick are the times of tests that wait for a fault to be found.
var quick = nats.Options{Probe: 100 * time.Millisecond, Timeout: 2 * time.Second}

// pair is two nodes on one NATS, one of them behind a proxy, and what that one receives.
type pair struct {
	*testing.T
	server      *natstest.Server
	proxy       *netfault.Proxy
	near, far   pubsub.PubSub // far is behind the proxy
	kept, plain *pubsubtest.Recorder
	start       pubsub.Position
	published   int
}

func newPair(t *testing.T) *pair {
	t.Helper()
	server := natstest.Start(t)
	p := &pair{T: t, server: server, proxy: netfault.New(t, server.Addr()), kept: pubsubtest.NewRecorder(), plain: pubsubtest.NewRecorder()}
	p.near = node(t, server.URL(), nats.Options{Timeout: quick.Timeout})
	p.far = node(t, "nats://"+p.proxy.Addr(), quick)
	for topic, r := range map[string]*pubsubtest.Recorder{"kept": p.kept, "plain": p.plain} {
		sub, err := p.far.Subscribe(t.Context(), topic, history(topic), r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(sub.Cancel)
		if topic == "kept" {
			p.start = sub.Start()
		}
	}
	return p
}

func history(topic string) pubsub.History {
	if topic == "kept" {
		return kept
	}
	return pubsub.History{}
}

// say publishes the next text on a topic.
func (p *pair) say(from pubsub.PubSub, topic string) error {
	p.published++
	return from.Publish(p.Context(), pubsub.Publication{Topic: topic, Data: fmt.Append(nil, p.published), History: history(topic)})
}

// keep publishes what is kept.
func (p *pair) keep(times int) {
	p.Helper()
	for range times {
		if err := p.say(p.near, "kept"); err != nil {
			p.Fatal(err)
		}
	}
}

func (p *pair) mustFail(from pubsub.PubSub) {
	p.Helper()
	for _, topic := range []string{"plain", "kept"} {
		if p.say(from, topic) == nil {
			p.Errorf("%s: what cannot be carried was published without an error", topic)
		}
	}
}

func (p *pair) until(what string, ok func() bool) {
	p.Helper()
	timeout := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-timeout:
			p.Fatalf("%s: not within 30 s", what)
		}
	}
}

// has waits until the kept publications begin with those of the numbers, with nothing lost.
func (p *pair) has(numbers ...int) {
	p.Helper()
	p.kept.Wait(p, "recovery", func() bool { return len(p.kept.Received()) >= len(numbers) })
	var want []string
	for _, n := range numbers {
		want = append(want, fmt.Sprint(n))
	}
	if diff := cmp.Diff(want, p.kept.Texts()[:len(numbers)]); diff != "" || len(p.kept.Losses()) > 0 {
		p.Errorf("lost %v, (-want +got):\n%s", p.kept.Losses(), diff)
	}
}

// told waits until a subscription has been told that it may have lost something.
func (p *pair) told(r *pubsubtest.Recorder) {
	p.Helper()
	r.Wait(p, "Lost", func() bool { return len(r.Losses()) > 0 })
}

// works checks that what is published from now on arrives.
func (p *pair) works() {
	p.Helper()
	for topic, r := range map[string]*pubsubtest.Recorder{"kept": p.kept, "plain": p.plain} {
		before := p.published
		p.until("delivery on "+topic, func() bool {
			_ = p.say(p.near, topic) // which may fail until the fault is over
			texts := r.Texts()
			if len(texts) == 0 {
				return false
			}
			last, err := strconv.Atoi(texts[len(texts)-1])
			return err == nil && last > before
		})
	}
}

// gap checks that the position of before is not gone on from.
func (p *pair) gap() {
	p.Helper()
	p.until("a replay", func() bool {
		page, err := p.near.Replay(p.Context(), "kept", kept, p.start, 10)
		if err == nil && !page.Gap {
			p.Error("a position of before is gone on from")
		}
		return err == nil
	})
}

func TestWhatWasMissedWhileTheConnectionWasCutIsReadFromTheStream(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.keep(2)
	p.proxy.Hold() // so that what follows cannot have arrived when the connection is cut
	p.keep(3)
	p.proxy.Cut()
	p.proxy.Release()
	p.has(1, 2, 3, 4, 5)
	p.told(p.plain)
	p.works()
}

func TestAConnectionThatIsOpenAndCarriesNothingIsFoundByProbes(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.keep(1)
	p.proxy.Hold() // also for those who try to connect, so that there is time to look
	p.keep(2)
	p.mustFail(p.far)
	p.proxy.Freeze() // they never carry anything again, and nobody closes them
	p.proxy.Release()
	p.told(p.plain)
	p.works()
	p.has(1, 2, 3)
}

func TestMoreThanIsKeptIsToldAsLost(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.proxy.Hold()
	p.keep(kept.Size + 1)
	p.proxy.Cut()
	p.proxy.Release()
	p.told(p.kept)
	if at := p.kept.Losses()[0]; at.Epoch != p.start.Epoch || at.Offset != p.start.Offset+uint64(kept.Size+1) {
		t.Errorf("lost at %v, the topic is %d after %v", at, kept.Size+1, p.start)
	}
	p.works()
}

// A server that comes back with its store has everything that it acknowledged.
func TestARestartLosesNothingThatIsKept(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.keep(2)
	p.server.Stop()
	p.mustFail(p.near)
	p.server.Run()
	p.told(p.plain)
	p.works()
	p.has(1, 2)
	page, err := p.near.Replay(t.Context(), "kept", kept, p.start, 2)
	if err != nil || page.Gap || len(page.Publications) != 2 {
		t.Errorf("replay of what was before: gap %v, %d publications, err %v", page.Gap, len(page.Publications), err)
	}
}

func TestAnEmptyStoreBeginsANewEpoch(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.keep(2)
	p.server.Stop()
	p.server.Lose()
	p.server.Run()
	p.told(p.plain)
	p.told(p.kept)
	p.gap()
	p.works()
}

func manage(t *testing.T, s *natstest.Server) natsgo.JetStreamContext {
	t.Helper()
	conn, err := natsgo.Connect(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := conn.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func TestADeletedStreamBeginsANewEpoch(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.keep(2)
	p.has(1, 2)
	if err := manage(t, p.server).DeleteStream("chgen"); err != nil {
		t.Fatal(err)
	}
	p.gap()
	p.works()
	p.told(p.kept)
}

func TestAPurgedStreamIsAGap(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.keep(2)
	p.has(1, 2)
	if err := manage(t, p.server).PurgeStream("chgen"); err != nil {
		t.Fatal(err)
	}
	p.gap()
	p.works()
	p.told(p.kept)
}

// The store of before is what a power cut leaves, or a backup.
func TestAStoreThatLacksWhatNodesHaveSeenBeginsANewEpoch(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.keep(2)
	p.has(1, 2)
	p.server.Stop()
	before := p.server.Copy()
	p.server.Run()
	p.works()
	p.server.Stop()
	p.server.Use(before)
	p.server.Run()
	p.told(p.kept)
	if at := p.kept.Losses()[0]; at.Epoch == p.start.Epoch {
		t.Errorf("lost at %v, which is the epoch of before", at)
	}
	p.gap()
	p.works()
}

func TestSubscriptionsOfOneTopicShareOneOnTheBus(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	recorders := make([]*pubsubtest.Recorder, 10_000)
	before := p.server.Subscriptions()
	for i := range recorders {
		recorders[i] = pubsubtest.NewRecorder()
		sub, err := p.near.Subscribe(t.Context(), "shared", kept, recorders[i])
		if err != nil {
			t.Fatal(err)
		}
		defer sub.Cancel()
	}
	p.until("what is asked for in between has gone", func() bool { // one for what is kept and one for the rest
		return p.server.Subscriptions() <= before+3 // and one for replies
	})
	if err := p.far.Publish(t.Context(), pubsub.Publication{Topic: "shared", Data: []byte("x"), History: kept}); err != nil {
		t.Fatal(err)
	}
	for _, r := range recorders {
		r.Wait(t, "delivery", func() bool { return len(r.Received()) == 1 })
	}
}

func TestIdleTopicsCostNothing(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t)
	bus := node(t, server.URL(), nats.Options{Probe: 500 * time.Millisecond})
	for i := range 1000 {
		sub, err := bus.Subscribe(t.Context(), fmt.Sprint(i), kept, pubsubtest.NewRecorder())
		if err != nil {
			t.Fatal(err)
		}
		defer sub.Cancel()
	}
	in, began := server.Taken(), time.Now()
	for server.Taken() < in+4 { // probes come one every 500 ms; whatever else there is makes this end sooner
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("4 messages in %v, which is more than probes", took)
	}
}

func BenchmarkNATS(b *testing.B) {
	server := natstest.Start(b)
	nodes := connect(b, server.URL(), 2, nats.Options{})
	pubsubtest.Benchmark(b, nodes[0], nodes[1])
}
