package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"

	"github.com/chgen/chgen/runtime/codec"
)

// DeclaredError is an error that the schema declares.
type DeclaredError interface {
	error
	Code() string
	AppendJSON(dst []byte) ([]byte, error)
}

// ErrUnknownEvent answers a push with the system error unknown_event.
var ErrUnknownEvent = errors.New("unknown event")

// panicError is a panic of a handler as an error.
type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// protect runs a piece of the application and makes a panic of it an error.
func (m *Membership) protect(name string, f func() error) (err error) {
	defer m.recovered(name, &err)
	return f()
}

// recovered is deferred by what runs a piece of the application: it makes a panic an error, which it logs with the stack.
func (m *Membership) recovered(name string, err *error) {
	if p := recover(); p != nil {
		m.log().ErrorContext(&m.life, "handler panicked", m.attrs("handler", name, "panic", p, "stack", string(debug.Stack()))...)
		*err = &panicError{p}
	}
}

// isPanic reports whether an error of protect is a panic. It looks at nothing else: an error of the application may
// panic when it is asked for what it wraps.
func isPanic(err error) bool {
	_, ok := err.(*panicError) //nolint:errorlint // see above
	return ok
}

// failure returns the response of the error reply to a call whose handler has returned err. declared lists the codes
// of the errors that the handler may return. What was not meant for the client is logged and reaches it as internal.
func (c *Call) failure(err error, declared []string) []byte {
	if isPanic(err) {
		if c.join {
			return joinCrashed
		}
		return internalError
	}
	response := internalError
	_ = c.m.protect(c.event, func() error { // an error that is a nil pointer panics
		response = c.classify(err, declared)
		return nil
	})
	return response
}

// classify is failure for an error that the handler has returned.
func (c *Call) classify(err error, declared []string) []byte {
	if problem, ok := errors.AsType[*invalidPayloadError](err); ok {
		return invalidResponse(problem.err)
	}
	if e, ok := errors.AsType[DeclaredError](err); ok && slices.Contains(declared, e.Code()) {
		response, encodeErr := e.AppendJSON(nil)
		if encodeErr == nil {
			return response
		}
		err = fmt.Errorf("the error %s cannot be encoded: %w", e.Code(), encodeErr)
	}
	switch {
	case errors.Is(err, ErrUnknownEvent):
		return unknownEvent
	case errors.Is(err, context.DeadlineExceeded) && c.timedOut():
		return timeoutError
	case (errors.Is(err, context.Canceled) || errors.Is(err, ErrClosed)) && c.m.gone():
		return closedError
	}
	c.m.log().ErrorContext(c.traced(), "handler failed", c.m.attrs("event", c.event, "err", err)...)
	return internalError
}

func invalidResponse(problem *codec.Error) []byte {
	e := codec.NewEncoder(nil)
	e.Object()
	e.Name("reason")
	e.String("invalid_payload")
	e.Name("path")
	e.String(problem.Path)
	e.Name("message")
	e.String(problem.Message)
	e.EndObject()
	out, err := e.Done()
	if err != nil { // a path that is no UTF-8
		return []byte(`{"reason":"invalid_payload","path":"","message":"is not valid UTF-8"}`)
	}
	return out
}

func (m *Membership) log() *slog.Logger { return m.conn.srv.log }

// attrs are what every log entry about the membership says.
func (m *Membership) attrs(more ...any) []any {
	return m.conn.attrs(append([]any{"channel", m.channel.Name, "topic", m.topic}, more...)...)
}
