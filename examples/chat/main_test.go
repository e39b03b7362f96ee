package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The Redis client's goroutine for another try, which cannot be ended and does nothing after at most a second.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"))
}

// startChat runs the chat on a free port until the test ends and returns its host and port.
func startChat(t *testing.T) string {
	t.Helper()
	ctx, interrupt := context.WithCancel(context.Background())
	output, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"-addr", "127.0.0.1:0"}, stdout, io.Discard)
		_ = stdout.Close() // a pipe's writer never fails to close
	}()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		interrupt()
		if err := <-done; err != nil {
			t.Errorf("run returned %v after an interrupt, want nil", err)
		}
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("the chat printed no URL: %v", err)
	}
	_, host, found := strings.Cut(strings.TrimSpace(line), "http://")
	if !found {
		t.Fatalf("the chat printed %q, want its URL", line)
	}
	return host
}

// rawClient is one WebSocket connection of a test.
type rawClient struct {
	t    *testing.T
	ctx  context.Context
	conn *websocket.Conn
}

func connectAs(t *testing.T, host, name string) *rawClient {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, "ws://"+host+"/socket/websocket?vsn=2.0.0&name="+name, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() }) // the server may have closed it first
	return &rawClient{t, ctx, conn}
}

func (c *rawClient) send(frame string) {
	c.t.Helper()
	if err := c.conn.Write(c.ctx, websocket.MessageText, []byte(frame)); err != nil {
		c.t.Fatal(err)
	}
}

// reply returns the payload of the reply to ref, passing over every other frame.
func (c *rawClient) reply(ref string) string {
	c.t.Helper()
	for {
		_, data, err := c.conn.Read(c.ctx)
		if err != nil {
			c.t.Fatalf("waiting for the reply to %s: %v", ref, err)
		}
		var frame [5]json.RawMessage
		if err := json.Unmarshal(data, &frame); err != nil {
			c.t.Fatalf("frame %s: %v", data, err)
		}
		if string(frame[1]) == `"`+ref+`"` && string(frame[3]) == `"phx_reply"` {
			return string(frame[4])
		}
	}
}

// closed returns how the server ended the connection.
func (c *rawClient) closed() websocket.CloseError {
	c.t.Helper()
	for {
		if _, _, err := c.conn.Read(c.ctx); err != nil {
			var closed websocket.CloseError
			if !errors.As(err, &closed) {
				c.t.Fatalf("read: %v, want a close frame", err)
			}
			return closed
		}
	}
}

