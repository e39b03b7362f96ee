package channel_test

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/gen"
)

func TestPaths(t *testing.T) {
	run(t, nil, func(s *site) {
		s.refusedWith(404, "/socket?vsn=2.0.0", nil)
		s.refusedWith(404, "/socket/?vsn=2.0.0", nil)
		s.refusedWith(404, "/socket/longpollx?vsn=2.0.0", nil)
		s.connectTo("/websocket?vsn=2.0.0").close()
		s.connectTo("/any/where/websocket?vsn=2.0.0").close()
	})
}

func TestMounts(t *testing.T) {
	run(t, nil, func(s *site) {
		s.connectTo("/socket/websocket?vsn=2.0.0").close()
		s.connectTo("/other/websocket?vsn=2.0.0").close()
		s.refusedWith(404, "/third/websocket?vsn=2.0.0", nil)
	}, channel.WithMount(channel.Mount{Path: "/socket"}), channel.WithMount(channel.Mount{Path: "/other/"}))
}

func TestParametersInAMountsPath(t *testing.T) {
	var seen []string
	run(t, nil, func(s *site) {
		gen.OnConnect(s.server, func(ctx context.Context, _ *http.Request, q *gen.ConnectQuery) (context.Context, error) {
			org, _ := q.Get("org")
			id, _ := q.Get("user_id")
			seen = append(seen, org+" "+id)
			return ctx, nil
		})
		s.connectTo("/ws/7/of/acme/websocket?vsn=2.0.0&user_id=8").close()
		s.connectTo("/ws/a%20b/of/%7Bx%7D/websocket?vsn=2.0.0").close()
		s.connectTo("/ws/me/websocket?vsn=2.0.0").close()
		if answer := s.get("/ws/7/of/acme/longpoll?vsn=2.0.0", nil); answer.Status != 410 {
			t.Errorf("got %+v, want 410", answer)
		}
		for _, path := range []string{"/ws/7/of/", "/ws//of/acme", "/ws/7/of/acme/more", "/ws/7/in/acme", "/x/7/of/acme", "/ws/7/of", "/ws"} {
			s.refusedWith(404, path+"/websocket?vsn=2.0.0", nil)
		}
		if diff := cmp.Diff([]string{"acme 7", "{x} a b", " me", "acme 7"}, seen); diff != "" {
			t.Errorf("parameters (-want +got):\n%s", diff)
		}
	}, channel.WithMount(channel.Mount{Path: "/ws/{user_id}/of/{org}"}), channel.WithMount(channel.Mount{Path: "/ws/{user_id}/"}))
}

func TestAWrongPathOfAMountPanics(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/{}", "/a{b}", "/{a}b", "/{a", "/a}", "/{a}/{a}", "/{a{b}}"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q: no panic", path)
				}
			}()
			channel.NewServer(channel.WithMount(channel.Mount{Path: path}))
		}()
	}
}

func TestVersions(t *testing.T) {
	run(t, nil, func(s *site) {
		for _, query := range []string{"?vsn=2.0", "?vsn=1.1.0", "?vsn=abc", "?vsn=2.1.0", "?vsn=3.0.0", "?vsn[]=2.0.0", "?vsn=2.0.0x", "?vsn=2.0.01", "?vsn=2.0.-1", "?vsn="} {
			if body := s.refusedWith(403, "/socket/websocket"+query, nil); body != "" {
				t.Errorf("%s: body %q, want none", query, body)
			}
		}
		s.connectTo("/socket/websocket?vsn=2.0.9").close()
		s.connectTo("/socket/websocket?vsn=1.0.0&vsn=2.0.0").close() // the last counts
		s.refusedWith(400, "/socket/websocket?vsn=2.0.0&x=%zz", nil)
	})
}

func TestWhatIsNoUpgradeIsRefused(t *testing.T) {
	t.Parallel()
	server := channel.NewServer()
	upgrade := map[string]string{"Connection": "keep-alive, Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
	for name, change := range map[string]func(*http.Request){
		"POST":             func(r *http.Request) { r.Method = http.MethodPost },
		"HEAD":             func(r *http.Request) { r.Method = http.MethodHead },
		"no connection":    func(r *http.Request) { r.Header.Del("Connection") },
		"no upgrade":       func(r *http.Request) { r.Header.Set("Upgrade", "h2c") },
		"version":          func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "8") },
		"no key":           func(r *http.Request) { r.Header.Del("Sec-WebSocket-Key") },
		"two keys":         func(r *http.Request) { r.Header.Add("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==") },
		"short key":        func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "AAAA") },
		"HTTP/1.0":         func(r *http.Request) { r.ProtoMinor = 0 },
		"an empty request": func(r *http.Request) { r.Header = http.Header{} },
	} {
		r := httptest.NewRequest(http.MethodGet, "/socket/websocket?vsn=2.0.0", nil)
		for k, v := range upgrade {
			r.Header.Set(k, v)
		}
		change(r)
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s: got %d, want 400", name, w.Code)
		}
	}
}

