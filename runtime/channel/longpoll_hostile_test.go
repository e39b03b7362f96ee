package channel_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chgen/chgen/runtime/channel"
)

func TestTokensCannotBeForged(t *testing.T) {
	secret := bytes.Repeat([]byte("s"), 32)
	mounts := []channel.Option{channel.WithSecret(secret), channel.WithMount(channel.Mount{Path: "/socket"}), channel.WithMount(channel.Mount{Path: "/other"})}
	run(t, &room{}, func(s *site) {
		p := s.joinPoller("room:a", "")
		good := p.token
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(good, "chgen."))
		if err != nil {
			t.Fatal(err)
		}
		var forged []string
		for i := range raw {
			changed := bytes.Clone(raw)
			changed[i] ^= 1
			forged = append(forged, "chgen."+base64.RawURLEncoding.EncodeToString(changed))
		}
		elsewhere := newSite(t, channel.WithSecret(secret))
		forged = append(forged, elsewhere.poller("").token, good[:len(good)-1], good+"A", strings.TrimPrefix(good, "chgen."), "chgen.", "x", " ")
		elsewhere.stop()
		for _, token := range forged {
			p.token = token
			if answer := p.post(`["1","9","room:a","phx_leave",{}]`); answer.Status != 410 {
				t.Fatalf("%q: POST: got %+v, want 410", token, answer)
			}
			if answer := p.poll(); answer.Status != 410 || answer.Token == good {
				t.Fatalf("%q: GET: got %+v, want 410 and a new session", token, answer)
			}
		}
		p.token = good
		elsewhereOnServer := strings.Replace(p.path, "/socket/", "/other/", 1)
		if answer := s.get(elsewhereOnServer, p.header()); answer.Status != 410 || answer.Token == good {
			t.Fatalf("at another mount: got %+v, want 410 and a new session", answer)
		}
		p.send(`["1","2","room:a","ping",{}]`) // the session is as it was
		p.expect(`["1","2","room:a","phx_reply",{"status":"ok","response":{}}]`)
	}, mounts...)
}

func TestATokenIsValidForTwoWeeks(t *testing.T) {
	run(t, nil, func(s *site) {
		p := s.poller("")
		for range 14 * 24 {
			p.expect()
		}
		<-time.After(time.Second)
		p.gone()
	}, channel.WithMount(channel.Mount{Path: "/socket", LongPoll: channel.LongPoll{Window: time.Hour}}))
}

func TestLimitsOfABatch(t *testing.T) {
	run(t, &room{}, func(s *site) {
		p := s.joinPoller("room:a", "")
		beat := `[null,"1","phoenix","heartbeat",{}]`
		for name, test := range map[string]struct {
			content string
			status  int
		}{
			"101 lines":      {strings.Repeat(beat+"\n", 100) + beat, 413},
			"newlines":       {strings.Repeat("\n", 1000), 413},
			"a large body":   {beat + "\n" + strings.Repeat(" ", 1<<20), 400},
			"a large frame":  {beat + "\n[" + strings.Repeat(" ", 64<<10) + "]", 400},
			"a large binary": {beat + "\n" + base64.StdEncoding.EncodeToString(make([]byte, 64<<10+1)), 400},
		} {
			if answer := p.post(test.content); answer.Status != test.status || answer.Reason == "" {
				t.Errorf("%s: got %+v, want %d and a reason", name, answer, test.status)
			}
		}
		p.expect() // nothing of all that was taken, and the session lives
		p.send(strings.Repeat(beat+"\n", 100))
		if answer := p.poll(); len(answer.Messages) != 100 {
			t.Errorf("%d messages, want 100", len(answer.Messages))
		}
	})
}

func TestABodyThatDoesNotArrive(t *testing.T) {
	run(t, &room{}, func(s *site) {
		p := s.poller("")
		body, stuck := io.Pipe()
		r, _ := http.NewRequest(http.MethodPost, "http://example.com"+p.path, body)
		r.Header = p.header()
		began := time.Now()
		client := &http.Client{Transport: &http.Transport{DialContext: s.dialer.Dial, DisableKeepAlives: true}}
		resp, err := client.Do(r)
		if err == nil {
			defer func() { _ = resp.Body.Close() }()
			data, _ := io.ReadAll(resp.Body)
			if !strings.Contains(string(data), "408") {
				t.Errorf("got %s, want 408", data)
			}
		}
		if got := time.Since(began); got != 10*time.Second {
			t.Errorf("given up after %v, want 10s", got)
		}
		_ = stuck.Close()
		p.send(`[null,"1","phoenix","heartbeat",{}]`)
	})
}

func TestABatchWaitsForTheOneBefore(t *testing.T) {
	stuck := make(chan struct{})
	log := slog.New(slog.NewTextHandler(writer(func(p []byte) { <-stuck }), nil))
	run(t, &room{}, func(s *site) {
		stuck = make(chan struct{})
		p := s.poller("")
		done := make(chan *body, 1)
		go func() { done <- p.post(`x`) }() // the log holds it up
		synctest.Wait()
		began := time.Now()
		if answer := p.post(`[null,"1","phoenix","heartbeat",{}]`); answer.Status != 408 || time.Since(began) != 10*time.Second {
			t.Errorf("got %+v after %v, want 408 after 10s", answer, time.Since(began))
		}
		close(stuck)
		if answer := <-done; answer.Status != 400 {
			t.Errorf("got %+v, want 400", answer)
		}
	}, channel.WithLogger(log))
}

