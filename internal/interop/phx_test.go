// Package interop_test runs a Phoenix client of others, unmodified, against a chgen server. It runs without -race, which
// finds races in that client.
package interop_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nshafer/phx"

	"github.com/chgen/chgen/internal/echo"
	"github.com/chgen/chgen/runtime/channel"
)

// serve returns the URL of a chat and what ends every connection to it.
func serve(t *testing.T) (endpoint *url.URL, disconnect func()) {
	t.Helper()
	server := channel.NewServer(channel.WithLogger(slog.New(slog.DiscardHandler)), channel.WithLimits(channel.Limits{CloseTimeout: time.Second}))
	echo.Handle(server)
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		web.Close()
	})
	endpoint, err := url.Parse(web.URL + "/socket?name=Ada")
	if err != nil {
		t.Fatal(err)
	}
	return endpoint, func() { _ = server.Disconnect(context.Background(), "Ada") }
}

// answer is what a push is answered.
type answer struct {
	Status   string
	Response map[string]any
}

func await(push *phx.Push, err error) answer {
	if err != nil {
		return answer{Status: err.Error()}
	}
	answered := make(chan answer, 1)
	for _, status := range []string{"ok", "error", "timeout"} {
		push.Receive(status, func(response any) {
			fields, _ := response.(map[string]any)
			answered <- answer{status, fields}
		})
	}
	return <-answered
}

func TestAGoClientOfPhoenix(t *testing.T) {
	t.Parallel()
	for name, serializer := range map[string]phx.Serializer{"version 1": phx.NewJSONSerializerV1(), "version 2": phx.NewJSONSerializerV2()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endpoint, disconnect := serve(t)
			socket := phx.NewSocket(endpoint)
			socket.Serializer = serializer
			opened := make(chan struct{}, 4)
			socket.OnOpen(func() { opened <- struct{}{} })
			if err := socket.Connect(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = socket.Disconnect() }()
			<-opened

			lobby := socket.Channel("room:lobby", map[string]string{})
			heard := make(chan any, 1)
			lobby.On("message_created", func(payload any) { heard <- payload })
			you := map[string]any{"id": "Ada", "name": "Ada", "role": "member"}
			check(t, "join", await(lobby.Join()), answer{"ok", map[string]any{"you": you, "recent": []any{}}})
			sent := await(lobby.Push("send_message", map[string]any{"body": "hello"}))
			if sent.Status != "ok" || sent.Response["id"] != "hello" {
				t.Errorf("send_message: got %v", sent)
			}
			if message, _ := (<-heard).(map[string]any); message["body"] != "hello" {
				t.Errorf("heard %v, want hello", message)
			}
			check(t, "unknown event", await(lobby.Push("dance", map[string]any{})), answer{"error", map[string]any{"reason": "unknown_event"}})
			invalid := await(lobby.Push("send_message", map[string]any{"body": ""}))
			if invalid.Status != "error" || invalid.Response["path"] != "/body" {
				t.Errorf("an empty message: got %v", invalid)
			}

			private := socket.Channel("room:private", map[string]string{})
			refused := await(private.Join())
			if refused.Status != "error" || refused.Response["reason"] != "not_a_member" {
				t.Errorf("the private room: got %v", refused)
			}
			_ = private.Remove()

			rejoined := make(chan struct{}, 4)
			lobby.OnJoin(func(any) { rejoined <- struct{}{} })
			disconnect()
			<-opened // it comes back by itself
			<-rejoined
			again := await(lobby.Push("send_message", map[string]any{"body": "back"}))
			if again.Status != "ok" {
				t.Errorf("after the reconnect: got %v", again)
			}
			check(t, "leave", await(lobby.Leave()), answer{"ok", map[string]any{}})
		})
	}
}

func check(t *testing.T, what string, got, want answer) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
