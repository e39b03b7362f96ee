package channel_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/chgen/chgen/runtime/channel"
)

var compressing = channel.WithMount(channel.Mount{Path: "/socket", WebSocket: channel.WebSocket{Compression: true}})

// connectCompressed opens a socket whose client compresses what it sends, and returns the extensions agreed upon.
func (s *site) connectCompressed(mode websocket.CompressionMode) (c *client, extensions string) {
	s.t.Helper()
	ws, resp, err := websocket.Dial(context.Background(), "ws://example.com/socket/websocket?vsn=2.0.0", &websocket.DialOptions{
		HTTPClient:           &http.Client{Transport: &http.Transport{DialContext: s.dialer.Dial, DisableKeepAlives: true}},
		CompressionMode:      mode,
		CompressionThreshold: 1,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ws.SetReadLimit(-1)
	return newClient(s.t, ws), resp.Header.Get("Sec-WebSocket-Extensions")
}

func TestClientsMayCompressWhereTheMountSaysSo(t *testing.T) {
	for name, mode := range map[string]websocket.CompressionMode{
		"with context takeover":    websocket.CompressionContextTakeover,
		"without context takeover": websocket.CompressionNoContextTakeover,
	} {
		t.Run(name, func(t *testing.T) {
			run(t, &room{}, func(s *site) {
				c, extensions := s.connectCompressed(mode)
				if want := "permessage-deflate; client_no_context_takeover; server_no_context_takeover"; extensions != want {
					t.Errorf("extensions %q, want %q", extensions, want)
				}
				c.send(`["1","1","room:a","phx_join",{}]`)
				c.expectReply("1", "ok")
				c.expectState()
				for range 3 {
					c.send(`["1","2","room:a","say",{"body":"x","ignored":"` + strings.Repeat("x", 20_000) + `"}]`)
					c.expect(`["1","2","room:a","phx_reply",{"status":"ok","response":{"body":"x"}}]`)
				}
				other := s.join("room:a") // does not compress
				other.send(`["1","2","room:a","ping",{}]`)
				other.expectReply("2", "ok")
			}, compressing)
		})
	}
}

func TestCompressionIsOffByDefault(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c, extensions := s.connectCompressed(websocket.CompressionContextTakeover)
		if extensions != "" {
			t.Errorf("extensions %q, want none", extensions)
		}
		c.send(`[null,"1","phoenix","heartbeat",{}]`)
		c.expectReply("1", "ok")
		c.close()
	})
}

func TestACompressedMessageAboveTheLimitCloses1009(t *testing.T) {
	run(t, &room{}, func(s *site) {
		other := s.join("room:a")
		c, _ := s.connectCompressed(websocket.CompressionNoContextTakeover)
		go func() { _ = c.ws.Write(context.Background(), websocket.MessageText, make([]byte, 64<<20)) }() // 64 KiB compressed
		c.expectClose(1009, "")
		other.send(`["1","2","room:a","ping",{}]`)
		other.expectReply("2", "ok")
	}, compressing)
}

func TestWhatIsNoDeflateCloses1002(t *testing.T) {
	run(t, &room{}, func(s *site) {
		conn, received := s.raw(upgradeWith("Sec-WebSocket-Extensions: permessage-deflate"))
		_, _ = conn.Write([]byte{0xc1, 0x84, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
		if got := <-received; !strings.Contains(got, "\x88") || !strings.Contains(got, "\x03\xea") {
			t.Errorf("got %q, want it to end with a close frame of 1002", got)
		}
	}, compressing)
}