func TestThePageIsServedWithItsScriptAndStyle(t *testing.T) {
	host := startChat(t)
	for path, want := range map[string]string{"/": "text/html", "/style.css": "text/css", "/dist/app.js": "text/javascript"} {
		response, err := http.Get("http://" + host + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || !strings.HasPrefix(kind, want) || len(body) == 0 {
			t.Errorf("GET %s: %s, %s, %d bytes; want 200 and %s", path, response.Status, kind, len(body), want)
		}
	}
}

func TestAMessageIsBroadcastThenAnswered(t *testing.T) {
	host := startChat(t)
	ada := connectAs(t, host, "Ada")
	ada.send(`["1","1","room:lobby","phx_join",{}]`)
	var joined struct {
		Status   string
		Response struct {
			You    map[string]string
			Recent []json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(ada.reply("1")), &joined); err != nil {
		t.Fatal(err)
	}
	if joined.Status != "ok" || joined.Response.You["name"] != "Ada" || joined.Response.Recent == nil {
		t.Errorf("join reply %+v, want ok with you and recent", joined)
	}
	ada.send(`["1","2","room:lobby","send_message",{"body":"hi","attachment":{"type":"link","url":"https://example.com"}}]`)
	if got := ada.reply("2"); !strings.Contains(got, `"status":"ok"`) {
		t.Errorf("reply %s, want ok", got)
	}
	grace := connectAs(t, host, "Grace")
	grace.send(`["1","1","room:lobby","phx_join",null]`)
	if got := grace.reply("1"); !strings.Contains(got, `"body":"hi"`) || !strings.Contains(got, `"attachment":{"type":"link"`) {
		t.Errorf("join reply %s, want the earlier message in it", got)
	}
}

func TestBadInputIsAnsweredAndTheRoomLives(t *testing.T) {
	host := startChat(t)
	ada := connectAs(t, host, "Ada")
	ada.send(`["1","1","room:lobby","phx_join",{}]`)
	ada.reply("1")
	for _, test := range []struct{ event, payload, want string }{
		{"send_message", `{"body":""}`, `{"status":"error","response":{"reason":"invalid_payload","path":"/body","message":"must have 1 to 2000 characters"}}`},
		{"send_message", `{}`, `{"status":"error","response":{"reason":"invalid_payload","path":"/body","message":"is required"}}`},
		{"set_typing", `{"active":"yes"}`, `{"status":"error","response":{"reason":"invalid_payload","path":"/active","message":"must be true or false"}}`},
		{"no_such_event", `{}`, `{"status":"error","response":{"reason":"unknown_event"}}`},
		{"set_typing", `{"active":true}`, `{"status":"ok","response":{}}`},
	} {
		ada.send(`["1","2","room:lobby","` + test.event + `",` + test.payload + `]`)
		if diff := cmp.Diff(test.want, ada.reply("2")); diff != "" {
			t.Errorf("%s %s: (-want +got)\n%s", test.event, test.payload, diff)
		}
	}
	ada.send(`["7","7","room:private","phx_join",{}]`)
	if diff := cmp.Diff(`{"status":"error","response":{"reason":"not_a_member","message":"You are not a member of this room."}}`, ada.reply("7")); diff != "" {
		t.Errorf("room:private: (-want +got)\n%s", diff)
	}
}

func TestHostileConnectionsEndAlone(t *testing.T) {
	host := startChat(t)
	bystander := connectAs(t, host, "Grace")
	bystander.send(`["1","1","room:lobby","phx_join",{}]`)
	bystander.reply("1")

	garbage := connectAs(t, host, "Mallory")
	garbage.send(`this is no frame`)
	if closed := garbage.closed(); closed.Code != websocket.StatusInvalidFramePayloadData || closed.Reason == "" {
		t.Errorf("a garbage frame closed with %v, want 1007 and a reason", closed)
	}
	large := connectAs(t, host, "Mallory")
	large.send(`["1","1","room:lobby","phx_join",{"x":"` + string(bytes.Repeat([]byte("x"), 65<<10)) + `"}]`)
	if closed := large.closed(); closed.Code != websocket.StatusMessageTooBig {
		t.Errorf("a frame over the limit closed with %v, want 1009", closed)
	}
	_, response, err := websocket.Dial(t.Context(), "ws://"+host+"/socket/websocket?vsn=2.0.0&name=Mallory",
		&websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"https://evil.example"}}})
	if err == nil || response == nil || response.StatusCode != http.StatusForbidden {
		t.Errorf("a foreign origin: error %v, response %v, want 403", err, response)
	}

	bystander.send(`["1","2","room:lobby","set_typing",{"active":false}]`)
	if diff := cmp.Diff(`{"status":"ok","response":{}}`, bystander.reply("2")); diff != "" {
		t.Errorf("the bystander: (-want +got)\n%s", diff)
	}
}

func TestShutdownTellsClientsToComeBack(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	output, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(ctx, []string{"-addr", "127.0.0.1:0"}, stdout, io.Discard) }()
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, host, _ := strings.Cut(strings.TrimSpace(line), "http://")
	ada := connectAs(t, host, "Ada")
	interrupt()
	if closed := ada.closed(); closed.Code != websocket.StatusServiceRestart {
		t.Errorf("closed with %v, want 1012", closed)
	}
	if err := <-done; err != nil {
		t.Errorf("run returned %v, want nil", err)
	}
}

func TestWrongUsageNamesTheRemedy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"extra"}, "flags only"},
		{[]string{"-addr", "no-such-host.invalid:x"}, "-addr"},
	} {
		err := run(t.Context(), test.args, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("run(%q) = %v, want an error that says %q", test.args, err, test.want)
		}
	}
}

func TestABusThatThereIsNotIsSaid(t *testing.T) {
	for url, want := range map[string]string{
		"amqp://127.0.0.1":      `-pubsub "amqp://127.0.0.1": it takes redis://... or nats://..., or nothing`,
		"redis://127.0.0.1:1":   "redis: ",
		"nats://127.0.0.1:1":    "nats: ",
		"redis://%zz":           "redis: ",
		"redis.example.com":     "it takes redis://... or nats://...",
		"redis.example.com:123": "it takes redis://... or nats://...",
	} {
		err := run(t.Context(), []string{"-addr", "127.0.0.1:0", "-pubsub", url}, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("-pubsub %s: %v, want %q in it", url, err, want)
		}
	}
}
