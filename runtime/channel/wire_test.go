package channel_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/chgen/chgen/runtime/channel"
)

func TestJoinPushLeave(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c := s.connect()
		c.send(`["1","1","room:a","phx_join",{"note":"hi"}]`)
		c.expect(`["1","1","room:a","phx_reply",{"status":"ok","response":{"body":"hi"}}]`,
			`["1",null,"room:a","presence_state",{}]`)
		c.send(`["1","2","room:a","say",{"body":"x"}]`)
		c.expect(`["1","2","room:a","phx_reply",{"status":"ok","response":{"body":"x"}}]`)
		c.send(`["1","3","room:a","ping",{}]`)
		c.expect(`["1","3","room:a","phx_reply",{"status":"ok","response":{}}]`)
		c.send(`["1","4","room:a","phx_leave",{}]`)
		c.expect(`["1","4","room:a","phx_reply",{"status":"ok","response":{}}]`, `["1","1","room:a","phx_close",{}]`)
		c.send(`["1","5","room:a","say",{"body":"x"}]`)
		c.expect(`[null,"5","room:a","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]`)
		c.send(`["1","6","room:a","phx_leave",{}]`)
		c.expect(`["1","6","room:a","phx_reply",{"status":"ok","response":{}}]`)
		c.send(`["7","7","room:a","phx_join",{}]`)
		c.expectReply("7", "ok")
		c.expectState()
	})
}

func TestHeartbeat(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c := s.connect()
		c.send(`["9","1","phoenix","heartbeat",{"a":1}]`)
		c.expect(`[null,"1","phoenix","phx_reply",{"status":"ok","response":{}}]`)
		c.send(`[null,6,"phoenix","heartbeat",null]`)
		c.expect(`[null,6,"phoenix","phx_reply",{"status":"ok","response":{}}]`)
		c.send(`[null,null,"phoenix","other",{}]`)
		c.expect(`[null,null,"phoenix","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]`)
		c.send(`[null,"5","room:x","heartbeat",{}]`)
		c.expect(`[null,"5","room:x","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]`)
	})
}

func TestUnmatchedTopic(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c := s.connect()
		for _, topic := range []string{`"nosuch:topic"`, `"room"`, `"room:"`, `"room:a:b"`, `5`, `null`, `{"a":1}`, `"phoenix"`} {
			c.send(`["1","2",` + topic + `,"phx_join",{}]`)
			c.expect(`[null,"2",` + topic + `,"phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]`)
		}
	})
}

func TestRefsOfAnyTypeAreEchoed(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c := s.join("room:a")
		c.send(`["1",2,"room:a","ping",{}]`)
		c.expect(`["1",2,"room:a","phx_reply",{"status":"ok","response":{}}]`)
		c.send(`[null,null,"room:a","ping",{}]`)
		c.expect(`["1",null,"room:a","phx_reply",{"status":"ok","response":{}}]`)
		c.send(`["\u0031",{"x":[1]},"room:a","ping",{},"extra"]`)
		c.expect(`["1",{"x":[1]},"room:a","phx_reply",{"status":"ok","response":{}}]`)
	})
}

func TestStaleFramesAreDropped(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c := s.join("room:a")
		c.send(`[1,"2","room:a","ping",{}]`)
		c.send(`["0","3","room:a","phx_leave",{}]`)
		c.send(`["","4","room:a","ping",{}]`)
		c.expectNothing()
		c.send(`["1","5","room:a","ping",{}]`)
		c.expectReply("5", "ok")
	})
}

func TestJoinWithoutJoinRef(t *testing.T) {
	crash := &room{ping: func(context.Context, *member) error { panic("boom") }}
	run(t, crash, func(s *site) {
		c := s.connect()
		c.send(`[null,"1","room:a","phx_join",{}]`)
		c.expect(`[null,"1","room:a","phx_reply",{"status":"ok","response":{"body":""}}]`,
			`["1",null,"room:a","presence_state",{}]`)
		c.send(`["1","2","room:a","say",{"body":"stale"}]`)
		c.send(`[null,"3","room:a","ping",{}]`)
		c.expect(`["1","3","room:a","phx_reply",{"status":"error","response":{"reason":"internal"}}]`,
			`[null,null,"room:a","phx_error",{"reason":"channel_crash"}]`)
	})
}

func TestUnknownEventIsAnsweredAndTheChannelLives(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c := s.join("room:a")
		for _, event := range []string{`"no_such"`, `7`, `null`, `""`, `"phx_reply"`, `"phx_error"`, `"phx_close"`, `"fresh"`} {
			c.send(`["1","2","room:a",` + event + `,{}]`)
			c.expect(`["1","2","room:a","phx_reply",{"status":"error","response":{"reason":"unknown_event"}}]`)
		}
		c.send(`["1","3","room:a","ping",{}]`)
		c.expectReply("3", "ok")
	})
}