func TestOrigins(t *testing.T) {
	tests := []struct {
		name     string
		mount    channel.Mount
		allowed  []string
		rejected []string
	}{
		{"the request's host", channel.Mount{},
			[]string{"", "http://example.com", "https://EXAMPLE.com:9999"},
			[]string{"http://evil.example", "http://example.com.evil.example", "http://xexample.com", "null", "http://", ":"}},
		{"a list", channel.Mount{Origins: []string{"https://example.org", "//*.foo.com", "//bar.com:81", "baz.com"}},
			[]string{"", "https://example.org", "https://example.org:443", "http://a.b.foo.com:81", "http://foo.com", "http://bar.com:81", "http://baz.com", "https://BAZ.com:5"},
			[]string{"http://example.org", "https://example.org:444", "http://xfoo.com", "http://bar.com", "https://a.bar.com:81", "http://example.com", "null"}},
		{"a function", channel.Mount{CheckOrigin: func(_ *http.Request, origin *url.URL) bool { return origin.Host == "" || origin.Host == "x" }},
			[]string{"", "null", "http://x"}, []string{"http://example.com"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.mount.Path = "/socket"
			run(t, nil, func(s *site) {
				for _, origin := range test.allowed {
					header := http.Header{}
					if origin != "" {
						header.Set("Origin", origin)
					}
					ws, _, err := s.try("/socket/websocket?vsn=2.0.0", header) //nolint:bodyclose // an upgrade has none
					if err != nil {
						t.Errorf("%s: %v", origin, err)
						continue
					}
					_ = ws.Close(websocket.StatusNormalClosure, "")
				}
				for _, origin := range test.rejected {
					s.refusedWith(403, "/socket/websocket?vsn=2.0.0", http.Header{"Origin": {origin}})
				}
			}, channel.WithMount(test.mount))
		})
	}
}

func TestAWrongOriginInAListPanics(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"", "https://example.com/path", "http://a b"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q: no panic", origin)
				}
			}()
			channel.NewServer(channel.WithMount(channel.Mount{Origins: []string{origin}}))
		}()
	}
}

type userKey struct{}

func TestTheConnectHooksValuesReachHandlersAndItsCancellationDoesNot(t *testing.T) {
	r := &room{ping: func(ctx context.Context, m *member) error {
		if ctx.Err() != nil || ctx.Value(userKey{}) != "Ann" || m.socket.ID() != "user:Ann" {
			t.Errorf("err %v, value %v, id %q", ctx.Err(), ctx.Value(userKey{}), m.socket.ID())
		}
		return nil
	}}
	run(t, r, func(s *site) {
		OnConnect(s.server, func(ctx context.Context, _ *http.Request, p ConnectParams) (context.Context, error) {
			ctx, cancel := context.WithCancel(context.WithValue(ctx, userKey{}, p.Name))
			cancel()
			return channel.WithID(ctx, "user:"+p.Name), nil
		})
		c := s.connectTo("/socket/websocket?chgen=1&_recover=x&_client=x&name=Ann&vsn=2.0.0")
		c.send(`["1","1","room:a","phx_join",{}]`)
		c.send(`["1","2","room:a","ping",{}]`)
		c.expectReply("1", "ok")
		c.expectState()
		c.expectReply("2", "ok")
	})
}

func TestRefusedConnections(t *testing.T) {
	run(t, nil, func(s *site) {
		OnConnect(s.server, func(_ context.Context, _ *http.Request, p ConnectParams) (context.Context, error) {
			switch p.Name {
			case "refuse":
				return nil, channel.Refuse(strings.Repeat("é", 100))
			case "declared":
				return nil, ErrNotAMember
			case "secret":
				return nil, context.DeadlineExceeded
			}
			panic("boom")
		})
		for query, reason := range map[string]string{
			"name=refuse": strings.Repeat("é", 61), "name=declared": "not_a_member", "name=secret": "refused", "x=1": "name is required",
		} {
			if body := s.refusedWith(403, "/socket/websocket?vsn=2.0.0&"+query, nil); body != "" {
				t.Errorf("%s: body %q, want none", query, body)
			}
			s.connectTo("/socket/websocket?vsn=2.0.0&chgen=1&"+query).expectClose(4403, reason)
		}
		s.refusedWith(500, "/socket/websocket?vsn=2.0.0&name=panic", nil)
		s.refusedWith(500, "/socket/websocket?vsn=2.0.0&name=panic&chgen=1", nil)
		if s.log.count("boom") != 2 {
			t.Error("the panic is not in the log")
		}
	})
}

