package golang_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/channeltest"
	"github.com/chgen/chgen/testdata/golang/kitchen"
)

// cook answers with what it gets, and broadcasts everything there is when it is pinged.
type cook struct {
	kitchen.UnimplementedKitchenHandler
	socket *kitchen.KitchenSocket
}

type kitchenServer struct{}

func (kitchenServer) Join(ctx context.Context, socket *kitchen.KitchenSocket, _ kitchen.KitchenJoin) (kitchen.KitchenHandler, kitchen.KitchenJoined, error) {
	if socket.Topic().Rest == "forbidden" {
		return nil, kitchen.KitchenJoined{}, &kitchen.WithFieldsError{RetryAfterMs: 7}
	}
	joined := kitchen.KitchenJoined{Scalars: numbered(socket.Topic().ID)}
	return &cook{socket: socket}, joined, socket.Presence().Track(ctx, "cook", kitchen.KitchenPresence{Name: "cook"})
}

func numbered(n int64) kitchen.Scalars {
	return kitchen.Scalars{Int: n, UUID: owner, JSON: json.RawMessage("null"), Bytes: []byte{}, Level: kitchen.LevelLow}
}

func (c *cook) Ping(ctx context.Context) error {
	all := c.socket.Broadcast()
	return errors.Join(
		all.Scalars(ctx, numbered(1)),
		all.Shape(ctx, &kitchen.ShapeCircle{Radius: 2}),
		all.Any(ctx, json.RawMessage(`[1,{"a":null}]`)),
		all.Blob(ctx, []byte{0, 255}),
		all.Bell(ctx),
		all.Tagged(ctx, kitchen.KitchenTaggedEvent{Tag: "t"}), //nolint:staticcheck // deprecated in the schema, and there all the same
		all.Ask(ctx, kitchen.Point{X: 1}),
	)
}

func (c *cook) Ask(_ context.Context, in kitchen.Shape) (kitchen.Shape, error) { return in, nil }

func (c *cook) Raw(_ context.Context, in json.RawMessage) (kitchen.KitchenRawReply, error) {
	return kitchen.KitchenRawReply{Done: string(in) == `[1]`}, nil
}

func (c *cook) Upload(_ context.Context, in []byte) error {
	if string(in) != "\x00\xff" {
		return errors.New("other bytes")
	}
	return nil
}

func (c *cook) Search(_ context.Context, in kitchen.KitchenSearch) (func(context.Context) (kitchen.KitchenSearchReply, error), error) {
	return func(context.Context) (kitchen.KitchenSearchReply, error) {
		if in.Text == "later" {
			return kitchen.KitchenSearchReply{}, kitchen.ErrTryAgain
		}
		return kitchen.KitchenSearchReply{Hits: []kitchen.Point{{X: float64(in.Limit)}}}, nil
	}, nil
}

func (c *cook) V1_2DoIt(_ context.Context, in kitchen.Point) (kitchen.Point, error) { return in, nil }

// shapes is a channel whose params, reply and presence are unions.
type shapes struct{}

func (shapes) Join(ctx context.Context, socket *kitchen.ShapesSocket, in kitchen.Shape) (kitchen.ShapesHandler, kitchen.Shape, error) {
	return shapes{}, in, socket.Presence().Track(ctx, "it", in)
}

const owner = "01234567-89ab-cdef-0123-456789abcdef"

func TestGeneratedClientsAndServersUnderstandEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := channel.NewServer(channel.WithLogger(slog.New(slog.DiscardHandler)))
		kitchen.HandleKitchen(server, kitchenServer{})
		kitchen.HandleShapes(server, shapes{})
		c := channeltest.New(t, server).Connect(nil)
		equal := func(what string, want, got any, err error) {
			t.Helper()
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
			}
		}
		topic := kitchen.KitchenTopic{ID: 7, Type: "t", Owner: owner, Rest: "a:b"}
		k := kitchen.NewKitchenClient(c, topic)
		heard := make(chan any, 100)
		k.OnScalars(func(v kitchen.Scalars) { heard <- v })
		k.OnShape(func(v kitchen.Shape) { heard <- v })
		k.OnAny(func(v json.RawMessage) { heard <- string(v) })
		k.OnBlob(func(v []byte) { heard <- v })
		k.OnBell(func() { heard <- "bell" })
		k.OnTagged(func(v kitchen.KitchenTaggedEvent) { heard <- v }) //nolint:staticcheck // deprecated in the schema, and there all the same
		k.OnAsk(func(v kitchen.Point) { heard <- v })
		joined, err := k.Join(t.Context(), kitchen.KitchenJoin{})
		equal("join", kitchen.KitchenJoined{Scalars: numbered(7)}, joined, err)

		circle := &kitchen.ShapeCircle{Radius: 1}
		shape, err := k.Ask(t.Context(), circle) //nolint:staticcheck // deprecated in the schema, and there all the same
		equal("ask", kitchen.Shape(circle), shape, err)
		raw, err := k.Raw(t.Context(), json.RawMessage(`[1]`))
		equal("raw", kitchen.KitchenRawReply{Done: true}, raw, err)
		equal("upload", nil, nil, k.Upload(t.Context(), []byte{0, 255}))
		found, err := k.Search(t.Context(), kitchen.KitchenSearch{Text: "x", Limit: 3})
		equal("search", kitchen.KitchenSearchReply{Hits: []kitchen.Point{{X: 3}}}, found, err)
		point, err := k.V1_2DoIt(t.Context(), kitchen.Point{X: 5})
		equal("v1.2:do-it", kitchen.Point{X: 5}, point, err)
		if _, err := k.Search(t.Context(), kitchen.KitchenSearch{Text: "later", Limit: 1}); !errors.Is(err, kitchen.ErrTryAgain) {
			t.Errorf("search: got %v, want %v", err, kitchen.ErrTryAgain)
		}
		if _, err := k.Ask(t.Context(), nil); err == nil { //nolint:staticcheck // deprecated in the schema, and there all the same
			t.Error("ask: no shape at all is sent")
		}

		equal("ping", nil, nil, k.Ping(t.Context()))
		for i, want := range []any{
			&kitchen.ShapeCircle{Radius: 2}, []byte{0, 255}, // which are no part of the history
			numbered(1), `[1,{"a":null}]`, "bell", // of which one event is intercepted, so that all pass the handler's turn
			kitchen.KitchenTaggedEvent{Tag: "t"}, kitchen.Point{X: 1},
		} {
			equal("event "+strconv.Itoa(i), want, <-heard, nil)
		}
		equal("presence", map[string][]kitchen.KitchenPresence{"cook": {{Name: "cook"}}}, k.Presence().List(), nil)

		forbidden := topic
		forbidden.Rest = "forbidden"
		_, _, err = kitchen.JoinKitchen(t.Context(), c, forbidden, kitchen.KitchenJoin{})
		if refused, ok := errors.AsType[*kitchen.WithFieldsError](err); !ok || refused.RetryAfterMs != 7 {
			t.Errorf("join: got %v, want with_fields", err)
		}

		s, reply, err := kitchen.JoinShapes(t.Context(), c, kitchen.ShapesTopic{Rest: "any:thing"}, circle)
		equal("join with a union", kitchen.Shape(circle), reply, err)
		synctest.Wait()
		equal("presence of a union", map[string][]kitchen.Shape{"it": {circle}}, s.Presence().List(), nil)
	})
}
