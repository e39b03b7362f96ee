package natstest_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/chgen/chgen/internal/natstest"
	"github.com/chgen/chgen/internal/nodestest"
	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/nats"
)

func TestNodesOverNATS(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t)
	t.Run("suite", func(t *testing.T) { // returns when its parallel tests have
		nodestest.Run(t, server.Addr(), func(t testing.TB, addr, prefix string) pubsub.PubSub {
			bus, err := nats.New(t.Context(), "nats://"+addr, nats.Options{
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
