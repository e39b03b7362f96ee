package redis_test

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/internal/netfault"
	"github.com/chgen/chgen/internal/redistest"
	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/pubsubtest"
	"github.com/chgen/chgen/runtime/pubsub/redis"
)

var kept = pubsub.History{Size: 100, TTL: time.Minute}

// quick are the times of tests that wait for a fault to be found.
var quick = redis.Options{Probe: 100 * time.Millisecond, Timeout: 2 * time.Second}

// pair is two nodes on one Redis, one of them behind a proxy, and what that one receives.
type pair struct {
	*testing.T
	server      *redistest.Server
	proxy       *netfault.Proxy
	near, far   pubsub.PubSub // far is behind the proxy
	kept, plain *pubsubtest.Recorder
	start       pubsub.Position
	published   int
}

func newPair(t *testing.T, args ...string) *pair {
	t.Helper()
	server := redistest.Start(t, args...)
	p := &pair{T: t, server: server, proxy: netfault.New(t, server.Addr()), kept: pubsubtest.NewRecorder(), plain: pubsubtest.NewRecorder()}
	p.near = node(t, server.URL(), redis.Options{Timeout: quick.Timeout})
	p.far = node(t, "redis://"+p.proxy.Addr(), quick)
	p.subscribe()
	return p
}

func (p *pair) subscribe() {
	p.Helper()
	for topic, r := range map[string]*pubsubtest.Recorder{"kept": p.kept, "plain": p.plain} {
		sub, err := p.far.Subscribe(p.Context(), topic, history(topic), r)
		if err != nil {
			p.Fatal(err)
		}
		p.Cleanup(sub.Cancel)
		if topic == "kept" {
			p.start = sub.Start()
		}
	}
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

// has waits until the kept publications are exactly those of the numbers, with nothing lost.
func (p *pair) has(numbers ...int) {
	p.Helper()
	p.kept.Wait(p, "recovery", func() bool { return len(p.kept.Received()) >= len(numbers) })
	var want []string
	for _, n := range numbers {
		want = append(want, fmt.Sprint(n))
	}
	if diff := cmp.Diff(want, p.kept.Texts()); diff != "" || len(p.kept.Losses()) > 0 {
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

func TestWhatWasMissedWhileConnectionsWereCutIsReadFromTheLog(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.keep(2)
	p.proxy.Hold() // so that what follows cannot have arrived when the connections are cut
	p.keep(3)
	p.proxy.Cut()
	p.proxy.Release()
	p.has(1, 2, 3, 4, 5)
	p.told(p.plain)
	p.works()
}

func TestConnectionsThatAreOpenAndCarryNothingAreFoundByProbes(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.keep(1)
	p.proxy.Hold() // also for those who try to connect, so that there is time to look
	p.keep(2)
	if err := p.say(p.far, "plain"); err == nil {
		t.Error("what cannot be carried was published without an error")
	}
	if err := p.say(p.far, "kept"); err == nil {
		t.Error("what cannot be kept was published without an error")
	}
	p.proxy.Freeze() // they never carry anything again, and nobody closes them
	p.proxy.Release()
	p.told(p.plain)
	p.works()
	texts := p.kept.Texts()
	if len(p.kept.Losses()) > 0 || !cmp.Equal(texts[:3], []string{"1", "2", "3"}) {
		t.Errorf("lost %v, received %q", p.kept.Losses(), texts)
	}
}

func TestMoreThanIsKeptIsToldAsLost(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.proxy.Hold()
	p.keep(kept.Size + 1)
	p.proxy.Cut()
	p.proxy.Release()
	p.told(p.kept)
	if at := p.kept.Losses()[0]; at.Epoch != p.start.Epoch || at.Offset != uint64(kept.Size+1) {
		t.Errorf("lost at %v, the topic is at %d", at, kept.Size+1)
	}
	p.works()
}

// A Redis that comes back, with its data or without, may have lost what it acknowledged last.
func TestARestartBeginsANewEpoch(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"with its data": {"--appendonly", "yes", "--appendfsync", "always"}, "empty": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, args...)
			p.keep(2)
			p.server.Kill()
			if err := p.say(p.near, "plain"); err == nil {
				t.Error("what cannot be carried was published without an error")
			}
			if err := p.say(p.near, "kept"); err == nil {
				t.Error("what cannot be kept was published without an error")
			}
			p.server.Run()
			p.told(p.kept)
			p.told(p.plain)
			if at := p.kept.Losses()[0]; at.Epoch == p.start.Epoch {
				t.Errorf("lost at %v, which is the epoch of before", at)
			}
			p.gap()
			p.works()
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

func TestAnEmptiedRedisBeginsANewEpoch(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.keep(2)
	p.has(1, 2)
	p.server.Do("FLUSHALL")
	p.gap()
	p.keep(1)
	p.told(p.kept)
	p.works()
}

// The server that was demoted and promoted again is the same process with another's data.
func TestAFailoverThereAndBackBeginsANewEpoch(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.keep(2)
	other := redistest.Start(t)
	replicaOf(t, other, p.server)
	p.until("the copy", func() bool { return other.Do("DBSIZE") == p.server.Do("DBSIZE") })
	other.Do("REPLICAOF", "NO", "ONE") // with the data as they are now
	p.keep(2)                          // which the other one does not get
	replicaOf(t, p.server, other)
	if err := p.say(p.near, "kept"); err == nil {
		t.Error("what cannot be kept was published without an error: the server is read-only")
	}
	p.until("the copy", func() bool { return other.Do("DBSIZE") == p.server.Do("DBSIZE") && linked(p.server) })
	p.server.Do("REPLICAOF", "NO", "ONE")
	p.gap()
	p.works()
	if len(p.kept.Losses()) == 0 {
		t.Error("a subscription was not told that the order may be another")
	}
}

func linked(s *redistest.Server) bool {
	return strings.Contains(s.Do("INFO", "replication"), "master_link_status:up")
}

func replicaOf(t *testing.T, replica, master *redistest.Server) {
	t.Helper()
	host, port, err := net.SplitHostPort(master.Addr())
	if err != nil {
		t.Fatal(err)
	}
	replica.Do("REPLICAOF", host, port)
}

// DEBUG SLEEP stops the server for longer than probes may take.
func TestAServerThatStandsStillIsCaughtUpWith(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.keep(2)
	p.server.Do("DEBUG", "SLEEP", "0.7")
	p.works()
	if len(p.kept.Losses()) > 0 {
		t.Errorf("lost %v although everything is kept", p.kept.Losses())
	}
}

func TestSubscriptionsThatRedisEndsAreRestored(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.keep(1)
	p.has(1)
	p.server.Do("CLIENT", "KILL", "TYPE", "pubsub")
	p.keep(1)
	p.has(1, 2)
	p.told(p.plain)
	p.works()
}
