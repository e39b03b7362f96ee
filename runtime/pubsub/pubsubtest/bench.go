package pubsubtest

import (
	"sync/atomic"
	"testing"

	"github.com/chgen/chgen/runtime/pubsub"
)

// counter is a subscriber that counts.
type counter struct {
	received atomic.Int64
	want     int64
	done     chan struct{} // closed when want have been received
}

func (c *counter) Receive(pubsub.Publication) {
	if c.received.Add(1) == c.want {
		close(c.done)
	}
}

func (c *counter) Lost(pubsub.Position, error) {}

// Benchmark measures publishing at one node of a bus with a subscription at another: one publisher that waits for each
// publication, and many at once; what is kept and what is not. An operation is one publication of 100 bytes, delivered.
func Benchmark(b *testing.B, from, to pubsub.PubSub) {
	for name, history := range map[string]pubsub.History{"plain": {}, "kept": {Size: 200, TTL: kept.TTL}} {
		p := pubsub.Publication{Topic: name, Data: make([]byte, 100), History: history}
		publish := func(b *testing.B) {
			if err := from.Publish(b.Context(), p); err != nil {
				b.Error(err)
			}
		}
		b.Run(name+"/one", func(b *testing.B) {
			deliver(b, to, p, func() {
				for range b.N {
					publish(b)
				}
			})
		})
		b.Run(name+"/many", func(b *testing.B) {
			deliver(b, to, p, func() {
				b.SetParallelism(64)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						publish(b)
					}
				})
			})
		})
	}
}

// deliver measures until everything has been delivered.
func deliver(b *testing.B, to pubsub.PubSub, p pubsub.Publication, publish func()) {
	c := &counter{want: int64(b.N), done: make(chan struct{})}
	sub, err := to.Subscribe(b.Context(), p.Topic, p.History, c)
	if err != nil {
		b.Fatal(err)
	}
	defer sub.Cancel()
	b.ReportAllocs()
	b.ResetTimer()
	publish()
	<-c.done
}
