package soak_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/chgen/chgen/internal/soak/contract"
	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/pubsub/nats"
	"github.com/chgen/chgen/runtime/pubsub/redis"
)

// nodeVariable is the environment variable that makes the test binary a node: a nodeConfig as JSON.
const nodeVariable = "SOAK_NODE"

// nodeConfig is what a node is told.
type nodeConfig struct {
	Bus    string        // the URL of the bus
	Prefix string        // of what it keeps there
	Probe  time.Duration // of the bus
}

// secret is that of all nodes.
var secret = []byte("what the nodes of these tests sign")

// newServer returns a node's server. Every client may join everything.
func newServer(bus pubsub.PubSub, log *slog.Logger) *channel.Server {
	s := channel.NewServer(channel.WithPubSub(bus), channel.WithSecret(secret), channel.WithLogger(log))
	handle(s)
	return s
}

func handle(s *channel.Server) {
	contract.HandleLong(s, long{})
	contract.HandleBrief(s, brief{})
	contract.HandleTurn(s, turn{})
}

func joined() contract.Joined { return contract.Joined{Join: rand.Text()} }

type (
	long  struct{ socket *contract.LongSocket }
	brief struct{ socket *contract.BriefSocket }
	turn  struct{ socket *contract.TurnSocket }
)

func (long) Join(_ context.Context, s *contract.LongSocket) (contract.LongHandler, contract.Joined, error) {
	return long{s}, joined(), nil
}

func (brief) Join(_ context.Context, s *contract.BriefSocket) (contract.BriefHandler, contract.Joined, error) {
	return brief{s}, joined(), nil
}

func (turn) Join(_ context.Context, s *contract.TurnSocket) (contract.TurnHandler, contract.Joined, error) {
	return turn{s}, joined(), nil
}

func (m long) Say(ctx context.Context, in contract.Say) error {
	send := m.socket.Broadcast()
	if in.Others {
		send = m.socket.BroadcastFrom()
	}
	return send.Said(ctx, contract.Note{ID: in.ID})
}

func (m brief) Say(ctx context.Context, in contract.Say) error {
	send := m.socket.Broadcast()
	if in.Others {
		send = m.socket.BroadcastFrom()
	}
	return send.Said(ctx, contract.Note{ID: in.ID})
}

func (m turn) Say(ctx context.Context, in contract.Say) error {
	send := m.socket.Broadcast()
	if in.Others {
		send = m.socket.BroadcastFrom()
	}
	return send.Said(ctx, contract.Note{ID: in.ID})
}

func (turn) InterceptSaid(context.Context, *contract.Note) (bool, error) { return true, nil }

// runNode serves until it is terminated or standard input ends, which it does with the tests. It says its address first.
func runNode(text string) int {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := serveNode(text, log); err != nil {
		log.Error("node", "err", err)
		return 1
	}
	return 0
}

func serveNode(text string, log *slog.Logger) error {
	var config nodeConfig
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		defer stop()
		_, _ = io.Copy(io.Discard, os.Stdin)
	}()
	bus, closeBus, err := connectBus(ctx, config, log)
	if err != nil {
		return err
	}
	defer closeBus()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := newServer(bus, log)
	web := &http.Server{Handler: server, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = web.Serve(listener) }()
	fmt.Println(listener.Addr())
	<-ctx.Done()
	grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = web.Close() // of no use any more; WebSockets are the server's
	return server.Shutdown(grace)
}

func connectBus(ctx context.Context, config nodeConfig, log *slog.Logger) (bus pubsub.PubSub, done func(), err error) {
	switch scheme, _, _ := strings.Cut(config.Bus, "://"); scheme {
	case "redis":
		bus, err := redis.New(ctx, config.Bus, redis.Options{Prefix: config.Prefix, Probe: config.Probe, Timeout: 2 * time.Second, Log: log})
		if err != nil {
			return nil, nil, err
		}
		return bus, bus.Close, nil
	case "nats":
		bus, err := nats.New(ctx, config.Bus, nats.Options{Prefix: config.Prefix, Probe: config.Probe, Timeout: 2 * time.Second, Log: log})
		if err != nil {
			return nil, nil, err
		}
		return bus, bus.Close, nil
	default:
		return nil, nil, fmt.Errorf("unknown bus %q", config.Bus)
	}
}
