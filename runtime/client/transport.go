package client

import (
	"context"
	"net/http"
)

// Transport makes connections. It may be used by many clients at once.
type Transport interface {
	// Dial opens a connection to the socket at target, which has scheme ws or wss and everything that the server is
	// to know in its query. HeaderAuthToken is a token, which is not to go any other way but the transport's own for
	// tokens. The error of a server that refuses for good is a *RefusedError.
	Dial(ctx context.Context, target string, header http.Header) (Conn, error)
}

// HeaderAuthToken is the header that the token of WithAuthToken is in.
const HeaderAuthToken = "X-Phoenix-AuthToken"

// Conn is one connection. Read is called by one goroutine, Write by one other; the rest by any.
type Conn interface {
	// Read waits for the next message, which is the caller's. When the server has closed the connection the error is
	// a *CloseError, or a *RefusedError; Close and CloseNow make it fail too.
	Read() (data []byte, binary bool, err error)

	// Write sends a message. A connection whose Write has failed is not used any more.
	Write(ctx context.Context, data []byte, binary bool) error

	// Close tells the server that it is over and waits, for some seconds at most, until it has heard that.
	Close(code int, reason string) error

	// CloseNow cuts the connection.
	CloseNow() error
}
