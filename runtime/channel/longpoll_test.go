package channel_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/gen"
)

func TestASessionOverLongPoll(t *testing.T) {
	r := &room{say: func(ctx context.Context, m *member, in Text) (Text, error) {
		return in, m.socket.Broadcast().Said(ctx, in)
	}}
	run(t, r, func(s *site) {
		resp, answer := s.request(context.Background(), http.MethodGet, "/socket/longpoll?vsn=2.0.0", "", nil)
		want := map[string]string{"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"}
		for name, value := range want {
			if got := resp.header.Get(name); got != value {
				t.Errorf("%s: %q, want %q", name, got, value)
			}
		}
		if resp.status != http.StatusOK || answer.Status != 410 || answer.Token == "" {
			t.Fatalf("got %v %+v, want 410 and a token", resp, answer)
		}
		p := s.joinPoller("room:a", "")
		p.send(`["1","2","room:a","ping",{}]`, `["1","3","room:a","fresh",{}]`, `["1","4","room:a","nothing",{}]`)
		p.expect(`["1","2","room:a","phx_reply",{"status":"ok","response":{}}]`,
			`["1","3","room:a","phx_reply",{"status":"error","response":{"reason":"unknown_event"}}]`,
			`["1","4","room:a","phx_reply",{"status":"error","response":{"reason":"unknown_event"}}]`)
		waiting := p.waiting()
		ws := s.join("room:a")
		ws.send(`["1","2","room:a","say",{"body":"x"}]`)
		p.compare(<-waiting, `[null,null,"room:a","said",{"body":"x"}]`)
		ws.expect(`[null,null,"room:a","said",{"body":"x"}]`)
		p.send(`[null,"5","phoenix","heartbeat",{}]`, `["1","6","room:a","phx_leave",{}]`)
		p.expect(`[null,"5","phoenix","phx_reply",{"status":"ok","response":{}}]`,
			`["1","6","room:a","phx_reply",{"status":"ok","response":{}}]`, `["1","1","room:a","phx_close",{}]`)
	})
}

func TestAPollWaitsForItsWindow(t *testing.T) {
	run(t, &room{}, func(s *site) {
		p := s.poller("")
		began := time.Now()
		p.expect()
		if got := time.Since(began); got != 10*time.Second {
			t.Errorf("answered after %v, want 10s", got)
		}
	})
}

func TestTheWindowOfAMount(t *testing.T) {
	run(t, &room{}, func(s *site) {
		p := s.poller("")
		began := time.Now()
		p.expect()
		if got := time.Since(began); got != time.Second {
			t.Errorf("answered after %v, want 1s", got)
		}
	}, channel.WithMount(channel.Mount{Path: "/socket", LongPoll: channel.LongPoll{Window: time.Second}}))
}

func TestASessionThatIsNotPolledEnds(t *testing.T) {
	left := &journal{}
	began := time.Time{}
	r := &room{leave: func(_ context.Context, _ *member, reason channel.Reason) {
		left.add("%s after %v", reason, time.Since(began))
	}}
	run(t, r, func(s *site) {
		p := s.joinPoller("room:a", "")
		for range 5 {
			<-time.After(15*time.Second - 1)
			p.expect()
		}
		began = time.Now()
		<-time.After(15*time.Second - 1)
		p.send(`[null,"1","phoenix","heartbeat",{}]`) // frames do not keep it alive
		left.expect(t)
		<-time.After(1)
		left.expect(t, "disconnected after 15s")
		p.gone()
	})
}

func TestAGeneratedClientEndsItsSession(t *testing.T) {
	left := &journal{}
	r := &room{leave: func(_ context.Context, _ *member, reason channel.Reason) { left.add("%s", reason) }}
	run(t, r, func(s *site) {
		for _, polls := range []bool{false, true} {
			p := s.joinPoller("room:a", "&chgen=1")
			if polls {
				p.waiting()
			}
			p.send(`[null,"2","phoenix","chgen_close",{}]`)
			left.expect(t, "disconnected")
			p.gone()
		}
		p := s.joinPoller("room:a", "") // to whom it means nothing
		p.send(`[null,"2","phoenix","chgen_close",{}]`)
		p.expect(`[null,"2","phoenix","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]`)
		left.expect(t)
	})
}

