package redis_test

import (
	"testing"

	"github.com/chgen/chgen/internal/redistest"
	"github.com/chgen/chgen/runtime/pubsub/pubsubtest"
	"github.com/chgen/chgen/runtime/pubsub/redis"
)

func BenchmarkRedis(b *testing.B) {
	server := redistest.Start(b)
	nodes := connect(b, server.URL(), 2, redis.Options{})
	pubsubtest.Benchmark(b, nodes[0], nodes[1])
}
