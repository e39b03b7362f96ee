package channel_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/chgen/chgen/runtime/channel"
)

// net/http contains the panic by ending the connection. Shutdown, which ends the test, must not wait for the request.
func TestAPanicOfCheckOriginHoldsNothingUp(t *testing.T) {
	check := func(*http.Request, *url.URL) bool { panic("no opinion") }
	run(t, &room{}, func(s *site) {
		_, response, err := s.try("/socket/websocket?vsn=2.0.0", http.Header{"Origin": {"http://example.com"}})
		if err == nil {
			t.Error("the connection was accepted")
		}
		if response != nil {
			_ = response.Body.Close() // nothing was read from it
		}
	}, channel.WithMount(channel.Mount{Path: "/socket", CheckOrigin: check}))
}
