package pubsub_test

import (
	"context"
	"fmt"
	"time"

	"github.com/chgen/chgen/runtime/pubsub"
)

// printer is a Subscriber.
type printer struct{}

func (printer) Receive(p pubsub.Publication) { fmt.Printf("%s: %s\n", p.Topic, p.Data) }

func (printer) Lost(pubsub.Position, error) { fmt.Println("something is missing") }

// Who was away gets what was kept since.
func Example() {
	ctx := context.Background()
	bus := pubsub.New()
	history := pubsub.History{Size: 100, TTL: time.Minute}
	sub, err := bus.Subscribe(ctx, "room:1", history, printer{})
	if err != nil {
		fmt.Println(err)
		return
	}
	publish := func(text string) {
		if err := bus.Publish(ctx, pubsub.Publication{Topic: "room:1", Data: []byte(text), History: history}); err != nil {
			fmt.Println(err)
		}
	}
	publish("one")
	last := sub.Start()
	sub.Cancel()
	publish("two")

	page, err := bus.Replay(ctx, "room:1", history, last, 10)
	for _, p := range page.Publications {
		fmt.Printf("replayed %s\n", p.Data)
	}
	fmt.Println(page.Gap, err)
	// Output:
	// room:1: one
	// replayed one
	// replayed two
	// false <nil>
}
