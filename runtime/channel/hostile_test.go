package channel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/pubsub"
)

func TestATypedNilErrorIsContained(t *testing.T) {
	r := &room{say: func(context.Context, *member, Text) (Text, error) {
		var err *SlowDownError
		return Text{}, err
	}}
	run(t, r, func(s *site) {
		c := s.join("room:a")
		c.send(`["1","2","room:a","say",{"body":"x"}]`)
		c.expect(`["1","2","room:a","phx_reply",{"status":"error","response":{"reason":"internal"}}]`)
	})
}

func TestABroadcastOfAClientThatIsGoneReachesTheOthers(t *testing.T) {
	r := &room{ping: func(ctx context.Context, m *member) error {
		<-ctx.Done()
		return m.socket.Broadcast().Said(ctx, Text{"saved"})
	}}
	run(t, r, func(s *site) {
		other, c := s.join("room:a"), s.join("room:a")
		c.send(`["1","2","room:a","ping",{}]`)
		synctest.Wait()
		c.close()
		other.expect(`[null,null,"room:a","said",{"body":"saved"}]`)
	})
}

func TestJoinsOverAndOverAreBounded(t *testing.T) {
	var gate chan struct{}
	r := &room{ping: func(context.Context, *member) error { <-gate; return nil }}
	run(t, r, func(s *site) {
		gate = make(chan struct{})
		c := s.join("room:a")
		c.send(`["1","p","room:a","ping",{}]`)
		synctest.Wait()
		for i := range 20 {
			c.send(fmt.Sprintf(`["j%d","j%d","room:a","phx_join",{}]`, i, i))
		}
		refused := 0
		for range 13 {
			if response := c.expectReplyTo(nil, "error"); response["reason"] == "too many channels joined" {
				refused++
			}
		}
		if refused != 13 { // eight may be there: the first, and seven of the twenty
			t.Errorf("%d joins were refused at once, want 13", refused)
		}
		close(gate)
	}, channel.WithLimits(channel.Limits{Channels: 4}))
}

func TestFramesThatBreakTheWebSocketProtocolClose1002(t *testing.T) {
	for name, frame := range map[string][]byte{
		"unmasked":          {0x81, 0x02, '[', ']'},
		"reserved opcode":   {0x83, 0x80, 0, 0, 0, 0},
		"reserved bit":      {0xc1, 0x80, 0, 0, 0, 0},
		"lone continuation": {0x80, 0x80, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, &room{}, func(s *site) {
				other := s.join("room:a")
				conn, received := s.raw(upgradeRequest)
				synctest.Wait()
				_, _ = conn.Write(frame)
				if got := <-received; !strings.Contains(got, "\x88") || !strings.Contains(got, "\x03\xea") {
					t.Errorf("got %q, want it to end with a close frame of 1002", got)
				}
				other.send(`["1","2","room:a","ping",{}]`)
				other.expectReply("2", "ok")
			})
		})
	}
}

// raw sends a request over a connection of its own, and sends all that is received once the connection has ended.
func (s *site) raw(request string) (conn net.Conn, received <-chan string) {
	s.t.Helper()
	conn, _ = s.dialer.Dial(context.Background(), "", "")
	all := make(chan string, 1)
	go func() {
		data, _ := io.ReadAll(conn)
		all <- string(data)
	}()
	if _, err := io.WriteString(conn, request); err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
	return conn, all
}

// upgradeWith is upgradeRequest with one more header.
func upgradeWith(header string) string {
	return strings.TrimSuffix(upgradeRequest, "\r\n") + header + "\r\n\r\n"
}

func TestAClientThatSendsHalfAFrameIsIdle(t *testing.T) {
	run(t, &room{}, func(s *site) {
		conn, _ := s.dialer.Dial(context.Background(), "", "")
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			buf := make([]byte, 1024)
			for {
				if _, err := conn.Read(buf); err != nil {
					return
				}
			}
		}()
		_, _ = conn.Write([]byte(upgradeRequest + "\x81\xfe"))
		<-closed // the clock runs on to the idle timeout
		_ = conn.Close()
	})
}