func TestTheNewerOfTwoPollsTakesOver(t *testing.T) {
	run(t, &room{}, func(s *site) {
		p := s.joinPoller("room:a", "")
		older := p.waiting()
		newer := p.waiting()
		p.compare(<-older)
		p.send(`["1","2","room:a","ping",{}]`)
		p.compare(<-newer, `["1","2","room:a","phx_reply",{"status":"ok","response":{}}]`)
	})
}

func TestAPollThatIsGivenUpTakesNothing(t *testing.T) {
	run(t, &room{}, func(s *site) {
		p := s.joinPoller("room:a", "")
		ctx, cancel := context.WithCancel(context.Background())
		go s.request(ctx, http.MethodGet, p.path, "", p.header())
		synctest.Wait()
		cancel()
		synctest.Wait()
		p.send(`["1","2","room:a","ping",{}]`)
		p.expect(`["1","2","room:a","phx_reply",{"status":"ok","response":{}}]`)
	})
}

func TestWhereTheTokenIsLookedFor(t *testing.T) {
	var seen []string
	run(t, &room{}, func(s *site) {
		gen.OnConnect(s.server, func(ctx context.Context, _ *http.Request, q *gen.ConnectQuery) (context.Context, error) {
			token, _ := q.Get("token")
			seen = append(seen, token)
			return ctx, nil
		})
		p := s.poller("&token=mine")
		p.path += "&token=" + p.token // the application's comes first
		p.send(`[null,"1","phoenix","heartbeat",{}]`)
		if answer := s.get(p.path, nil); answer.Status != 200 || answer.Token != p.token {
			t.Errorf("by parameter: got %+v, want 200", answer)
		}
		other := s.poller("")
		p.send(`[null,"1","phoenix","heartbeat",{}]`)
		if answer := s.get(other.path+"&token="+other.token, p.header()); answer.Status != 200 || answer.Token != p.token {
			t.Errorf("the header does not come first: got %+v", answer)
		}
		<-time.After(time.Minute)
		if answer := s.get(p.path, nil); answer.Status != 410 {
			t.Errorf("got %+v, want 410", answer)
		}
		if diff := cmp.Diff([]string{"mine", "", "mine"}, seen); diff != "" {
			t.Errorf("the connect hook's token (-want +got):\n%s", diff)
		}
	})
}

func TestOtherMethodsAndOrigins(t *testing.T) {
	run(t, nil, func(s *site) {
		headers := http.Header{"Access-Control-Request-Headers": {"content-type, x-phoenix-longpoll-token"}, "Origin": {"http://example.com"}}
		resp, _ := s.request(context.Background(), http.MethodOptions, "/socket/longpoll?vsn=2.0.0", "", headers)
		got := map[string]string{}
		for name := range resp.header {
			if strings.HasPrefix(name, "Access-Control-") {
				got[name] = resp.header.Get(name)
			}
		}
		want := map[string]string{
			"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "content-type, x-phoenix-longpoll-token",
			"Access-Control-Allow-Methods": "get, post, options", "Access-Control-Max-Age": "3600",
		}
		if diff := cmp.Diff(want, got); diff != "" || resp.status != http.StatusOK {
			t.Errorf("OPTIONS: %d (-want +got):\n%s", resp.status, diff)
		}
		for _, method := range []string{"PUT", "DELETE", "HEAD"} {
			resp, answer := s.request(context.Background(), method, "/socket/longpoll?vsn=2.0.0", "", nil)
			if resp.status != http.StatusBadRequest || answer != nil {
				t.Errorf("%s: got %d %+v, want an empty 400", method, resp.status, answer)
			}
		}
		for _, method := range []string{"GET", "POST", "OPTIONS"} {
			resp, answer := s.request(context.Background(), method, "/socket/longpoll?vsn=2.0.0", "", http.Header{"Origin": {"http://evil.example"}})
			if diff := cmp.Diff(&body{Status: 403}, answer); diff != "" || resp.status != http.StatusOK {
				t.Errorf("%s: %d (-want +got):\n%s", method, resp.status, diff)
			}
		}
		if resp, _ := s.request(context.Background(), "GET", "/socket/longpoll?vsn=%zz", "", nil); resp.status != http.StatusBadRequest {
			t.Errorf("a malformed query: got %d, want 400", resp.status)
		}
	})
}

