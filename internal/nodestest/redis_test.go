package nodestest_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/chgen/chgen/internal/nodestest"
	"github.com/chgen/chgen/internal/redistest"
	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/redis"
)

func TestNodesOverRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	t.Run("suite", func(t *testing.T) { // returns when its parallel tests have
		nodestest.Run(t, server.Addr(), func(t testing.TB, addr, prefix string) pubsub.PubSub {
			bus, err := redis.New(t.Context(), "redis://"+addr, redis.Options{
				Prefix: prefix, Probe: 200 * time.Millisecond, Timeout: 2 * time.Second, Log: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(bus.Close)
			return bus
		})
	})
}