func TestABodyIsNotReadBeforeTheOneBefore(t *testing.T) {
	run(t, nil, func(s *site) { s.poller("").expectBodiesToTakeTurns() })
}

func TestABodyForAnotherNodeIsNotReadBeforeTheOneBefore(t *testing.T) {
	runNodes(t, 2, &room{}, func(c *cluster) { c.sites[0].poller("").at(c.sites[1]).expectBodiesToTakeTurns() })
}

// expectBodiesToTakeTurns posts a body that does not end, and one beside it.
func (p *poller) expectBodiesToTakeTurns() {
	t := p.s.t
	body, stuck := io.Pipe()
	first, _ := http.NewRequest(http.MethodPost, "http://example.com"+p.path, body)
	first.Header = p.header()
	client := &http.Client{Transport: &http.Transport{DialContext: p.s.dialer.Dial, DisableKeepAlives: true}}
	go func() {
		if resp, err := client.Do(first); err == nil {
			_ = resp.Body.Close()
		}
	}()
	<-time.After(9 * time.Second)
	go func() { _, _ = stuck.Write([]byte("[")) }()
	later := strings.NewReader(`[null,"1","phoenix","heartbeat",{}` + strings.Repeat(" ", 60_000) + `]`)
	second, _ := http.NewRequest(http.MethodPost, "http://example.com"+p.path, later)
	second.Header = p.header()
	answered := make(chan int, 1)
	go func() {
		resp, err := client.Do(second)
		if err != nil {
			answered <- 0
			return
		}
		_ = resp.Body.Close()
		answered <- resp.StatusCode
	}()
	synctest.Wait()
	began := time.Now()
	if status := <-answered; status != http.StatusOK || time.Since(began) != time.Second {
		t.Errorf("answered %d after %v, want 200 once the first has been given up", status, time.Since(began))
	}
	_ = stuck.Close()
	p.expect(`[null,"1","phoenix","phx_reply",{"status":"ok","response":{}}]`)
}

type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) { w(p); return len(p), nil }

func TestBinaryFramesTravelInBase64(t *testing.T) {
	run(t, &room{}, func(s *site) {
		p := s.joinPoller("room:a", "")
		p.send(base64.StdEncoding.EncodeToString([]byte("\x00\x01\x01\x06\x0312room:abin\x01\x02\xff")), `["1","3","room:a","ping",{}]`+"\r")
		p.expect(base64.StdEncoding.EncodeToString([]byte("\x01\x01\x01\x06\x0212room:aok\x01\x02\xff")),
			`["1","3","room:a","phx_reply",{"status":"ok","response":{}}]`)
	})
}

func TestAnyOtherContentTypeIsOneFrame(t *testing.T) {
	run(t, &room{}, func(s *site) {
		p := s.joinPoller("room:a", "")
		for _, contentType := range []string{"application/json", "text/plain", ""} {
			header := p.header()
			header.Set("Content-Type", contentType)
			content := "[\"1\",\"2\",\"room:a\",\n\"ping\",{}]"
			if _, answer := s.request(context.Background(), http.MethodPost, p.path, content, header); answer.Status != 200 {
				t.Errorf("%s: got %+v, want 200", contentType, answer)
			}
			synctest.Wait()
			p.expect(`["1","2","room:a","phx_reply",{"status":"ok","response":{}}]`)
		}
		header := p.header()
		header.Set("Content-Type", "Application/X-NDJSON; charset=utf-8")
		two := `[null,"1","phoenix","heartbeat",{}]` + "\n" + `[null,"2","phoenix","heartbeat",{}]`
		if _, answer := s.request(context.Background(), http.MethodPost, p.path, two, header); answer.Status != 200 {
			t.Errorf("got %+v, want 200", answer)
		}
		if answer := p.poll(); len(answer.Messages) != 2 {
			t.Errorf("got %+v, want two messages", answer)
		}
	})
}

func TestAnUndecodableFrameEndsTheSession(t *testing.T) {
	left := &journal{}
	r := &room{leave: func(_ context.Context, m *member, reason channel.Reason) { left.add("%s", reason) }}
	run(t, r, func(s *site) {
		for _, line := range []string{"", "[]", "{}", "!", "CQ==", "AAEB", "null", "\n"} {
			p := s.joinPoller("room:a", "")
			waiting := p.waiting()
			if answer := p.post(line); answer.Status != 400 || answer.Reason == "" {
				t.Fatalf("%q: got %+v, want 400 and a reason", line, answer)
			}
			p.compare(<-waiting)
			left.expect(t, "disconnected")
			p.gone()
		}
	})
}

func TestVersion1OverLongPoll(t *testing.T) {
	run(t, &room{}, func(s *site) {
		p := &poller{s: s, path: "/socket/longpoll"}
		p.token = s.get(p.path, nil).Token
		p.send(`{"topic":"room:a","event":"phx_join","payload":{},"ref":"1"}`)
		answer := p.poll()
		if answer.Status != 200 || len(answer.Messages) != 2 || !strings.Contains(answer.Messages[0], `"event":"phx_reply"`) {
			t.Fatalf("got %+v, want the reply and the state", answer)
		}
		ws := s.join("room:a")
		_ = BroadcastRoom(s.server, RoomTopic{"a"}).Said(context.Background(), Text{"x"})
		ws.expect(`[null,null,"room:a","said",{"body":"x"}]`)
		p.expect(`{"topic":"room:a","event":"said","payload":{"body":"x"},"ref":null}`)
	})
}
