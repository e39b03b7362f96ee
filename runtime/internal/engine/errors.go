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

// protect runs a piece of the application and makes a panic of it an error, which it logs with the stack.
func (m *Membership) protect(name string, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			m.log().Error("handler panicked", m.attrs("handler", name, "panic", p, "stack", string(debug.Stack()))...)
			err = &panicError{p}
		}
	}()
	return f()
}

// failure returns the response of the error reply to a call whose handler has returned err. declared lists the codes of the errors that
// the handler may return. What was not meant for the client is logged and reaches it as internal.
func (c *Call) failure(err error, declared []string) (response []byte) {
	if problem, ok := errors.AsType[*invalidPayloadError](err); ok {
		return invalidResponse(problem.err)
	}
	if response, encodeErr := c.declaredResponse(err, declared); response != nil {
		return response
	} else if encodeErr != nil {
		err = encodeErr
	}
	switch {
	case errors.Is(err, ErrUnknownEvent):
		return unknownEvent
	case errors.As(err, new(*panicError)):
		if c.join {
			return joinCrashed
		}
		return internalError
	case errors.Is(err, context.DeadlineExceeded) && c.timedOut():
		return timeoutError
	case (errors.Is(err, context.Canceled) || errors.Is(err, ErrClosed)) && c.m.gone():
		return closedError
	}
	c.m.log().Error("handler failed", c.m.attrs("event", c.event, "err", err)...)
	return internalError
}

// declaredResponse is the response that err makes, nil where it is not among the declared errors. It runs code of
// the application: a nil pointer that is a DeclaredError panics here.
func (c *Call) declaredResponse(err error, declared []string) (response []byte, failed error) {
	e, ok := errors.AsType[DeclaredError](err)
	if !ok {
		return nil, nil
	}
	failed = c.m.protect(c.event, func() (err error) {
		if slices.Contains(declared, e.Code()) {
			response, err = e.AppendJSON(nil)
		}
		return err
	})
	if failed != nil {
		return nil, fmt.Errorf("the declared error cannot be encoded: %w", failed)
	}
	return response, nil
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