func TestIdleTimeout(t *testing.T) {
	run(t, &room{}, func(s *site) {
		c := s.join("room:a")
		began := time.Now()
		for range 3 {
			<-time.After(50 * time.Second)
			if err := c.ws.Ping(context.Background()); err != nil { // a ping counts
				t.Fatal(err)
			}
		}
		<-time.After(50 * time.Second)
		c.send(`[null,"h","phoenix","heartbeat",{}]`)
		c.expectReply("h", "ok")
		c.expectClose(1001, "idle")
		if got := time.Since(began); got != 260*time.Second {
			t.Errorf("closed after %v, want 60s after the last frame", got)
		}
	})
}

func TestIdleTimeoutOfAMount(t *testing.T) {
	run(t, nil, func(s *site) {
		began := time.Now()
		s.connect().expectClose(1001, "idle")
		if got := time.Since(began); got != 1500*time.Millisecond {
			t.Errorf("closed after %v, want 1.5s", got)
		}
	}, channel.WithMount(channel.Mount{Path: "/socket", IdleTimeout: 1500 * time.Millisecond}))
}

func TestDisconnect(t *testing.T) {
	left := &journal{}
	r := &room{leave: func(_ context.Context, m *member, reason channel.Reason) { left.add("%s", reason) }}
	run(t, r, func(s *site) {
		ids := make(chan string, 1)
		withIDs(s, ids)
		var clients []*client
		for _, id := range []string{"u1", "u1", "u2", ""} {
			ids <- id
			clients = append(clients, s.join("room:a"))
		}
		if err := s.server.Disconnect(context.Background(), "u1"); err != nil {
			t.Fatal(err)
		}
		clients[0].expectClose(1001, "")
		clients[1].expectClose(1001, "")
		left.expect(t, "disconnected", "disconnected")
		for _, c := range clients[2:] {
			c.send(`["1","2","room:a","ping",{}]`)
			c.expectReply("2", "ok")
		}
	})
}

func TestDisconnectDoesNotMissWhomTheHookHasJustLetIn(t *testing.T) {
	run(t, nil, func(s *site) {
		asked, letIn := make(chan string), make(chan struct{})
		gen.OnConnect(s.server, func(ctx context.Context, r *http.Request, _ *gen.ConnectQuery) (context.Context, error) {
			id := r.URL.Query().Get("id")
			asked <- id
			<-letIn
			return channel.WithID(ctx, id), nil
		})
		clients := make(chan *client)
		for _, id := range []string{"u1", "u2"} {
			go func() { clients <- s.connectTo("/socket/websocket?vsn=2.0.0&id=" + id) }()
			<-asked
		}
		if err := s.server.Disconnect(context.Background(), "u1"); err != nil {
			t.Fatal(err)
		}
		letIn <- struct{}{}
		letIn <- struct{}{}
		a, b := <-clients, <-clients
		synctest.Wait()
		select {
		case <-a.frames: // it has ended
		default:
			a, b = b, a
		}
		a.expectClose(1001, "")
		b.expectNothing()
	})
}

