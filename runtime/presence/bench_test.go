package presence_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/chgen/chgen/runtime/presence"
	"github.com/chgen/chgen/runtime/pubsub"
)

// BenchmarkChurn measures one member coming and going, on a topic with so many others, until every one of three nodes
// has told its members of both.
func BenchmarkChurn(b *testing.B) {
	for _, members := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprintf("members=%d", members), func(b *testing.B) {
			bus := pubsub.New()
			const nodes = 3
			told := make(chan struct{}, 4*nodes*members+1024)
			var trackers [nodes]*presence.Tracker
			for i := range trackers {
				trackers[i] = presence.New(func(string, presence.Diff) { told <- struct{}{} })
				replica := presence.Replicate(trackers[i], bus, presence.Options{Logger: slog.New(slog.DiscardHandler)})
				defer replica.Close(context.Background())
			}
			for i := range members {
				_ = trackers[i%nodes].Track("t", fmt.Sprint(i), 1, meta(i))
			}
			for _, tracker := range trackers { // a newcomer's state comes in fewer diffs
				for len(tracker.List("t")) < members {
					<-told
				}
			}
			for len(told) > 0 {
				<-told
			}
			b.ReportAllocs()
			pending := 0
			for b.Loop() {
				_ = trackers[0].Track("t", "churn", 1, meta(0))
				_ = trackers[0].Untrack("t", "churn", 1)
				for pending += 2 * nodes; pending > 1024; pending-- {
					<-told
				}
			}
			for range pending {
				<-told
			}
		})
	}
}
