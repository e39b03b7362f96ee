package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/chgen/chgen/internal/peer/contract"
	"github.com/chgen/chgen/runtime/channel"
)

var (
	noWebSocket = channel.WebSocket{Off: true}
	noLongPoll  = channel.LongPoll{Off: true}
)

// newServer returns the server with its mounts, its socket and its routes.
func newServer(log *slog.Logger, opts ...channel.Option) *channel.Server {
	server := channel.NewServer(append(opts,
		channel.WithLogger(log),
		channel.WithMount(channel.Mount{Path: "/socket", CheckOrigin: fromLocalhost}),
		channel.WithMount(channel.Mount{Path: "/authsocket", CheckOrigin: fromLocalhost, AuthToken: true}),
		// What differs between the transports makes two mounts of one path.
		channel.WithMount(channel.Mount{
			Path: "/tiny", CheckOrigin: fromLocalhost, MaxFrameBytes: 200, IdleTimeout: 1500 * time.Millisecond, LongPoll: noLongPoll,
		}),
		channel.WithMount(channel.Mount{
			Path: "/tiny", CheckOrigin: fromLocalhost, LongPoll: channel.LongPoll{Window: time.Second}, WebSocket: noWebSocket,
		}),
		channel.WithMount(channel.Mount{Path: "/origin", Origins: []string{"https://example.com", "//*.foo.com"}, LongPoll: noLongPoll}),
		channel.WithMount(channel.Mount{Path: "/origin", Origins: []string{"https://example.com"}, WebSocket: noWebSocket}),
	)...)
	contract.OnConnect(server, connect)
	handleRoom(server)
	handleRoster(server)
	return server
}

// fromLocalhost is Phoenix's default origin check for an endpoint whose host is localhost (D13).
func fromLocalhost(_ *http.Request, origin *url.URL) bool {
	return strings.EqualFold(origin.Hostname(), "localhost")
}

type userKey struct{}

const anonymous = "anon"

// connect refuses the token "bad". The user is the auth token, else the parameter token, else anon, who has no id.
func connect(ctx context.Context, _ *http.Request, params contract.ConnectParams) (context.Context, error) {
	user := anonymous
	if params.Token != nil {
		user = *params.Token
	}
	if user == "bad" {
		return nil, channel.Refuse("bad token")
	}
	if token, ok := channel.AuthToken(ctx); ok {
		user = token
	}
	if user != anonymous {
		ctx = channel.WithID(ctx, "users_socket:"+user)
	}
	return context.WithValue(ctx, userKey{}, user), nil
}

func userOf(ctx context.Context) string { return ctx.Value(userKey{}).(string) }