func TestRefusedSessions(t *testing.T) {
	run(t, nil, func(s *site) {
		OnConnect(s.server, func(_ context.Context, _ *http.Request, p ConnectParams) (context.Context, error) {
			if p.Name == "panic" {
				panic("boom")
			}
			return nil, channel.Refuse("no " + p.Name)
		})
		for query, want := range map[string]*body{
			"vsn=3.0.0&name=x":         {Status: 403},
			"vsn=2.0.0&name=x":         {Status: 403},
			"vsn=2.0.0&name=x&chgen=1": {Status: 403, Reason: "no x"}, // for generated clients only
			"vsn=2.0.0":                {Status: 403},
		} {
			if diff := cmp.Diff(want, s.get("/socket/longpoll?"+query, nil)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", query, diff)
			}
		}
		if resp, answer := s.request(context.Background(), "GET", "/socket/longpoll?vsn=2.0.0&name=panic", "", nil); resp.status != http.StatusInternalServerError || answer != nil {
			t.Errorf("a panic: got %d %+v, want an empty 500", resp.status, answer)
		}
	})
}

func TestDisconnectEndsASession(t *testing.T) {
	left := &journal{}
	r := &room{leave: func(_ context.Context, _ *member, reason channel.Reason) { left.add("%s", reason) }}
	run(t, r, func(s *site) {
		ids := make(chan string, 1)
		withIDs(s, ids)
		for _, polls := range []bool{false, true} {
			ids <- "u"
			p := s.joinPoller("room:a", "")
			waiting := make(<-chan *body)
			if polls {
				waiting = p.waiting()
			}
			if err := s.server.Disconnect(context.Background(), "u"); err != nil {
				t.Fatal(err)
			}
			left.expect(t, "disconnected")
			if polls {
				p.compare(<-waiting)
			}
			ids <- "other"
			p.gone()
		}
	})
}

func TestShutdownEndsSessions(t *testing.T) {
	left := &journal{}
	var gate chan struct{}
	r := &room{
		ping: func(context.Context, *member) error { <-gate; return nil },
		leave: func(_ context.Context, m *member, reason channel.Reason) {
			left.add("%s %s", m.socket.Topic().RoomID, reason)
		},
	}
	run(t, r, func(s *site) {
		gate = make(chan struct{})
		idle, generated, busy, late := s.poller(""), s.poller("&chgen=1"), s.joinPoller("room:busy", ""), s.joinPoller("room:late", "")
		idleWaits, generatedWaits, busyWaits := idle.waiting(), generated.waiting(), busy.waiting()
		busy.send(`["1","2","room:busy","ping",{}]`)
		late.send(`["1","2","room:late","ping",{}]`)
		done := make(chan error, 1)
		go func() { done <- s.server.Shutdown(context.Background()) }()
		idle.compare(<-idleWaits)
		if answer := <-generatedWaits; answer.Status != 410 || answer.Code != 1012 || !strings.HasPrefix(answer.Reason, "retry_after_ms=") {
			t.Errorf("generated: got %+v, want 410 and when to come back", answer)
		}
		if resp, _ := s.request(context.Background(), "GET", "/socket/longpoll?vsn=2.0.0", "", nil); resp.status != http.StatusServiceUnavailable {
			t.Errorf("a new session: got %d, want 503", resp.status)
		}
		close(gate)
		reply := `["1","2","room:busy","phx_reply",{"status":"ok","response":{}}]`
		busy.compare(<-busyWaits, reply)
		synctest.Wait()
		late.expect(strings.ReplaceAll(reply, "busy", "late")) // what is left may be fetched
		began := time.Now()
		if err := <-done; err != nil || time.Since(began) != 0 {
			t.Errorf("%v after %v, want no error at once", err, time.Since(began))
		}
		if got := len(left.entries); got != 2 {
			t.Errorf("%d handlers have left, want 2", got)
		}
	})
}

func TestShutdownCutsSessions(t *testing.T) {
	var gate chan struct{}
	r := &room{ping: func(context.Context, *member) error { <-gate; return nil }}
	run(t, r, func(s *site) {
		gate = make(chan struct{})
		p := s.joinPoller("room:a", "")
		waiting := p.waiting()
		p.send(`["1","2","room:a","ping",{}]`)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := s.server.Shutdown(ctx); err == nil {
			t.Error("no error")
		}
		p.compare(<-waiting)
		close(gate)
	})
}

