package proxytest_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/chgen/chgen/examples/chat/chat"
	"github.com/chgen/chgen/internal/echo"
	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server and returns its address. seen gets each request.
func serve(t *testing.T, seen func(*http.Request), mount channel.Mount, limits channel.Limits) (addr string, server *channel.Server) {
	t.Helper()
	mount.Path = "/socket"
	server = channel.NewServer(channel.WithLogger(slog.New(slog.DiscardHandler)), channel.WithMount(mount), channel.WithLimits(limits))
	echo.Handle(server)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if seen != nil {
			seen(r)
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		web.Close()
	})
	return web.Listener.Addr().String(), server
}

// Phoenix's own client goes through nginx in node, over both transports, with TLS and without.
func TestThePhoenixClientBehindNginx(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, nil, channel.Mount{}, channel.Limits{CloseTimeout: time.Second}) // of the session that it leaves behind
	n := startNginx(t, addr)
	for _, url := range []string{"ws://" + n.plain, "wss://" + n.secure} {
		cmd := exec.Command("node", "testdata/phoenix.mjs", url+"/socket")
		cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+n.certFile)
		output, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", url, err, output)
		}
		want := "WebSocket: joined, heard hello, refused not_a_member, left\nLongPoll: joined, heard hello, refused not_a_member, left\n"
		if diff := cmp.Diff(want, string(output)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", url, diff)
		}
	}
}

func TestTheGoClientBehindNginx(t *testing.T) {
	t.Parallel()
	addr, server := serve(t, nil, channel.Mount{}, channel.Limits{})
	n := startNginx(t, addr)
	ctx := t.Context()
	c, err := client.New("wss://"+n.secure+"/socket", client.WithTransport(&client.WebSocket{HTTPClient: n.trust}),
		client.WithParams(&chat.ConnectParams{Name: "Ada"}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	room, _, err := chat.JoinRoom(ctx, c, chat.RoomTopic{RoomID: "lobby"}, chat.RoomJoin{})
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 2)
	room.OnMessageCreated(func(m chat.Message) { heard <- m.Body })
	rejoined := make(chan struct{}, 1)
	room.OnRejoin(func(client.Rejoined[chat.RoomJoined]) { rejoined <- struct{}{} })
	say := func(body string) {
		if _, err := room.SendMessage(ctx, chat.RoomSendMessage{Body: body}); err != nil {
			t.Fatal(err)
		}
		if got := <-heard; got != body {
			t.Errorf("heard %q, want %q", got, body)
		}
	}
	say("before")
	if err := server.Disconnect(ctx, "Ada"); err != nil {
		t.Fatal(err)
	}
	<-rejoined
	say("after")
}

func TestCloseCodesComeThroughNginx(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, nil, channel.Mount{IdleTimeout: 200 * time.Millisecond}, channel.Limits{})
	n := startNginx(t, addr)
	ws, _, err := websocket.Dial(t.Context(), "ws://"+n.plain+"/socket/websocket?vsn=2.0.0&name=Ada", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = ws.Read(t.Context())
	if got := websocket.CloseStatus(err); got != 1001 {
		t.Errorf("the idle connection ended with %v, want 1001", err)
	}
}

func TestAProxyThatGivesUpEndsTheConnection(t *testing.T) {
	t.Parallel()
	addr, server := serve(t, nil, channel.Mount{}, channel.Limits{})
	n := startNginx(t, addr, "proxy_read_timeout 75s;", "proxy_read_timeout 200ms;")
	ws, _, err := websocket.Dial(t.Context(), "ws://"+n.plain+"/socket/websocket?vsn=2.0.0&name=Ada", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err = ws.Read(t.Context()); err == nil {
		t.Error("nginx has not given up")
	}
	if err := server.Shutdown(t.Context()); err != nil { // which would wait for a connection that is left
		t.Error(err)
	}
}

func TestTheClientsAddressIsTheOneThatNginxSees(t *testing.T) {
	t.Parallel()
	type told struct{ For, Proto, Host string }
	seen := make(chan told, 1)
	addr, _ := serve(t, func(r *http.Request) {
		seen <- told{r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"), r.Host}
	}, channel.Mount{}, channel.Limits{})
	n := startNginx(t, addr)
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+n.secure+"/socket/longpoll?vsn=2.0.0&name=Ada", nil)
	r.Header.Set("X-Forwarded-For", "6.6.6.6")
	r.Header.Set("X-Forwarded-Proto", "gopher")
	r.Header.Set("Origin", "https://"+n.secure) // which is the Host that the client asked for
	if answer := do(t, n.trust, r); answer.Status != 410 {
		t.Errorf("got %+v, want a session", answer)
	}
	if diff := cmp.Diff(told{"127.0.0.1", "https", n.secure}, <-seen); diff != "" {
		t.Errorf("the server was told (-want +got):\n%s", diff)
	}
}

// A poll is answered when there is something to say, not when a buffer is full, and with 204 when its window is over.
func TestPollsBehindNginx(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t, nil, channel.Mount{LongPoll: channel.LongPoll{Window: 300 * time.Millisecond}}, channel.Limits{})
	n := startNginx(t, addr)
	url := "http://" + n.plain + "/socket/longpoll?vsn=2.0.0&name=Ada"
	request := func(method, token, body string) answer {
		r, _ := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		r.Header.Set("X-Phoenix-Longpoll-Token", token)
		r.Header.Set("Content-Type", "application/x-ndjson")
		return do(t, n.trust, r)
	}
	token := request(http.MethodGet, "", "").Token
	if got := request(http.MethodGet, token, ""); got.Status != 204 {
		t.Errorf("a window without messages: got %+v, want 204", got)
	}
	polled := make(chan answer, 1)
	go func() { polled <- request(http.MethodGet, token, "") }()
	if got := request(http.MethodPost, token, `[null,"1","phoenix","heartbeat",{}]`); got.Status != 200 {
		t.Errorf("POST: got %+v, want 200", got)
	}
	if got := <-polled; got.Status != 200 || len(got.Messages) != 1 {
		t.Errorf("got %+v, want the reply", got)
	}
}

type answer struct {
	Status   int
	Token    string
	Messages []string
}

func do(t *testing.T, c *http.Client, r *http.Request) (a answer) {
	t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		t.Error(err)
		return a
	}
	defer func() { _ = resp.Body.Close() }()
	data, _ := io.ReadAll(resp.Body)
	if err := json.Unmarshal(data, &a); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("got %d with %q, want 200 with JSON", resp.StatusCode, data)
	}
	return a
}
