package channel_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/gen"
)

// connectInfo is what a connect hook can know of a client.
type connectInfo struct {
	Header, Host, URI, PathParam, QueryParam, Token string
	Loopback, TLS                                   bool
}

func infoOf(r *http.Request) connectInfo {
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	name := r.URL.Query().Get("name")
	token, _ := channel.AuthToken(r.Context())
	return connectInfo{
		Header: r.Header.Get("X-Tenant"), Host: r.Host, URI: r.RequestURI, PathParam: r.PathValue("org"), QueryParam: name, Token: token,
		Loopback: net.ParseIP(host).IsLoopback(), TLS: r.TLS != nil && r.TLS.HandshakeComplete,
	}
}

// TestTheConnectHookKnowsTheClient runs over a port, because addresses and TLS are what is tested: everything is there on
// both transports, and still is when the request is over.
func TestTheConnectHookKnowsTheClient(t *testing.T) {
	t.Parallel()
	requests := make(chan *http.Request, 1)
	server := channel.NewServer(channel.WithMount(channel.Mount{Path: "/of/{org}/socket", AuthToken: true}))
	gen.OnConnect(server, func(ctx context.Context, r *http.Request, _ *gen.ConnectQuery) (context.Context, error) {
		requests <- r
		return ctx, nil
	})
	hs := httptest.NewTLSServer(server)
	defer hs.Close()
	insecure := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer insecure.CloseIdleConnections()
	client := &http.Client{Transport: insecure}
	target, err := url.Parse(hs.URL)
	if err != nil {
		t.Fatal(err)
	}
	want := connectInfo{
		Header: "acme", Host: target.Host, PathParam: "7", QueryParam: "ada", Token: "token", Loopback: true, TLS: true,
	}

	want.URI = "/of/7/socket/websocket?vsn=2.0.0&name=ada"
	ws, _, err := websocket.Dial(t.Context(), "wss"+strings.TrimPrefix(hs.URL, "https")+want.URI, &websocket.DialOptions{
		HTTPClient: client, HTTPHeader: http.Header{"X-Tenant": {"acme"}}, Subprotocols: []string{"phoenix", "base64url.bearer.phx.dG9rZW4"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, infoOf(<-requests)); diff != "" {
		t.Errorf("over WebSocket (-want +got):\n%s", diff)
	}

	want.URI = "/of/7/socket/longpoll?vsn=2.0.0&name=ada"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, hs.URL+want.URI, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"X-Tenant": {"acme"}, "X-Phoenix-Authtoken": {"token"}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if diff := cmp.Diff(want, infoOf(<-requests)); diff != "" {
		t.Errorf("over long-polling (-want +got):\n%s", diff)
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	_ = ws.CloseNow()
}
