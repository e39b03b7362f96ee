package serve

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/centrifugal/centrifuge"
)

// Centrifuge is a centrifuge node with its JSON protocol.
type Centrifuge struct {
	node *centrifuge.Node
	http.Handler
}

// NewCentrifuge returns a Centrifuge that collects what it writes for delay, 0 for not at all, over the Redis at an
// address, or alone.
func NewCentrifuge(delay time.Duration, redis string) (*Centrifuge, error) {
	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		return nil, err
	}
	if redis != "" {
		shard, err := centrifuge.NewRedisShard(node, centrifuge.RedisShardConfig{Address: redis})
		if err != nil {
			return nil, err
		}
		broker, err := centrifuge.NewRedisBroker(node, centrifuge.RedisBrokerConfig{Shards: []*centrifuge.RedisShard{shard}})
		if err != nil {
			return nil, err
		}
		node.SetBroker(broker)
	}
	node.OnConnecting(func(context.Context, centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return centrifuge.ConnectReply{
			Credentials: &centrifuge.Credentials{},
			WriteDelay:  delay,
		}, nil
	})
	node.OnConnect(func(client *centrifuge.Client) {
		client.OnSubscribe(func(_ centrifuge.SubscribeEvent, done centrifuge.SubscribeCallback) {
			done(centrifuge.SubscribeReply{}, nil)
		})
		client.OnRPC(func(e centrifuge.RPCEvent, done centrifuge.RPCCallback) {
			done(centrifuge.RPCReply{Data: e.Data}, nil)
		})
	})
	if err := node.Run(); err != nil {
		return nil, err
	}
	sockets := centrifuge.NewWebsocketHandler(node, centrifuge.WebsocketConfig{})
	return &Centrifuge{node, sockets}, nil
}

// Publish implements Backend.
func (b *Centrifuge) Publish(topic int, p Post) error {
	_, err := b.node.Publish("room:"+strconv.Itoa(topic), p.AppendJSON(nil))
	return err
}
