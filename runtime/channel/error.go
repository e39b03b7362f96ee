package channel

import (
	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/internal/engine"
)

// DeclaredError is implemented by the errors of a schema. One that an event declares reaches the client as the
// response of an error reply; one that it does not is internal like any other error.
type DeclaredError interface {
	error

	// Code is the error's name in the schema.
	Code() string

	// AppendJSON appends the response: {"reason": code, "message": text, ...fields}.
	AppendJSON(dst []byte) ([]byte, error)
}

// Error is a declared error without fields: one value for each, compared with errors.Is.
type Error struct{ code, message string }

// NewError is for generated code.
func NewError(code, message string) *Error { return &Error{code, message} }

// Error is the code and the text.
func (e *Error) Error() string {
	if e.message == "" {
		return e.code
	}
	return e.code + ": " + e.message
}

// Code implements DeclaredError.
func (e *Error) Code() string { return e.code }

// AppendJSON implements DeclaredError: {"reason": code, "message": text}, without a message where the text is empty.
func (e *Error) AppendJSON(dst []byte) ([]byte, error) {
	enc := codec.NewEncoder(dst)
	enc.Object()
	enc.Name("reason")
	enc.String(e.code)
	if e.message != "" {
		enc.Name("message")
		enc.String(e.message)
	}
	enc.EndObject()
	return enc.Done()
}

// Refuse returns an error for a connect hook to refuse a connection with. Clients get HTTP 403; generated ones, whose
// connection is accepted and closed with 4403 instead, also get the reason. (Any other error refuses too, and keeps
// its text from the client.)
func Refuse(reason string) error { return &engine.RefusalError{Reason: reason} }
