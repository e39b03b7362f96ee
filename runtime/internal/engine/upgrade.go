package engine

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/coder/websocket"

	"github.com/chgen/chgen/runtime/codec"
)

// RefusalError is a connect hook's refusal with a reason that the client may see.
type RefusalError struct{ Reason string }

func (e *RefusalError) Error() string { return "connection refused: " + e.Reason }

// ServeHTTP implements http.Handler: it upgrades requests for <mount>/websocket. The checks come in the order of
// rule 1.8; only the connect hook is called last of all, so that nothing it does was for nothing.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := s.mountOf(r.URL.Path)
	if m == nil {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if !s.begin() {
		http.Error(w, "shutting down", http.StatusServiceUnavailable)
		return
	}
	c := s.upgrade(w, r, m)
	if c == nil {
		s.end()
		return
	}
	go c.serve()
}

// upgrade makes a connection of the request, or answers it and returns nil.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request, m *mount) *Conn {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		http.Error(w, "malformed query", http.StatusBadRequest)
		return nil
	}
	if !m.checkOrigin(r) {
		s.log.WarnContext(r.Context(), "origin refused", "origin", r.Header.Get("Origin"), "host", r.Host, "remote", remoteHost(r))
		w.WriteHeader(http.StatusForbidden)
		return nil
	}
	ser := serializerFor(query)
	if ser == nil {
		w.WriteHeader(http.StatusForbidden)
		return nil
	}
	if problem := upgradeProblem(r); problem != "" {
		http.Error(w, problem, http.StatusBadRequest)
		return nil
	}
	if !canHijack(w) {
		s.log.ErrorContext(r.Context(), "the ResponseWriter cannot be hijacked", "type", fmt.Sprintf("%T", w))
		w.WriteHeader(http.StatusInternalServerError)
		return nil
	}
	generated, _ := lastValue(query, paramGenerated)
	c := &Conn{srv: s, mount: m, ser: ser, generated: generated == "1"}
	ctx, err := s.runConnect(r, newConnectQuery(query))
	if err != nil && !s.refuse(w, r, c, err) {
		return nil
	}
	if !s.accept(w, r, c, ctx) {
		return nil
	}
	if err != nil {
		c.close(closeRefused, refusalReason(err))
	}
	return c
}

// upgradeProblem says what keeps the request from being a WebSocket upgrade, "" where nothing does.
func upgradeProblem(r *http.Request) string {
	switch {
	case !headerHas(r.Header, "Connection", "upgrade"), !headerHas(r.Header, "Upgrade", "websocket"):
		return "not a WebSocket upgrade"
	case !r.ProtoAtLeast(1, 1):
		return "a WebSocket upgrade needs HTTP/1.1"
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		return "Sec-WebSocket-Version must be 13"
	}
	keys := r.Header.Values("Sec-WebSocket-Key")
	if len(keys) != 1 {
		return "one Sec-WebSocket-Key is needed"
	}
	if key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(keys[0])); err != nil || len(key) != 16 {
		return "Sec-WebSocket-Key must be 16 bytes in base64"
	}
	return ""
}

// headerHas reports whether a comma-separated header has the token.
func headerHas(h http.Header, name, token string) bool {
	for _, line := range h.Values(name) {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// errHookPanicked stands for a connect hook that panicked, which has been logged.
var errHookPanicked = errors.New("the connect hook panicked")

// runConnect runs the connect hook and returns the connection's context: the hook's values without its cancellation,
// because the request ends when it is hijacked.
func (s *Server) runConnect(r *http.Request, q *ConnectQuery) (ctx context.Context, err error) {
	ctx = r.Context()
	if s.connect == nil {
		return context.WithoutCancel(ctx), nil
	}
	defer func() {
		if p := recover(); p != nil {
			s.log.ErrorContext(r.Context(), "connect hook panicked", "panic", p, "stack", string(debug.Stack()))
			err = errHookPanicked
		}
	}()
	hooked, err := s.connect(ctx, r, q)
	if hooked != nil {
		ctx = hooked
	}
	return context.WithoutCancel(ctx), err
}

// refuse answers a request that the connect hook has refused, with an empty 403. It returns true where the connection
// is to be accepted all the same, to be closed with the reason: browsers show that to a generated client, but not
// what is in a 403.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, c *Conn, err error) bool {
	if errors.Is(err, errHookPanicked) {
		w.WriteHeader(http.StatusInternalServerError)
		return false
	}
	s.log.InfoContext(r.Context(), "connection refused", "err", err, "remote", remoteHost(r))
	if !c.generated {
		w.WriteHeader(http.StatusForbidden)
	}
	return c.generated
}

// refusalReason is what a client is told: nothing that was not meant for it.
func refusalReason(err error) string {
	if refusal, ok := errors.AsType[*RefusalError](err); ok {
		return refusal.Reason
	}
	if invalid, ok := errors.AsType[*codec.Error](err); ok {
		return strings.TrimPrefix(invalid.Path, "/") + " " + invalid.Message
	}
	if declared, ok := errors.AsType[DeclaredError](err); ok {
		return declared.Code()
	}
	return "refused"
}

// accept upgrades the request and makes c a running connection.
func (s *Server) accept(w http.ResponseWriter, r *http.Request, c *Conn, ctx context.Context) bool { //nolint:revive // the request's context comes first, in r
	hijack := &hijackWriter{ResponseWriter: w, limits: &s.limits}
	ws, err := websocket.Accept(hijack, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // the origin has been checked
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived:     func(context.Context, []byte) bool { c.touch(); return true },
		OnPongReceived:     func(context.Context, []byte) { c.touch() },
	})
	if err != nil {
		s.log.WarnContext(r.Context(), "upgrade failed", "err", err, "remote", remoteHost(r))
		return false
	}
	ws.SetReadLimit(-1) // Conn.read has its own
	c.start(ctx, ws, hijack.link)
	return true
}
