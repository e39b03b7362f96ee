package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// A shutdown tells everybody to come back, joined or not: 1012, where Phoenix closes connections without a channel
// with 1000 (rule 8.3, D7).
func TestStopsGracefully(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(ctx, []string{"-addr", "127.0.0.1:0"}, stdout, io.Discard) }()
	ready, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, url, _ := strings.Cut(strings.TrimSpace(ready), "http")
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	dial := func() *websocket.Conn {
		ws, _, err := websocket.Dial(t.Context(), "ws"+url+"/socket/websocket?vsn=2.0.0", &websocket.DialOptions{HTTPClient: client})
		if err != nil {
			t.Fatal(err)
		}
		return ws
	}
	joined, idle := dial(), dial()
	if err := joined.Write(t.Context(), websocket.MessageText, []byte(`["1","1","room:x","phx_join",{}]`)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := joined.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	interrupt()
	for name, ws := range map[string]*websocket.Conn{"joined": joined, "without a channel": idle} {
		_, frame, err := ws.Read(t.Context())
		if code := websocket.CloseStatus(err); code != websocket.StatusServiceRestart {
			t.Errorf("%s: got %q, %v, want a close with 1012", name, frame, err)
		}
	}
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
}

func TestRefusesWrongArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-port", "1"}, {"extra"}, {"-addr", "nowhere"}, {"-nodes", "0"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
	if err := run(t.Context(), []string{"-h"}, io.Discard, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: got %v", err)
	}
}
