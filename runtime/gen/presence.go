package gen

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/internal/engine"
)

// TopicParams are the parameters of a topic: Param and IntParam, as of Membership.
type TopicParams = engine.TopicParams

// FetchPresences has fetch change presences on their way to clients. decode and marshaler are of T, the schema's type.
func FetchPresences[T any](
	decode func(*T, *codec.Decoder) error,
	marshaler func(*T) codec.Marshaler,
	fetch func(ctx context.Context, m TopicParams, who map[string][]T) error,
) channel.HandleOption {
	return func(c *engine.Channel) {
		c.Fetch = func(ctx context.Context, topic TopicParams, metas map[string][]json.RawMessage) error {
			who, err := codec.UnmarshalLists(metas, decode)
			if err != nil {
				return err
			}
			if err := fetch(ctx, topic, who); err != nil {
				return err
			}
			for key, list := range metas {
				if len(who[key]) != len(list) {
					return fmt.Errorf("there were %d metas under %q, now there are %d", len(list), key, len(who[key]))
				}
				for i := range list {
					if list[i], err = marshaler(&who[key][i]).AppendJSON(nil); err != nil {
						return fmt.Errorf("the presence under %q: %w", key, err)
					}
				}
			}
			return nil
		}
	}
}

// Presences lists who is on the topic of c with these parameters, from anywhere.
func Presences[T any](ctx context.Context, server *channel.Server, decode func(*T, *codec.Decoder) error, c *Channel, params ...string) (map[string][]T, error) {
	metas, err := server.Engine().Presences(ctx, c, params...)
	if err != nil {
		return nil, err
	}
	return codec.UnmarshalLists(metas, decode)
}

// CountPresences counts the keys on the topic of c with these parameters, from anywhere.
func CountPresences(server *channel.Server, c *Channel, params ...string) (int, error) {
	return server.Engine().CountPresences(c, params...)
}
