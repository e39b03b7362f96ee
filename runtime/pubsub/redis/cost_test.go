package redis_test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/chgen/chgen/internal/redistest"
	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/pubsubtest"
	"github.com/chgen/chgen/runtime/pubsub/redis"
)

// calls returns how often Redis has run a command.
func calls(s *redistest.Server, command string) int {
	found := regexp.MustCompile(`cmdstat_` + command + `:calls=(\d+)`).FindStringSubmatch(s.Do("INFO", "commandstats"))
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(found[1]) // digits
	return n
}

func TestSubscriptionsOfOneTopicShareOneOnTheBus(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	nodes := connect(t, server.URL(), 2, redis.Options{Probe: time.Hour})
	recorders := make([]*pubsubtest.Recorder, 10_000)
	for i := range recorders {
		recorders[i] = pubsubtest.NewRecorder()
		sub, err := nodes[0].Subscribe(t.Context(), "t", kept, recorders[i])
		if err != nil {
			t.Fatal(err)
		}
		defer sub.Cancel()
	}
	// The topic and the node's probe.
	if n := calls(server, "subscribe"); n != 2 {
		t.Errorf("%d subscriptions on the bus, want 2", n)
	}
	for i, p := range []pubsub.Publication{{Topic: "t", Data: []byte("plain")}, {Topic: "t", Data: []byte("kept"), History: kept}} {
		if err := nodes[1].Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		for _, r := range recorders {
			r.Wait(t, "delivery", func() bool { return len(r.Received()) == i+1 })
		}
		if n := calls(server, "publish"); n != i+1 {
			t.Errorf("%d messages on the bus, want %d", n, i+1)
		}
	}
}

func TestIdleTopicsCostNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	bus := connect(t, server.URL(), 1, redis.Options{Probe: 500 * time.Millisecond})[0]
	for i := range 1000 {
		sub, err := bus.Subscribe(t.Context(), fmt.Sprint(i), kept, pubsubtest.NewRecorder())
		if err != nil {
			t.Fatal(err)
		}
		defer sub.Cancel()
	}
	scripts, subscriptions, probes := calls(server, "evalsha")+calls(server, "eval"), calls(server, "subscribe"), calls(server, "publish")
	for calls(server, "publish") < probes+4 { // a while, in which there is nothing but probes
	}
	if n := calls(server, "evalsha") + calls(server, "eval"); n != scripts {
		t.Errorf("%d scripts were run", n-scripts)
	}
	if n := calls(server, "subscribe"); n != subscriptions {
		t.Errorf("%d subscriptions were made", n-subscriptions)
	}
}
