package channel_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"

	"github.com/chgen/chgen/runtime/channel"
)

// stalled joins room:a and then reads nothing until newClient is called with what it returns.
func (s *site) stalled() *websocket.Conn {
	s.t.Helper()
	ws, _, err := s.try("/socket/websocket?vsn=2.0.0", nil) //nolint:bodyclose // an upgrade has none
	if err != nil {
		s.t.Fatal(err)
	}
	if err := ws.Write(context.Background(), websocket.MessageText, []byte(`["1","1","room:a","phx_join",{}]`)); err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
	return ws
}

func TestASlowClientHarmsNobodyElse(t *testing.T) {
	run(t, &room{}, func(s *site) {
		slow := s.stalled()
		other := s.join("room:a")
		for i := range 200 {
			body := fmt.Sprint(i)
			if err := BroadcastRoom(s.server, RoomTopic{"a"}).Said(context.Background(), Text{body}); err != nil {
				t.Fatal(err)
			}
			other.expect(`[null,null,"room:a","said",{"body":"` + body + `"}]`)
		}
		newClient(t, slow).expectClose(1013, "slow consumer")
		synctest.Wait()
		if n := s.log.count(`level=WARN msg="connection closed: the client reads too slowly" conn=`); n != 1 {
			t.Errorf("%d log entries say so, want 1", n)
		}
	}, channel.WithLimits(channel.Limits{QueueBytes: 4096}))
}

func TestAClientThatNeverReadsIsCutOff(t *testing.T) {
	left := &journal{}
	run(t, &room{leave: func(_ context.Context, _ *member, reason channel.Reason) { left.add("%s", reason) }}, func(s *site) {
		ws := s.stalled()
		for range 200 {
			_ = BroadcastRoom(s.server, RoomTopic{"a"}).Said(context.Background(), Text{"x"})
		}
		left.expect(t, "disconnected") // at once; the connection itself may take its time
		s.stop()
		_ = ws.CloseNow()
	}, channel.WithLimits(channel.Limits{QueueBytes: 4096}))
}

func TestVolatileEventsGiveWayInAFullQueue(t *testing.T) {
	run(t, &room{}, func(s *site) {
		slow := s.stalled()
		send := BroadcastRoom(s.server, RoomTopic{"a"})
		ctx := context.Background()
		for i := range 100 {
			_ = send.Moved(ctx, Text{fmt.Sprint(i)})
		}
		for i := range 20 {
			_ = send.Said(ctx, Text{fmt.Sprint(i)})
		}
		_ = send.Moved(ctx, Text{"dropped"})
		c := newClient(t, slow)
		c.expectReply("1", "ok")
		c.expectState()
		said := 0
		for said < 20 {
			raw, frame := c.next()
			switch frame[3] {
			case "said":
				if body := frame[4].(map[string]any)["body"]; body != fmt.Sprint(said) {
					t.Fatalf("said %v, want %d", body, said)
				}
				said++
			case "moved":
				if strings.Contains(raw, "dropped") {
					t.Error("a volatile event went into a full queue")
				}
			}
		}
		c.send(`["1","2","room:a","ping",{}]`) // the connection lives
		c.expectReply("2", "ok")
	}, channel.WithLimits(channel.Limits{QueueBytes: 1000}))
}

func TestLatestEventsReplaceTheOneThatWaits(t *testing.T) {
	run(t, &room{}, func(s *site) {
		slow := s.stalled()
		send := BroadcastRoom(s.server, RoomTopic{"a"})
		ctx := context.Background()
		for i := range 1000 {
			_ = send.Status(ctx, Text{"a" + fmt.Sprint(i)})
			_ = send.Status(ctx, Text{"b" + fmt.Sprint(i)})
			if i == 500 {
				_ = send.Said(ctx, Text{"between"})
			}
		}
		c := newClient(t, slow)
		c.expectReply("1", "ok")
		c.expectState()
		c.expect(`[null,null,"room:a","said",{"body":"between"}]`,
			`[null,null,"room:a","status",{"body":"a999"}]`, `[null,null,"room:a","status",{"body":"b999"}]`)
		c.expectNothing()
	}, channel.WithLimits(channel.Limits{QueueBytes: 1000}))
}

func TestAFrameLargerThanTheQueueGoesOutAllTheSame(t *testing.T) {
	r := &room{}
	run(t, r, func(s *site) {
		c := s.join("room:a")
		body := `"` + strings.Repeat("x", 60000) + `"`
		c.send(`["1","2","room:a","echo",` + body + `]`)
		c.expect(`["1","2","room:a","phx_reply",{"status":"ok","response":` + body + `}]`)
		synctest.Wait() // it has been counted out
		c.send(`["1","3","room:a","echo",` + body + `]`)
		c.expectReply("3", "ok")
	}, channel.WithLimits(channel.Limits{QueueBytes: 1000}))
}

// TestFramesAndControlFramesDoNotMix sends pings, data and at last a close through one connection from both sides.
func TestFramesAndControlFramesDoNotMix(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c := s.join("room:a")
		const n = 2000
		go func() {
			for i := range n {
				_ = BroadcastRoom(s.server, RoomTopic{"a"}).Raw(context.Background(), []byte(fmt.Sprintf(`[%d,%q]`, i, strings.Repeat("x", i%300))))
			}
		}()
		go func() {
			for range 50 {
				_ = c.ws.Ping(context.Background())
			}
		}()
		for i := range n {
			raw, frame := c.next()
			if got := frame[4].([]any)[0]; got != float64(i) {
				t.Fatalf("got %s, want number %d", raw, i)
			}
		}
		c.close()
	}, channel.WithLimits(channel.Limits{QueueBytes: 1 << 30}))
}
