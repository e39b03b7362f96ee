package redis_test

import (
	"crypto/rand"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chgen/chgen/internal/redistest"
	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/pubsubtest"
	"github.com/chgen/chgen/runtime/pubsub/redis"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connect returns n nodes on a bus of their own.
func connect(t testing.TB, url string, n int, opts redis.Options) []pubsub.PubSub {
	t.Helper()
	opts.Prefix = rand.Text()
	nodes := make([]pubsub.PubSub, n)
	for i := range nodes {
		nodes[i] = node(t, url, opts)
	}
	return nodes
}

func node(t testing.TB, url string, opts redis.Options) *redis.PubSub {
	t.Helper()
	opts.Log = slog.New(slog.DiscardHandler)
	node, err := redis.New(t.Context(), url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(node.Close)
	return node
}

func TestRedisConforms(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	t.Run("suite", func(t *testing.T) { // returns when its parallel tests have
		pubsubtest.Run(t, func(t *testing.T, n int) []pubsub.PubSub {
			return connect(t, server.URL(), n, redis.Options{Timeout: 20 * time.Second})
		})
	})
}