func TestInvalidPayloadIsAnsweredAndTheChannelLives(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c := s.join("room:a")
		for payload, path := range map[string]string{
			`{"body":1}`: "/body", `{}`: "/body", `{"body":"12345678901234567"}`: "/body", `{"body":"a","body":"b"}`: "/body",
			`null`: "", `[1]`: "", `"str"`: "",
		} {
			c.send(`["1","2","room:a","say",` + payload + `]`)
			response := c.expectReply("2", "error")
			if response["reason"] != "invalid_payload" || response["path"] != path || response["message"] == "" {
				t.Errorf("%s: got %v, want invalid_payload at %q", payload, response, path)
			}
		}
		c.send(`["1","3","room:a","ping",7]`)
		if response := c.expectReply("3", "error"); response["reason"] != "invalid_payload" {
			t.Errorf("got %v, want invalid_payload", response)
		}
		c.send(`["1","4","room:a","ping",null]`)
		c.expectReply("4", "ok")
		c.send(`["1","5","room:a","echo",[1,null,"x"]]`)
		c.expect(`["1","5","room:a","phx_reply",{"status":"ok","response":[1,null,"x"]}]`)
	})
}

func TestJoinParams(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c := s.connect()
		c.send(`["1","1","room:a","phx_join",null]`)
		c.expectReply("1", "ok")
		c.expectState()
		c.send(`["2","2","room:b","phx_join","text"]`)
		if response := c.expectReply("2", "error"); response["reason"] != "invalid_payload" {
			t.Errorf("got %v, want invalid_payload", response)
		}
		c.send(`["2","3","room:b","ping",{}]`)
		c.expect(`[null,"3","room:b","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]`)
	})
}

func TestUndecodableFrameClosesThatConnectionAlone(t *testing.T) {
	for _, frame := range []string{"", "this is not json", "1", "null", "{}", "[]", `["1","1","room:a","phx_join"`, `["1","1","room:a","ping"]`, "[\"1\",\"1\",\"room:a\",\"echo\",\"\xff\"]"} {
		t.Run(strconv.Quote(frame), func(t *testing.T) {
			run(t, &room{}, func(s *site) {
				other := s.join("room:a")
				c := s.join("room:a")
				c.send(frame)
				c.expectClose(1007, "undecodable")
				other.send(`["1","2","room:a","ping",{}]`)
				other.expectReply("2", "ok")
				if got := s.log.count("frame refused"); got != 1 {
					t.Errorf("logged %d times, want once", got)
				}
			})
		})
	}
}

func TestFrameOverTheLimitCloses1009(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c := s.connectTo("/tiny/websocket?vsn=2.0.0")
		frame := `[null,"1","phoenix","heartbeat",{"x":"` + strings.Repeat("x", 200) + `"}]`
		c.send(frame[:200-len(`"}]`)] + `"}]`)
		c.expectReply("1", "ok")
		c.send(frame)
		c.expectClose(1009, "")
	}, channel.WithMount(channel.Mount{Path: "/tiny", MaxFrameBytes: 200}))
}

func TestBinaryFrames(t *testing.T) {
	run(t, &room{ping: func(ctx context.Context, m *member) error {
		if err := m.socket.Push().Blob(ctx, []byte{1, 2}); err != nil {
			return err
		}
		return m.socket.Broadcast().Blob(ctx, []byte{3})
	}}, func(s *site) {
		c := s.join("room:a")
		if err := c.ws.Write(context.Background(), websocket.MessageBinary, []byte("\x00\x01\x01\x06\x0312room:abin\x07")); err != nil {
			t.Fatal(err)
		}
		c.expect("binary:\x01\x01\x01\x06\x0212room:aok\x07")
		c.send(`["1","3","room:a","ping",{}]`)
		c.expect("binary:\x00\x01\x06\x041room:ablob\x01\x02", "binary:\x02\x06\x04room:ablob\x03")
		c.expectReply("3", "ok")
		c.send(`["1","4","room:a","bin",{}]`)
		if response := c.expectReply("4", "error"); response["reason"] != "invalid_payload" {
			t.Errorf("got %v, want invalid_payload", response)
		}
	})
}

func TestTooManyChannels(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c := s.connect()
		for i := range 3 {
			c.send(`["1","1","room:` + strconv.Itoa(i) + `","phx_join",{}]`)
			c.expectReply("1", "ok")
			c.expectState()
		}
		c.send(`["9","9","room:x","phx_join",{}]`)
		c.expect(`["9","9","room:x","phx_reply",{"status":"error","response":{"reason":"too many channels joined"}}]`)
		c.send(`["2","2","room:1","phx_join",{}]`) // joining again is no further channel
		c.expectReply("2", "ok")
	}, channel.WithLimits(channel.Limits{Channels: 3}))
}
