package channeltest_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/chgen/chgen/runtime/channeltest"
	"github.com/chgen/chgen/testdata/golang/chat"
)

// A test of a handler: clients join and push through the generated client, and take what is broadcast.
func Example() {
	test := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			server := newServer() // as the program makes it
			site := channeltest.New(t, server)

			room := chat.NewRoomClient(site.Connect(&chat.ConnectParams{Name: "ada"}), chat.RoomTopic{RoomID: "lobby"})
			deleted := channeltest.Watch(t, room.OnMessageDeleted)
			if _, err := room.Join(t.Context(), chat.RoomJoin{}); err != nil {
				t.Fatal(err)
			}
			event := chat.RoomMessageDeletedEvent{ID: "7"}
			if err := chat.BroadcastRoom(server, chat.RoomTopic{RoomID: "lobby"}).MessageDeleted(t.Context(), event); err != nil {
				t.Fatal(err)
			}
			if got := deleted.Next(); got != event {
				t.Errorf("got %v, want %v", got, event)
			}
		})
	}
	fmt.Println(testing.RunTests(func(string, string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: "TestDeletions", F: test}}))
	// Output: true
}
