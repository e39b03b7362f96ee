package client

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/wire"
)

// Errors to be looked for with errors.Is.
var (
	// ErrDisconnected: the connection or the membership went before the answer came. The server may have taken the
	// push or not.
	ErrDisconnected = errors.New("disconnected")

	// ErrLeft: the channel was left, or was never joined.
	ErrLeft = errors.New("not joined")

	// ErrEnded: the server has ended the membership (phx_close), which is not joined again by itself.
	ErrEnded = errors.New("the server has ended the membership")

	// ErrClosed: the client was closed.
	ErrClosed = errors.New("the client is closed")

	// ErrTimeout: no answer came in the client's timeout. It is a context.DeadlineExceeded, like what comes of a
	// context's own deadline.
	ErrTimeout = fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)

	// ErrTooLarge: the frame is larger than WithMaxFrameBytes allows, and was not sent.
	ErrTooLarge = errors.New("the frame is too large")

	// ErrAlreadyJoined: the client has this topic joined already, or is about to join or leave it.
	ErrAlreadyJoined = errors.New("already joined")

	// ErrOverrun: events came faster than callbacks took them, see WithEventQueue.
	ErrOverrun = errors.New("too many events wait for their callbacks")
)

// The codes of the server's own errors, in ReplyError.Code.
const (
	CodeInvalidPayload  = "invalid_payload" // a rule of the schema is broken: see Path and Message
	CodeUnknownEvent    = "unknown_event"
	CodeInternal        = "internal"
	CodeClosed          = "closed" // the membership ended before the answer
	CodeRateLimited     = "rate_limited"
	CodeTimeout         = "timeout" // the handler's deadline
	CodeUnmatchedTopic  = "unmatched topic"
	CodeJoinCrashed     = "join crashed"
	CodeTooManyChannels = "too many channels joined"
)

// ReplyError is an error reply: one of the server's own errors, or an error of the schema that the event does not
// declare. (Those that it declares are returned as the generated errors.)
type ReplyError struct {
	Code     string // the response's reason; of a response without one, the reply's status
	Message  string // may be empty
	Path     string // of CodeInvalidPayload: a JSON pointer to the member
	Response []byte // JSON
}

// Error is the code and what else is known.
func (e *ReplyError) Error() string {
	text := e.Code
	if e.Path != "" {
		text += ": " + e.Path
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// DecodeJSON reads what is there of {"reason","message","path"}.
func (e *ReplyError) DecodeJSON(d *codec.Decoder) error {
	obj := d.Object()
	for obj.Next(d) {
		var target *string
		switch string(obj.Name()) {
		case "reason":
			target = &e.Code
		case "message":
			target = &e.Message
		case "path":
			target = &e.Path
		}
		if value := d.JSON(); target != nil && len(value) > 0 && value[0] == '"' {
			*target = string(codec.Unquote(nil, value))
		}
	}
	return d.Err()
}

// replyError is the error that a reply other than ok stands for.
func replyError(status string, response []byte, binary bool) error {
	e := &ReplyError{Code: status, Response: response}
	if !binary {
		_ = codec.Unmarshal(response, e) // may be any JSON: then the status says all
	}
	return e
}

// DeclaredError is an error of the schema: what a push or join is told that it may fail with. Generated code passes
// the value of one without fields, and a new one to decode into of one with.
type DeclaredError interface {
	error
	Code() string
}

// declare returns the declared error that err is, or err.
func declare(err error, declared []DeclaredError) error {
	reply, ok := errors.AsType[*ReplyError](err)
	if !ok {
		return err
	}
	for _, d := range declared {
		if d.Code() != reply.Code {
			continue
		}
		if fields, ok := d.(codec.Unmarshaler); ok && codec.Unmarshal(reply.Response, fields) != nil {
			return err
		}
		return d
	}
	return err
}

// CloseError is a connection that the server has closed.
type CloseError struct {
	Code   int // the WebSocket close code
	Reason string
}

// Error is the code and the reason.
func (e *CloseError) Error() string {
	text := "closed by the server with " + strconv.Itoa(e.Code)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// RefusedError is a connection that the server does not want: trying again as things are is of no use.
type RefusedError struct {
	Reason string // may be empty
}

// Error is the reason.
func (e *RefusedError) Error() string {
	if e.Reason == "" {
		return "the server has refused the connection"
	}
	return "the server has refused the connection: " + e.Reason
}

func isRefusal(err error) bool {
	_, ok := errors.AsType[*RefusedError](err)
	return ok
}

// closeRefused is the code of a connection that is accepted only to be told why it is refused.
const closeRefused = 4403

var retryHint = regexp.MustCompile(`^retry_after_ms=(\d{1,9})`)

// retryAfter is how long the server wants to be left alone.
func retryAfter(err error) time.Duration {
	closed, ok := errors.AsType[*CloseError](err)
	if !ok {
		return 0
	}
	hint := retryHint.FindStringSubmatch(closed.Reason)
	if hint == nil {
		return 0
	}
	ms, _ := strconv.Atoi(hint[1]) // nine digits
	return time.Duration(ms) * time.Millisecond
}

// passing are errors of the server's own that may be gone at the next try: a join that has succeeded before is tried
// again after them.
func passing(err error) bool {
	reply, ok := errors.AsType[*ReplyError](err)
	if !ok {
		return false
	}
	switch reply.Code {
	case CodeInternal, CodeJoinCrashed, CodeTimeout, CodeRateLimited, CodeClosed:
		return true
	}
	return false
}

// answer is a reply to a join, leave or push.
type answer struct {
	payload Payload
	err     error
	wire.Response
}
