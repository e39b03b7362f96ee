package engine

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/observe"
)

// RefusalError is a connect hook's refusal with a reason that the client may see.
type RefusalError struct{ Reason string }

func (e *RefusalError) Error() string { return "connection refused: " + e.Reason }

// ServeHTTP implements http.Handler: it hands a request to the transport that its path names.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := s.route(r.URL.Path)
	if e.entrance == nil {
		http.NotFound(w, r)
		return
	}
	e.entrance.Serve(w, r, e)
}

// webSocket is the WebSocket transport.
type webSocket struct{}

// Name implements Transport.
func (webSocket) Name() string { return "websocket" }

// Serve implements Transport: it upgrades the request. The checks come in the order of rule 1.8; only the connect hook
// is called last of all, so that nothing it does was for nothing.
func (webSocket) Serve(w http.ResponseWriter, r *http.Request, e Endpoint) {
	if r.Method != http.MethodGet {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	l, refusal := e.upgrade(w, r)
	switch {
	case refusal != nil:
		refusal.answer(w)
	case l != nil:
		l.serveFirst() // from here, where the stack is low: a join might outgrow it else, and have it copied
	}
}

// upgrade makes a connection of the request, or says why not. There is neither where the request has been answered.
func (e Endpoint) upgrade(w http.ResponseWriter, r *http.Request) (*link, *Refusal) {
	query, refusal := e.query(r)
	if refusal != nil {
		return nil, refusal
	}
	r, subprotocol, refusal := e.mount.negotiate(r)
	if refusal != nil {
		e.srv.observeRefused(r.Context(), e.entrance.name, observe.RefusedSubprotocol)
		return nil, refusal
	}
	o, refusal := e.admit(query)
	if refusal != nil {
		return nil, refusal
	}
	c := o.conn
	s := c.srv
	if problem := upgradeProblem(r); problem != "" {
		o.abandon()
		s.observeRefused(r.Context(), e.entrance.name, observe.RefusedRequest)
		return nil, &Refusal{http.StatusBadRequest, problem}
	}
	if !canHijack(w) {
		o.abandon()
		s.observeRefused(r.Context(), e.entrance.name, observe.RefusedServer)
		s.log.ErrorContext(r.Context(), "the ResponseWriter cannot be hijacked", "type", fmt.Sprintf("%T", w))
		return nil, &Refusal{Status: http.StatusInternalServerError}
	}
	o.prepare(r)
	ctx, err := s.runConnect(r, newConnectQuery(o.query))
	if err != nil {
		refusal = s.refusal(r, c, err)
		if refusal.Status != http.StatusForbidden || !c.generated {
			o.abandon()
			return nil, &Refusal{Status: refusal.Status}
		}
	}
	l := accept(w, r, c, subprotocol)
	if l == nil {
		o.abandon()
		s.observeRefused(r.Context(), e.entrance.name, observe.RefusedServer)
		return nil, nil // it has been answered
	}
	c.start(ctx, l)
	if refusal != nil { // browsers show a close reason to a generated client, but not what is in a 403
		c.Close(closeRefused, refusal.Reason)
	}
	l.watchIdle()
	return l, nil
}

const badKey = "Sec-WebSocket-Key must be 16 bytes in base64"

// upgradeProblem says what keeps the request from being a WebSocket upgrade, "" where nothing does. It spells headers as
// net/http keeps them, which spares their translation.
func upgradeProblem(r *http.Request) string {
	switch {
	case !headerHas(r.Header, "Connection", "upgrade"), !headerHas(r.Header, "Upgrade", "websocket"):
		return "not a WebSocket upgrade"
	case !r.ProtoAtLeast(1, 1):
		return "a WebSocket upgrade needs HTTP/1.1"
	case r.Header.Get("Sec-Websocket-Version") != "13":
		return "Sec-WebSocket-Version must be 13"
	}
	keys := r.Header.Values("Sec-Websocket-Key")
	if len(keys) != 1 {
		return "one Sec-WebSocket-Key is needed"
	}
	var key [18]byte // as long as 24 digits may be
	if text := strings.TrimSpace(keys[0]); len(text) != 24 {
		return badKey
	} else if n, err := base64.StdEncoding.Decode(key[:], []byte(text)); err != nil || n != 16 {
		return badKey
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

var (
	// errHookPanicked stands for a connect hook that panicked, which has been logged.
	errHookPanicked = errors.New("the connect hook panicked")
	// errHookTooSlow is that of one that failed after its deadline.
	errHookTooSlow = errors.New("the connect hook takes too long")
)

// runConnect runs the connect hook and returns the connection's context: the hook's values without its cancellation,
// because the request ends when it is hijacked.
func (s *Server) runConnect(r *http.Request, q *ConnectQuery) (ctx context.Context, err error) {
	if s.connect == nil {
		return withoutCancel(r.Context()), nil
	}
	defer func() {
		if p := recover(); p != nil {
			s.log.ErrorContext(r.Context(), "connect hook panicked", "panic", p, "stack", string(debug.Stack()))
			err = errHookPanicked
		}
	}()
	limited, cancel := context.WithTimeout(r.Context(), s.limits.ConnectTimeout)
	given := newHookContext(limited)
	defer given.leave(r.Context()) // after its end
	defer cancel()
	ctx, err = s.connect(given, r, q)
	if ctx == nil {
		ctx = r.Context()
	}
	if err != nil && errors.Is(limited.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("%w: %w", errHookTooSlow, err)
	}
	return withoutCancel(ctx), err
}

// refusal is what a client is answered whom the connect hook has refused. Only generated clients are told the reason.
func (s *Server) refusal(r *http.Request, c *Conn, err error) *Refusal {
	if errors.Is(err, errHookPanicked) {
		s.observeRefused(r.Context(), c.entrance.name, observe.RefusedHookPanic)
		return &Refusal{Status: http.StatusInternalServerError}
	}
	s.log.InfoContext(r.Context(), "connection refused", "err", err, "remote", remoteHost(r))
	if errors.Is(err, errHookTooSlow) {
		s.observeRefused(r.Context(), c.entrance.name, observe.RefusedHookTimeout)
		return &Refusal{Status: http.StatusServiceUnavailable}
	}
	s.observeRefused(r.Context(), c.entrance.name, observe.RefusedHook)
	refusal := &Refusal{Status: http.StatusForbidden}
	if c.generated {
		refusal.Reason = refusalReason(err)
	}
	return refusal
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

// accept upgrades the request, or answers it and returns nil. Where there may be compression the library has to choose.
func accept(w http.ResponseWriter, r *http.Request, c *Conn, subprotocol string) *link {
	l := &link{owner: c, hand: newHand}
	l.desk = c.srv.readers.desk()
	var err error
	if c.mount.WebSocket.Compression {
		err = l.accept(w, r, subprotocol)
	} else if err = l.open(w, r, subprotocol); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
	if err != nil {
		c.srv.log.WarnContext(r.Context(), "upgrade failed", "err", err, "remote", remoteHost(r))
		return nil
	}
	return l
}
