package hostile_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chgen/chgen/examples/chat/chat"
)

// subscribe has a connection of its own join room:flood, read the answer, and then read no more.
func (s *site) subscribe() net.Conn {
	s.t.Helper()
	conn := s.dial()
	go func() { _, _ = io.WriteString(conn, upgrade+"\r\n") }()
	if _, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil); err != nil { //nolint:bodyclose // an upgrade has none
		s.t.Fatal(err)
	}
	_, _ = conn.Write(masked(finText, []byte(`["1","1","room:flood","phx_join",{}]`)))
	synctest.Wait()
	return conn
}

// flood broadcasts n messages of 2 KiB to room:flood.
func (s *site) flood(n int) {
	s.t.Helper()
	room := chat.BroadcastRoom(s.server, chat.RoomTopic{RoomID: "flood"})
	message := chat.Message{ID: "1", Author: chat.Author{ID: "1", Name: "x", Role: chat.RoleMember}, Body: strings.Repeat("x", 2000)}
	for range n {
		if err := room.MessageCreated(context.Background(), message); err != nil {
			s.t.Fatal(err)
		}
	}
}

func TestClientsThatNeverRead(t *testing.T) {
	attack(t, func(s *site) {
		for range 20 {
			s.subscribe()
		}
		s.flood(1000) // twice what a queue takes
		<-time.After(time.Minute)
	})
}

func TestAClientThatReadsAByteASecond(t *testing.T) {
	attack(t, func(s *site) {
		conn := s.subscribe()
		began := time.Now()
		s.flood(100)
		for {
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				break
			}
			<-time.After(time.Second)
		}
		if took := time.Since(began); took < 25*time.Second || took > 40*time.Second {
			t.Errorf("cut off after %v, want 30s", took)
		}
	})
}

func TestAThousandClientsThatSayNothing(t *testing.T) {
	for name, test := range map[string]func(s *site){
		"on TCP": func(s *site) { s.dial() },
		"in HTTP": func(s *site) {
			go func(conn net.Conn) { _, _ = io.WriteString(conn, "GET /socket/websocket?vsn=2.0.0 HT") }(s.dial())
		},
		"on WebSocket":    func(s *site) { s.webSocket() },
		"in a room":       func(s *site) { s.webSocket().text(`["1","1","room:quiet","phx_join",{}]`) },
		"on long-polling": func(s *site) { s.poller("Mallory") },
	} {
		t.Run(name, func(t *testing.T) {
			attack(t, func(s *site) {
				n := 1000
				if name == "in a room" {
					n = 200 // each hears of all others
				}
				for range n {
					test(s)
				}
				<-time.After(61 * time.Second)
			})
		})
	}
}
