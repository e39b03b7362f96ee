package redis_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/chgen/chgen/internal/redistest"
	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/pubsubtest"
	"github.com/chgen/chgen/runtime/pubsub/redis"
)

// A Cluster of two servers, each with half of the slots, so that lanes are on both.
func TestRedisClusterConforms(t *testing.T) {
	t.Parallel()
	a, b := redistest.Start(t, "--cluster-enabled", "yes"), redistest.Start(t, "--cluster-enabled", "yes")
	a.Do("CLUSTER", "ADDSLOTSRANGE", "0", "8191")
	b.Do("CLUSTER", "ADDSLOTSRANGE", "8192", "16383")
	b.Do("CLUSTER", "SET-CONFIG-EPOCH", "2")
	host, port, err := net.SplitHostPort(b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	a.Do("CLUSTER", "MEET", host, port)
	for _, server := range []*redistest.Server{a, b} {
		for !strings.Contains(server.Do("CLUSTER", "INFO"), "cluster_state:ok") { // they look at each other ten times a second
		}
	}
	t.Run("suite", func(t *testing.T) { // returns when its parallel tests have
		pubsubtest.Run(t, func(t *testing.T, n int) []pubsub.PubSub {
			return connect(t, a.URL(), n, redis.Options{Timeout: 20 * time.Second, Lanes: 4})
		})
	})
}