func TestTheQueueOfASessionIsBounded(t *testing.T) {
	left := &journal{}
	r := &room{leave: func(_ context.Context, _ *member, reason channel.Reason) { left.add("%s", reason) }}
	run(t, r, func(s *site) {
		p := s.joinPoller("room:a", "")
		send := BroadcastRoom(s.server, RoomTopic{"a"})
		ctx := context.Background()
		for i := range 100 {
			_ = send.Status(ctx, Text{"a" + fmt.Sprint(i)})
			_ = send.Moved(ctx, Text{fmt.Sprint(i)})
		}
		for range 10 {
			_ = send.Said(ctx, Text{"x"})
		}
		answer := p.poll()
		said, status := 0, ""
		for _, m := range answer.Messages {
			if strings.Contains(m, `"said"`) {
				said++
			}
			if strings.Contains(m, `"status"`) {
				status += m
			}
		}
		if said != 10 || strings.Count(status, "room:a") != 1 || !strings.Contains(status, "a99") {
			t.Errorf("%d stream events, latest %s: want 10, and the last", said, status)
		}
		for range 100 {
			_ = send.Said(ctx, Text{"x"})
		}
		left.expect(t, "disconnected")
		p.gone()
	}, channel.WithLimits(channel.Limits{QueueBytes: 1000}))
}

func TestAGeneratedClientGetsAgainWhatItHasNotReceived(t *testing.T) {
	run(t, &room{}, func(s *site) {
		p := s.joinPoller("room:a", "&chgen=1")
		send := BroadcastRoom(s.server, RoomTopic{"a"})
		say := func(text string) string {
			_ = send.Said(context.Background(), Text{text})
			return `[null,null,"room:a","said",{"body":"` + text + `"}]`
		}
		one := say("1")
		lost := p.token
		p.expect(one)
		p.token = lost // the answer did not arrive
		two := say("2")
		p.expect(one, two)
		three := say("3")
		p.expect(three)
		p.expect()
	})
}

func TestOtherClientsUseOneTokenForEver(t *testing.T) {
	run(t, &room{}, func(s *site) {
		p := s.joinPoller("room:a", "")
		first := p.token
		for range 2 {
			_ = BroadcastRoom(s.server, RoomTopic{"a"}).Said(context.Background(), Text{"x"})
			p.expect(`[null,null,"room:a","said",{"body":"x"}]`)
			if p.token != first {
				t.Error("the token has changed")
			}
		}
	})
}

func TestTransportsAreSwitchedByMount(t *testing.T) {
	run(t, nil, func(s *site) {
		s.connectTo("/ws/websocket?vsn=2.0.0").close()
		s.refusedWith(404, "/ws/longpoll?vsn=2.0.0", nil)
		s.refusedWith(404, "/lp/websocket?vsn=2.0.0", nil)
		for path, want := range map[string]int{"/lp/longpoll": 410, "/two/longpoll": 403} {
			if answer := s.get(path+"?vsn=2.0.0", http.Header{"Origin": {"http://a.example"}}); answer.Status != want {
				t.Errorf("%s: got %+v, want %d", path, answer, want)
			}
		}
		ws, _, err := s.try("/two/websocket?vsn=2.0.0", http.Header{"Origin": {"http://a.example"}}) //nolint:bodyclose // an upgrade has none
		if err != nil {
			t.Fatal(err)
		}
		_ = ws.CloseNow()
	},
		channel.WithMount(channel.Mount{Path: "/ws", LongPoll: channel.LongPoll{Off: true}}),
		channel.WithMount(channel.Mount{Path: "/lp", WebSocket: channel.WebSocket{Off: true}, Origins: []string{"//a.example"}}),
		channel.WithMount(channel.Mount{Path: "/two", LongPoll: channel.LongPoll{Off: true}, Origins: []string{"//a.example"}}),
		channel.WithMount(channel.Mount{Path: "/two", WebSocket: channel.WebSocket{Off: true}, Origins: []string{"//b.example"}}))
}