func TestShutdown(t *testing.T) {
	left := &journal{}
	var gate chan struct{}
	r := &room{
		ping: func(ctx context.Context, _ *member) error {
			<-gate
			return ctx.Err() // not cancelled
		},
		leave: func(_ context.Context, m *member, reason channel.Reason) {
			left.add("%s %s", m.socket.Topic().RoomID, reason)
		},
	}
	run(t, r, func(s *site) {
		gate = make(chan struct{})
		busy, idle, generated := s.join("room:busy"), s.connect(), s.connectTo("/socket/websocket?vsn=2.0.0&chgen=1")
		busy.send(`["1","2","room:busy","ping",{}]`)
		busy.send(`["1","3","room:busy","say",{"body":"x"}]`)
		synctest.Wait()
		done := make(chan error)
		go func() { done <- s.server.Shutdown(context.Background()) }()
		idle.expectClose(1012, "")
		generated.expectClose(1012, "retry_after_ms=")
		left.expect(t)
		s.refusedWith(503, "/socket/websocket?vsn=2.0.0", nil)
		busy.send(`["4","4","room:other","phx_join",{}]`)
		busy.expectReply("4", "error")
		close(gate)
		busy.expectReply("2", "ok")
		if response := busy.expectReply("3", "error"); response["reason"] != "closed" {
			t.Errorf("got %v, want closed", response)
		}
		busy.expectClose(1012, "")
		left.expect(t, "busy draining")
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestShutdownCutsWhatDoesNotEndInTime(t *testing.T) {
	var gate chan struct{}
	r := &room{ping: func(context.Context, *member) error { <-gate; return nil }}
	run(t, r, func(s *site) {
		gate = make(chan struct{})
		c := s.join("room:a")
		c.send(`["1","2","room:a","ping",{}]`)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := s.server.Shutdown(ctx); err == nil {
			t.Error("no error")
		}
		for range c.frames { // until it is cut
		}
		close(gate)
	})
}

// TestBehindTLSAndMiddleware runs over a port, because TLS and the sockets of the kernel are what is tested.
func TestBehindTLSAndMiddleware(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*httptest.Server){"TCP": (*httptest.Server).Start, "TLS": (*httptest.Server).StartTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := channel.NewServer()
			HandleRoom(server, &room{say: func(ctx context.Context, m *member, in Text) (Text, error) {
				return in, m.socket.Broadcast().Said(ctx, in)
			}})
			hs := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				server.ServeHTTP(wrapped{w}, r)
			}))
			start(hs)
			defer hs.Close()
			ws, _, err := websocket.Dial(context.Background(), "ws"+strings.TrimPrefix(hs.URL, "http")+"/socket/websocket?vsn=2.0.0", &websocket.DialOptions{
				HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			c := newClient(t, ws)
			c.send(`["1","1","room:a","phx_join",{}]`)
			c.expectReply("1", "ok")
			c.expectState()
			if err := ws.Ping(context.Background()); err != nil {
				t.Error(err)
			}
			for range 50 {
				c.send(`["1","2","room:a","say",{"body":"x"}]`)
			}
			for range 50 {
				c.expect(`[null,null,"room:a","said",{"body":"x"}]`)
				c.expectReply("2", "ok")
			}
			if err := server.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
			c.expectClose(1012, "")
		})
	}
}

// wrapped is a middleware's ResponseWriter.
type wrapped struct{ w http.ResponseWriter }

func (w wrapped) Header() http.Header         { return w.w.Header() }
func (w wrapped) Write(p []byte) (int, error) { return w.w.Write(p) }
func (w wrapped) WriteHeader(status int)      { w.w.WriteHeader(status) }
func (w wrapped) Unwrap() http.ResponseWriter { return w.w }

func TestHeadersOfAMiddlewareComeWithTheUpgrade(t *testing.T) {
	t.Parallel()
	server := channel.NewServer()
	defer func() { _ = server.Shutdown(context.Background()) }()
	hs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Set("X-Line", "one\r\ntwo")
		server.ServeHTTP(wrapped{w}, r)
	}))
	defer hs.Close()
	ws, answer, err := websocket.Dial(context.Background(), "ws"+strings.TrimPrefix(hs.URL, "http")+"/socket/websocket?vsn=2.0.0", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	got := map[string][]string{"Set-Cookie": answer.Header["Set-Cookie"], "X-Line": answer.Header["X-Line"]}
	want := map[string][]string{"Set-Cookie": {"a=1", "b=2"}, "X-Line": {"one  two"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAResponseWriterThatCannotBeHijacked(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/socket/websocket?vsn=2.0.0", nil)
	for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="} {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	server := channel.NewServer(channel.WithLogger(slog.New(slog.DiscardHandler)))
	server.ServeHTTP(wrapped{struct{ http.ResponseWriter }{w}}, r)
	if w.Code != http.StatusInternalServerError {
		t.Errorf("got %d, want 500", w.Code)
	}
}

func TestASecondConnectHookPanics(t *testing.T) {
	t.Parallel()
	server := channel.NewServer()
	hook := func(ctx context.Context, _ *http.Request, _ ConnectParams) (context.Context, error) { return ctx, nil }
	OnConnect(server, hook)
	defer func() {
		if recover() == nil {
			t.Error("the second OnConnect replaced the first in silence")
		}
	}()
	OnConnect(server, hook)
}
