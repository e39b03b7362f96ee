package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/nats"
	"github.com/chgen/chgen/runtime/pubsub/redis"
)

// openBus returns what carries messages to other nodes, and what gives it back. It is nil where url is empty.
func openBus(ctx context.Context, url string, log *slog.Logger) (bus pubsub.PubSub, done func(), err error) {
	switch scheme, _, _ := strings.Cut(url, ":"); scheme {
	case "":
		return nil, func() {}, nil
	case "redis", "rediss", "unix":
		bus, err := redis.New(ctx, url, redis.Options{Prefix: "chat", Log: log})
		if err != nil {
			return nil, nil, err
		}
		return bus, bus.Close, nil
	case "nats", "tls":
		bus, err := nats.New(ctx, url, nats.Options{Prefix: "chat", Log: log})
		if err != nil {
			return nil, nil, err
		}
		return bus, bus.Close, nil
	}
	return nil, nil, fmt.Errorf("-pubsub %q: it takes redis://... or nats://..., or nothing", url)
}

// secretOf returns what the nodes sign positions and the tokens of long-poll sessions with: CHAT_SECRET of the environment.
// Without it, nodes on one bus derive it from the bus's URL, so that they agree: good enough where nobody else can reach the
// bus or knows the password in its URL. One node alone needs none.
func secretOf(url string, log *slog.Logger) []byte {
	secret := os.Getenv("CHAT_SECRET")
	if secret == "" && url == "" {
		return nil
	}
	if secret == "" {
		log.Warn("CHAT_SECRET is not set: whoever knows the URL of the bus can forge positions and long-poll tokens")
		secret = url
	}
	sum := sha256.Sum256([]byte("chat\n" + secret))
	return sum[:]
}
