package engine

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// How a client presents a token beside the query (rules 1.15 to 1.19). Browsers let no page set a header of a
// WebSocket upgrade, so there it is a subprotocol, in base64 without padding: despite its name in the standard alphabet,
// of which browsers take no slash, or in that for URLs.
const (
	headerAuthToken     = "X-Phoenix-Authtoken" // as net/http keeps it, like the next
	headerSubprotocol   = "Sec-Websocket-Protocol"
	authTokenPrefix     = "base64url.bearer.phx."
	subprotocolWithAuth = "phoenix"
)

// standard turns the alphabet for URLs into the standard one.
var standard = strings.NewReplacer("-", "+", "_", "/")

type authTokenKey struct{}

// AuthToken is channel.AuthToken: see there.
func AuthToken(ctx context.Context) (token string, ok bool) {
	token, ok = ctx.Value(authTokenKey{}).(string)
	return token, ok
}

func withAuthToken(ctx context.Context, token string) context.Context {
	return context.WithValue(ctx, authTokenKey{}, token)
}

// authenticate returns the request with the token of its header, where the mount wants one.
func (m *mount) authenticate(r *http.Request) *http.Request {
	if tokens := r.Header.Values(headerAuthToken); m.AuthToken && len(tokens) > 0 {
		return r.WithContext(withAuthToken(r.Context(), tokens[0]))
	}
	return r
}

// negotiate takes the token out of the subprotocols that an upgrade offers, and chooses one of the others. It returns
// the request with the token, and what was chosen, which is nothing where nothing was offered or nothing is wanted.
func (m *mount) negotiate(r *http.Request) (_ *http.Request, subprotocol string, _ *Refusal) {
	offered := subprotocols(r.Header)
	allowed := m.WebSocket.Subprotocols
	if m.AuthToken {
		allowed = append([]string{subprotocolWithAuth}, allowed...)
		isToken := func(name string) bool { return strings.HasPrefix(name, authTokenPrefix) }
		if i := slices.IndexFunc(offered, isToken); i >= 0 && !slices.ContainsFunc(offered[i+1:], isToken) { // of two, neither is one
			token, err := base64.RawStdEncoding.DecodeString(standard.Replace(strings.TrimRight(offered[i][len(authTokenPrefix):], "=")))
			if err != nil {
				return r, "", &Refusal{Status: http.StatusInternalServerError}
			}
			r = r.WithContext(withAuthToken(r.Context(), string(token)))
			offered = slices.Delete(offered, i, i+1)
		}
	}
	if len(allowed) == 0 || len(offered) == 0 {
		return r, "", nil
	}
	for _, name := range allowed {
		if slices.Contains(offered, name) {
			return r, name, nil
		}
	}
	return r, "", &Refusal{Status: http.StatusForbidden}
}

// subprotocols are those that an upgrade offers.
func subprotocols(h http.Header) []string {
	var names []string
	for _, line := range h.Values(headerSubprotocol) {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}
