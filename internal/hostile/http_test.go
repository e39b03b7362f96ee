package hostile_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// endless is a body that never ends.
type endless struct{ sent atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '\n'
	}
	e.sent.Add(int64(len(p)))
	return len(p), nil
}

func TestABodyOfNewlines(t *testing.T) {
	attack(t, func(s *site) {
		p := s.poller("Mallory")
		for range 10 {
			if a := p.do(context.Background(), http.MethodPost, strings.Repeat("\n", 1<<20)); a.Status != 413 {
				t.Fatalf("got %+v, want 413", a)
			}
		}
		body := &endless{}
		if a := p.stream(context.Background(), http.MethodPost, body); a.Status != 0 && a.Status != 400 {
			t.Errorf("got %+v, want 400 or nothing", a)
		}
		if sent := body.sent.Load(); sent > 2<<20 {
			t.Errorf("%d bytes of a body without end were taken", sent)
		}
	})
}

func TestForgedAndReplayedTokens(t *testing.T) {
	attack(t, func(s *site) {
		victim := s.poller("Victim")
		p := s.poller("Mallory")
		own := p.token
		for i := range 300 {
			forged := []byte(victim.token)
			forged[10+i%(len(forged)-10)] ^= byte(1 + i%7)
			p.token = string(forged)
			if a := p.do(context.Background(), http.MethodPost, join); a.Status != 410 && a.http != 0 { // 0: no header can say that
				t.Fatalf("a forged token %q: got %+v, want 410", forged, a)
			}
		}
		for range 200 { // each makes a session, which nobody polls
			p.token = "chgen.x"
			p.do(context.Background(), http.MethodGet, "")
		}
		<-time.After(30 * time.Second)
		for _, token := range []string{own, victim.token} { // whose sessions are over
			p.token = token
			if a := p.do(context.Background(), http.MethodPost, join); a.Status != 410 {
				t.Errorf("a replayed token: got %+v, want 410", a)
			}
		}
	})
}

func TestHeaderAndURLFloods(t *testing.T) {
	long := strings.Repeat("x", 2<<20)
	var many, params strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&many, "X-%d: y\r\n", i)
		fmt.Fprintf(&params, "&p%d=y", i)
	}
	request := func(path, headers string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: example.com\r\n" + headers + "\r\n"
	}
	for name, test := range map[string]struct{ request, answer string }{
		"a header of 2 MiB":        {request("/socket/longpoll?vsn=2.0.0&name=x", "X: "+long+"\r\n"), "431"},
		"20,000 headers":           {request("/socket/longpoll?vsn=2.0.0&name=x", many.String()), ""},
		"a path of 2 MiB":          {request("/socket/"+long+"/websocket", ""), "431"},
		"a query of 2 MiB":         {request("/socket/longpoll?vsn=2.0.0&name="+long, ""), "431"},
		"20,000 params":            {request("/socket/longpoll?vsn=2.0.0&name=x"+params.String(), ""), "400"},
		"a path of slashes":        {request(strings.Repeat("/", 1<<19)+"socket/websocket", ""), "400"},
		"two lengths":              {request("/socket/longpoll?vsn=2.0.0&name=x", "Content-Length: 5\r\nContent-Length: 6\r\n"), "400"},
		"length and chunks":        {request("/socket/longpoll?vsn=2.0.0&name=x", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", ""},
		"an upgrade with a body":   {strings.Replace(upgrade, "Host", "Content-Length: 5\r\nHost", 1) + "\r\nhello", ""},
		"1,000 subprotocols":       {upgrade + "Sec-WebSocket-Protocol: " + strings.Repeat("a,", 1000) + "b\r\n\r\n", "101"},
		"1,000 extensions":         {upgrade + "Sec-WebSocket-Extensions: " + strings.Repeat("permessage-deflate;x,", 1000) + "b\r\n\r\n", "101"},
		"an origin that is no URL": {upgrade + "Origin: http://[::1]:x%zz\r\n\r\n", "403"},
	} {
		t.Run(name, func(t *testing.T) {
			attack(t, func(s *site) {
				for range 5 {
					a := s.open("")
					go func() { a.send([]byte(test.request)) }()
					synctest.Wait()
					<-time.After(11 * time.Second)
					_ = a.Close()
					if got := <-a.received; !strings.HasPrefix(string(got), "HTTP/1.1 "+test.answer) {
						t.Fatalf("got %.200q, want %s", got, test.answer)
					}
				}
			})
		})
	}
}
