package channel_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/chgen/chgen/runtime/channel"
)

func TestAPanicOfCheckOriginHoldsNothingUp(t *testing.T) {
	check := func(*http.Request, *url.URL) bool { panic("no opinion") }
	run(t, &room{}, func(s *site) {
		if _, _, err := s.try("/socket/websocket?vsn=2.0.0", http.Header{"Origin": {"http://example.com"}}); err == nil {
			t.Error("the connection was accepted")
		}
	}, channel.WithMount(channel.Mount{Path: "/socket", CheckOrigin: check}))
}
