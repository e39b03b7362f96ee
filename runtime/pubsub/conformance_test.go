package pubsub_test

import (
	"testing"

	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/pubsubtest"
)

func TestLocalConforms(t *testing.T) {
	t.Parallel()
	pubsubtest.Run(t, func(_ *testing.T, n int) []pubsub.PubSub {
		bus := pubsub.New()
		nodes := make([]pubsub.PubSub, n)
		for i := range nodes {
			nodes[i] = bus
		}
		return nodes
	})
}
