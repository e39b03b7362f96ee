package channel_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
)

// Version 1 has no binary frames: such an event reaches the others all the same, and the connection lives.
func TestABroadcastReachesWhoeverCanHaveIt(t *testing.T) {
	run(t, &room{}, func(s *site) {
		old := s.connectTo("/socket/websocket")
		old.send(`{"topic":"room:x","event":"phx_join","payload":{},"ref":"1"}`)
		old.expectV1("phx_reply", `{"status":"ok","response":{"body":""}}`)
		old.expectV1("presence_state", `{}`)
		c := s.join("room:x")
		everybody := BroadcastRoom(s.server, RoomTopic{"x"})
		if err := everybody.Blob(context.Background(), []byte{1, 2}); err != nil {
			t.Fatal(err)
		}
		if err := everybody.Said(context.Background(), Text{"hi"}); err != nil {
			t.Fatal(err)
		}
		c.expect("binary:\x02\x06\x04room:xblob\x01\x02", `[null,null,"room:x","said",{"body":"hi"}]`)
		old.expectV1("said", `{"body":"hi"}`)
	})
}

// expectV1 takes the next frame of room:x, which must be this event in version 1.
func (c *client) expectV1(event, payload string) {
	c.t.Helper()
	ref := "null"
	if event == "phx_reply" {
		ref = `"1"`
	}
	want := `{"topic":"room:x","event":"` + event + `","payload":` + payload + `,"ref":` + ref + `}`
	if diff := cmp.Diff(want, string(<-c.frames)); diff != "" {
		c.t.Fatalf("frame (-want +got):\n%s", diff)
	}
}

func TestSubprotocols(t *testing.T) {
	run(t, nil, func(s *site) {
		for _, test := range []struct {
			path    string
			offered []string
			want    string // "403" is a refusal
		}{
			{"/socket", nil, ""},
			{"/socket", []string{"a", "b"}, ""},
			{"/two", nil, ""},
			{"/two", []string{"c", "b", "a"}, "a"}, // the server's preference
			{"/two", []string{"b"}, "b"},
			{"/two", []string{"c"}, "403"},
			{"/two", []string{"phoenix"}, "403"},
			{"/auth", []string{"phoenix"}, "phoenix"},
			{"/auth", []string{"b"}, "b"},
			{"/auth", []string{"base64url.bearer.phx.", "b"}, "b"},
		} {
			ws, resp, err := websocket.Dial(context.Background(), "ws://example.com"+test.path+"/websocket?vsn=2.0.0", &websocket.DialOptions{
				HTTPClient:   &http.Client{Transport: &http.Transport{DialContext: s.dialer.Dial, DisableKeepAlives: true}},
				Subprotocols: test.offered,
			})
			got := "403"
			switch {
			case err == nil:
				got = ws.Subprotocol()
				_ = ws.Close(websocket.StatusNormalClosure, "")
			case resp == nil || resp.StatusCode != http.StatusForbidden:
				t.Fatalf("%v: %v", test, err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s, %v (-want +got):\n%s", test.path, test.offered, diff)
			}
		}
	}, channel.WithMount(channel.Mount{Path: "/socket"}),
		channel.WithMount(channel.Mount{Path: "/two", WebSocket: channel.WebSocket{Subprotocols: []string{"a", "b"}}}),
		channel.WithMount(channel.Mount{Path: "/auth", AuthToken: true, WebSocket: channel.WebSocket{Subprotocols: []string{"b"}}}))
}

// In a browser "/" can be in no subprotocol, so generated clients write tokens in the alphabet for URLs.
func TestAuthTokensInEitherAlphabet(t *testing.T) {
	const token = "\xfb\xff\xbe~a" // +/++fmE=
	run(t, nil, func(s *site) {
		tokens := make(chan string, 1)
		OnConnect(s.server, func(ctx context.Context, _ *http.Request, _ ConnectParams) (context.Context, error) {
			got, _ := channel.AuthToken(ctx)
			tokens <- got
			return ctx, nil
		})
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding, base64.URLEncoding} {
			offered := "base64url.bearer.phx." + encoding.EncodeToString([]byte(token))
			ws, _, err := websocket.Dial(context.Background(), "ws://example.com/auth/websocket?vsn=2.0.0&name=Ann", &websocket.DialOptions{
				HTTPClient:   &http.Client{Transport: &http.Transport{DialContext: s.dialer.Dial, DisableKeepAlives: true}},
				Subprotocols: []string{"phoenix", offered},
			})
			if err != nil {
				t.Fatalf("%s: %v", offered, err)
			}
			_ = ws.Close(websocket.StatusNormalClosure, "")
			if got := <-tokens; got != token {
				t.Errorf("%s: got %q, want %q", offered, got, token)
			}
		}
	}, channel.WithMount(channel.Mount{Path: "/auth", AuthToken: true}))
}
