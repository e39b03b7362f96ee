package channel_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// poller is a long-poll client that sends and expects literal frames.
type poller struct {
	s     *site
	path  string
	token string
}

// body is what a response says.
type body struct {
	Status   int
	Token    string
	Messages []string
	Code     int
	Reason   string
}

// response is what there is of a response beside its body.
type response struct {
	status int // of HTTP; 0 where there was none
	header http.Header
}

// request is one HTTP request; the answer is nil where there is none, or no JSON in it.
func (s *site) request(ctx context.Context, method, path, content string, header http.Header) (response, *body) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, "http://example.com"+path, strings.NewReader(content))
	if err != nil {
		s.t.Error(err)
		return response{}, nil
	}
	maps.Copy(r.Header, header)
	client := &http.Client{Transport: &http.Transport{DialContext: s.dialer.Dial, DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		return response{}, nil
	}
	defer func() { _ = resp.Body.Close() }()
	got := response{resp.StatusCode, resp.Header}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return got, nil
	}
	answer := &body{}
	if json.Unmarshal(data, answer) != nil {
		answer = nil
	}
	return got, answer
}

// get is a poll that must be answered.
func (s *site) get(path string, header http.Header) *body {
	s.t.Helper()
	resp, answer := s.request(context.Background(), http.MethodGet, path, "", header)
	if answer == nil || resp.status != http.StatusOK {
		s.t.Fatalf("GET %s: %v, want 200 and JSON", path, resp)
	}
	return answer
}

// poller opens a session.
func (s *site) poller(query string) *poller {
	s.t.Helper()
	p := &poller{s: s, path: "/socket/longpoll?vsn=2.0.0" + query}
	answer := s.get(p.path, nil)
	if answer.Status != 410 || answer.Token == "" || answer.Messages == nil || len(answer.Messages) != 0 {
		s.t.Fatalf("opening: got %+v, want 410, a token and no messages", answer)
	}
	p.token = answer.Token
	return p
}

// joinPoller opens a session that joins a topic with the ref 1.
func (s *site) joinPoller(topic, query string) *poller {
	s.t.Helper()
	p := s.poller(query)
	p.send(`["1","1","` + topic + `","phx_join",{}]`)
	synctest.Wait()
	var got []string
	for len(got) < 2 { // one poll or, where joining takes time, two
		answer := p.poll()
		if answer.Status != 200 {
			s.t.Fatalf("joining: got %+v after %q", answer, got)
		}
		got = append(got, answer.Messages...)
	}
	if len(got) != 2 || !strings.Contains(got[1], "presence_state") {
		s.t.Fatalf("joining: got %q, want the reply and the presence state", got)
	}
	return p
}

func (p *poller) header() http.Header {
	return http.Header{"X-Phoenix-Longpoll-Token": {p.token}, "Content-Type": {"application/x-ndjson"}}
}

func (p *poller) poll() *body {
	p.s.t.Helper()
	answer := p.s.get(p.path, p.header())
	if answer.Status == 200 || answer.Status == 204 {
		p.token = answer.Token
	}
	return answer
}

// waiting polls, and sends the answer once there is one.
func (p *poller) waiting() <-chan *body {
	p.s.t.Helper()
	answered := make(chan *body, 1)
	go func() {
		_, answer := p.s.request(context.Background(), http.MethodGet, p.path, "", p.header())
		answered <- answer
	}()
	synctest.Wait()
	return answered
}

func (p *poller) post(content string) *body {
	p.s.t.Helper()
	resp, answer := p.s.request(context.Background(), http.MethodPost, p.path, content, p.header())
	if answer == nil || resp.status != http.StatusOK {
		p.s.t.Fatalf("POST: %v, want 200 and JSON", resp)
	}
	return answer
}

// send posts frames that must be taken, and waits until the server has nothing to do with them any more.
func (p *poller) send(frames ...string) {
	p.s.t.Helper()
	if answer := p.post(strings.Join(frames, "\n")); answer.Status != 200 {
		p.s.t.Fatalf("POST: %+v, want 200", answer)
	}
	synctest.Wait()
}

// expect polls, and the answer must have these messages, none for 204. JSON is compared as such.
func (p *poller) expect(want ...string) {
	p.s.t.Helper()
	p.compare(p.poll(), want...)
}

func (p *poller) compare(answer *body, want ...string) {
	p.s.t.Helper()
	status := 200
	if len(want) == 0 {
		status = 204
	}
	if answer == nil || answer.Status != status {
		p.s.t.Fatalf("got %+v, want %d with %q", answer, status, want)
	}
	if diff := cmp.Diff(normal(want), normal(answer.Messages)); diff != "" {
		p.s.t.Fatalf("messages (-want +got):\n%s", diff)
	}
}

// gone checks that the session has ended, for polls and for frames.
func (p *poller) gone() {
	p.s.t.Helper()
	if answer := p.post(`[null,"1","phoenix","heartbeat",{}]`); answer.Status != 410 {
		p.s.t.Fatalf("POST: got %+v, want 410", answer)
	}
	if answer := p.poll(); answer.Status != 410 || answer.Token == p.token {
		p.s.t.Fatalf("got %+v, want 410 with another token", answer)
	}
}

// normal is JSON in one spelling; other messages are what they are.
func normal(messages []string) []string {
	out := []string{}
	for _, m := range messages {
		var v any
		if json.Unmarshal([]byte(m), &v) == nil {
			data, _ := json.Marshal(v)
			m = string(data)
		}
		out = append(out, m)
	}
	return out
}
