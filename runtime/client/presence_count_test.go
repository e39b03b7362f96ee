package client_test

import (
	"testing"

	"github.com/chgen/chgen/testdata/golang/chat"
)

func TestTheCountIsTheServersOrThatOfTheKeys(t *testing.T) {
	play(t, func(t *testing.T, s *script) {
		room := chat.NewRoomClient(s.client(), lobby)
		var counts recorder
		stop := room.Presence().OnCount(func(n int) { counts.add("%d of %d", n, room.Presence().Count()) })
		l, joinRef := joinLobby(t, room, s)
		l.send(`[%q,null,"room:lobby","chgen_presence_count",{"count":7}]`, joinRef)
		l.send(`[null,null,"room:lobby","chgen_presence_count",{"count":7,"more":[]}]`)
		l.send(`[null,null,"room:lobby","chgen_presence_count",{"many":7}]`)
		l.send(`[null,null,"room:lobby","chgen_presence_count",{"count":1000000}]`)
		counts.expect(t, "7 of 7", "1000000 of 1000000")
		l.send(`[%q,null,"room:lobby","presence_state",{"a":{"metas":[{"phx_ref":"1","name":"ada","typing":false},{"phx_ref":"2","name":"ada","typing":false}]}}]`, joinRef)
		counts.expect(t, "1 of 1")
		stop()
		l.send(`[null,null,"room:lobby","chgen_presence_count",{"count":2}]`)
		counts.expect(t)
		if n := room.Presence().Count(); n != 2 {
			t.Errorf("got %d, want 2", n)
		}
	})
}
