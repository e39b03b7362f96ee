package serve

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/chgen/chgen/bench/contract"
	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/pubsub"
)

// Chgen is the product: schema, generated code, handler, PubSub, codec.
type Chgen struct{ *channel.Server }

// NewChgen returns a server over bus, in process where it is nil.
func NewChgen(bus pubsub.PubSub) *Chgen {
	options := []channel.Option{
		channel.WithLogger(slog.New(slog.DiscardHandler)),
		channel.WithLimits(channel.Limits{Connections: 1 << 20, PushRate: 1 << 30, JoinRate: 1 << 30}),
	}
	if bus != nil {
		options = append(options, channel.WithPubSub(bus))
	}
	server := channel.NewServer(options...)
	contract.HandleRoom(server, room{})
	contract.HandleCrowd(server, crowd{})
	return &Chgen{server}
}

// Publish implements Backend.
func (c *Chgen) Publish(topic int, p Post) error {
	return contract.BroadcastRoom(c.Server, contract.RoomTopic{ID: int64(topic)}).Posted(context.Background(),
		contract.Post{ID: ID, Author: Author, Body: Body, At: p.At, N: p.N})
}

type room struct{}

func (room) Join(context.Context, *contract.RoomSocket) (contract.RoomHandler, error) {
	return member{}, nil
}

type member struct{}

func (member) Echo(_ context.Context, p contract.Post) (contract.Post, error) { return p, nil }

// people numbers the members of crowds.
var people atomic.Int64

type crowd struct{}

func (crowd) Join(ctx context.Context, s *contract.CrowdSocket) (contract.CrowdHandler, error) {
	key := strconv.FormatInt(people.Add(1), 10)
	if err := s.Presence().Track(ctx, key, contract.Person{Name: Author}); err != nil {
		return nil, err
	}
	return &person{s, key}, nil
}

type person struct {
	socket *contract.CrowdSocket
	key    string
}

func (p *person) Rename(ctx context.Context, in contract.Person) error {
	return p.socket.Presence().Update(ctx, p.key, in)
}

// ServeHTTP implements Backend: the path after /socket is the server's business.
func (c *Chgen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/socket/") {
		http.NotFound(w, r)
		return
	}
	c.Server.ServeHTTP(w, r)
}
