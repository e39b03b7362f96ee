package nodestest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// pollAnswer is the body of an answer to a long-poll request.
type pollAnswer struct {
	Status   int      `json:"status"`
	Token    string   `json:"token"`
	Messages []string `json:"messages"`
}

// request sends a request of a session, or one that is to open one.
func request(t *testing.T, method, url, token, body string) (answer pollAnswer) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-ndjson")
	if token != "" {
		r.Header.Set("X-Phoenix-Longpoll-Token", token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatalf("HTTP %d: %v", response.StatusCode, err)
	}
	return answer
}

// testPolls has each request of a session come to another node than the one before.
func testPolls(t *testing.T, s *service) {
	turn := 0
	token := ""
	next := func(method, body string) pollAnswer {
		turn++
		n := s.nodes[turn%len(s.nodes)]
		a := request(t, method, "http://"+n.addr()+"/socket/longpoll?vsn=2.0.0&name=poller", token, body)
		if a.Token != "" {
			token = a.Token
		}
		return a
	}
	push := func(frame string) {
		if a := next(http.MethodPost, frame); a.Status != 200 {
			t.Fatalf("%s: got %d, want 200", frame, a.Status)
		}
	}
	if a := next(http.MethodGet, ""); a.Status != 410 || token == "" {
		t.Fatalf("got %+v, want a new session", a)
	}
	push(`["1","1","room:r","phx_join",{}]`)
	said := 0
	push(`["1","say 0","room:r","send_message",{"body":"say 0"}]`)
	for polls := 0; said < 20; polls++ {
		if polls > 200 {
			t.Fatalf("%d messages came", said)
		}
		a := next(http.MethodGet, "")
		if a.Status != 200 {
			t.Fatalf("got %d, want 200", a.Status)
		}
		for _, m := range a.Messages {
			switch {
			case strings.Contains(m, `"message_created"`):
				if want := fmt.Sprintf(`"body":"say %d"`, said); !strings.Contains(m, want) {
					t.Fatalf("got %s, want %s", m, want)
				}
				said++
				push(fmt.Sprintf(`["1","say %d","room:r","send_message",{"body":"say %[1]d"}]`, said))
			case strings.Contains(m, `"phx_reply"`) && !strings.Contains(m, `"status":"ok"`):
				t.Errorf("got %s", m)
			}
		}
	}
	watcher := s.join(s.nodes[0].addr(), "watcher", "r")
	s.sees("poller watcher", watcher)
}