// brokenBus refuses to subscribe.
type brokenBus struct{ *pubsub.Local }

func (brokenBus) Subscribe(context.Context, string, pubsub.History, pubsub.Subscriber) (pubsub.Subscription, error) {
	return nil, errors.New("the bus is down")
}

func TestAJoinThatCannotSubscribeIsRefused(t *testing.T) {
	left := &journal{}
	r := &room{leave: func(_ context.Context, _ *member, reason channel.Reason) { left.add("%s", reason) }}
	run(t, r, func(s *site) {
		c := s.connect()
		c.send(`["1","1","room:a","phx_join",{}]`)
		c.expect(`["1","1","room:a","phx_reply",{"status":"error","response":{"reason":"internal"}}]`)
		left.expect(t, "crashed")
		if s.log.count("msg=\"join failed\"") != 1 || s.log.count("the bus is down") == 0 {
			t.Error("it is not in the log")
		}
	}, channel.WithPubSub(brokenBus{pubsub.New()}))
}

// failingBus refuses to publish.
type failingBus struct{ *pubsub.Local }

func (failingBus) Publish(context.Context, pubsub.Publication) error {
	return errors.New("the bus is down")
}

func TestABroadcastThatCannotBeCarriedIsAnError(t *testing.T) {
	r := &room{
		join: func(ctx context.Context, m *member, _ RoomJoin) error {
			return m.socket.Broadcast().Said(ctx, Text{"x"}) // after the reply, so that nobody gets the error
		},
		ping: func(ctx context.Context, m *member) error {
			if err := m.socket.Broadcast().Said(ctx, Text{"x"}); err == nil {
				t.Error("no error")
			}
			return nil
		},
	}
	run(t, r, func(s *site) {
		c := s.join("room:a")
		c.send(`["1","2","room:a","ping",{}]`)
		c.expectReply("2", "ok")
		if s.log.count("broadcast failed") != 1 {
			t.Error("what nobody was told is not in the log")
		}
	}, channel.WithPubSub(failingBus{pubsub.New()}))
}

func TestAPublicationOfAnotherFormatIsRefused(t *testing.T) {
	bus := pubsub.New()
	run(t, &room{}, func(s *site) {
		c := s.join("room:a")
		for _, data := range []string{"", "\x01", "\x02\x00\x00\x00\x00", "\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x01\x00\x05e"} {
			_ = bus.Publish(context.Background(), pubsub.Publication{Topic: "room:a", Data: []byte(data)})
		}
		c.expectNothing()
		if got := s.log.count("publication refused"); got != 5 {
			t.Errorf("logged %d, want 5", got)
		}
	}, channel.WithPubSub(bus))
}

// FuzzClient holds that nothing that a client sends does harm: the connection is answered or closed, others are
// served, nothing is left.
func FuzzClient(f *testing.F) {
	for _, seed := range []string{
		"", "[]", `["1","1","room:a","phx_join",{}]`, `["1","1","room:a","phx_join",{"note":7}]`, `["1","2","room:a","say",{"body":"x"}]`,
		`["1","2","room:a","phx_leave",{}]`, `[null,null,"phoenix","heartbeat",{}]`, `["1","2","room:a","say",{"body":"x","body":"y"}]`,
		`[{},[],"room:a","phx_join",null]`, `["1","2",{"a":"` + "\\ud800" + `"},"e",{}]`,
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Add([]byte("\x00\x01\x01\x06\x0412room:aping"), true)
	f.Fuzz(func(t *testing.T, data []byte, binary bool) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t)
			defer s.stop()
			HandleRoom(s.server, &room{})
			other, c := s.join("room:a"), s.join("room:a")
			kind := websocket.MessageText
			if binary {
				kind = websocket.MessageBinary
			}
			for range 3 {
				_ = c.ws.Write(context.Background(), kind, data)
			}
			synctest.Wait()
			other.send(`["1","2","room:a","ping",{}]`)
			other.expectReply("2", "ok")
			if s.log.count("panic") != 0 {
				t.Error("something panicked")
			}
		})
	})
}
