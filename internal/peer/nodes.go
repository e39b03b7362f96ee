package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/pubsub"
)

// nodes are servers on one bus. Requests come to them in turn, as a balancer without affinity has it.
type nodes struct {
	servers []*channel.Server
	turn    atomic.Uint64
}

// newNodes returns so many nodes.
func newNodes(log *slog.Logger, size int) *nodes {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	bus := pubsub.New()
	n := &nodes{}
	for range size {
		n.servers = append(n.servers, newServer(log, channel.WithPubSub(bus), channel.WithSecret(secret)))
	}
	return n
}

// ServeHTTP implements http.Handler.
func (n *nodes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.servers[n.turn.Add(1)%uint64(len(n.servers))].ServeHTTP(w, r)
}

// Shutdown shuts all of them down.
func (n *nodes) Shutdown(ctx context.Context) error {
	errs := make([]error, len(n.servers))
	for i, server := range n.servers {
		errs[i] = server.Shutdown(ctx)
	}
	return errors.Join(errs...)
}
