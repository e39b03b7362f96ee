package presence_test

import (
	"encoding/json"
	"fmt"

	"github.com/chgen/chgen/runtime/presence"
)

func ExampleTracker() {
	tracker := presence.New(func(topic string, diff presence.Diff) {
		fmt.Println(topic, "joins", len(diff.Joins), "leaves", len(diff.Leaves))
	})
	const tab, phone = presence.Owner(1), presence.Owner(2)
	_ = tracker.Track("room:1", "ada", tab, json.RawMessage(`{"typing":false}`))
	_ = tracker.Track("room:1", "ada", phone, json.RawMessage(`{"typing":false}`))
	_ = tracker.Update("room:1", "ada", tab, json.RawMessage(`{"typing":true}`))
	fmt.Println(tracker.Track("room:1", "ada", tab, json.RawMessage(`{}`)))
	for _, meta := range tracker.List("room:1")["ada"] {
		fmt.Printf("%s\n", meta.Data)
	}
	fmt.Println(tracker.Count("room:1"))
	tracker.Drop("room:1", tab, []string{"ada"})
	// Output:
	// room:1 joins 1 leaves 0
	// room:1 joins 1 leaves 0
	// room:1 joins 1 leaves 1
	// presence: already tracked
	// {"typing":true}
	// {"typing":false}
	// 1
	// room:1 joins 0 leaves 1
}
