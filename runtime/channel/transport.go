package channel

import (
	"net/http"

	"github.com/chgen/chgen/runtime/internal/engine"
)

// Transport is a way to carry connections; WebSocket and long-polling are built in, and Mount.Transports adds others.
//
// A transport opens a connection for a client, hands it what the client says, takes out what waits for the client, and
// ends it: everything else is the connection's, so that limits, deliveries, origins, the connect hook and Shutdown are
// the same on every transport.
type Transport interface {
	// Name is what the paths of its requests end in, after the mount: "sse" serves <mount>/sse. It has no slash.
	Name() string

	// Serve answers a request for it. It may be called concurrently.
	Serve(w http.ResponseWriter, r *http.Request, e Endpoint)
}

// Carrier is one client's end of a connection, as the connection sees it. Its methods are called with locks held: they
// return at once and call nothing of the connection.
type Carrier interface {
	// Ready says that messages wait, or a close: there is something to be had from Next and Closed. It is not called
	// again before the next call of Next.
	Ready()

	// Closing says that the connection is being closed, once. The carrier takes out what waits, tells the client, and
	// calls End.
	Closing()

	// Cut says that Shutdown has run out of time: the carrier drops what waits and calls End.
	Cut()
}

// Endpoint is a mount that a request has come to.
type Endpoint struct{ e engine.Endpoint }

// Open makes a connection of a request that the origin rules and the connect hook allow. An error is a *RefusedError.
// The carrier may be called before Open returns. Who has opened a connection must End it.
func (e Endpoint) Open(r *http.Request, carrier Carrier) (*Conn, error) {
	c, refusal := e.e.Open(r, carrier)
	if refusal != nil {
		return nil, &RefusedError{refusal.Status, refusal.Reason}
	}
	return &Conn{c}, nil
}

// RefusedError says why a request has not opened a connection.
type RefusedError struct {
	Status int    // of HTTP: 400, 403, 500 or 503
	Reason string // for the client; empty where that is nothing to tell it
}

func (e *RefusedError) Error() string {
	if e.Reason == "" {
		return "connection refused: " + http.StatusText(e.Status)
	}
	return "connection refused: " + e.Reason
}

// Conn is a connection as its transport sees it. Next, Closed and Close may be called concurrently with everything.
type Conn struct{ c *engine.Conn }

// Message is one message of the protocol as it goes over the wire. Its bytes are shared and must not be changed.
type Message struct {
	Data   []byte
	Binary bool
}

// Receive hands over a message of the client, whose bytes are the connection's from then on. It does not wait for
// handlers, and is not to be called concurrently. After an error there is nothing more to receive: the connection is
// being closed, because of this message or already.
func (c *Conn) Receive(m Message) error { return c.c.Receive(m.Data, m.Binary) }

// Next takes out the messages that wait for the client, in their order. What has not been taken out counts for
// Limits.QueueBytes.
func (c *Conn) Next() []Message {
	frames := c.c.Next()
	messages := make([]Message, len(frames))
	for i, f := range frames {
		messages[i] = Message(f)
	}
	return messages
}

// Closed says whether the connection is being closed, and with what: a close code of WebSocket and a text. What Next
// returned before belongs before the close.
func (c *Conn) Closed() (code int, reason string, closed bool) {
	n, reason, closed := c.c.Closed()
	return int(n), reason, closed
}

// Close closes the connection with a close code of WebSocket and a text of at most 123 bytes, unless it is being closed
// already. It returns at once.
func (c *Conn) Close(code int, reason string) { c.c.Close(uint16(code), reason) }

// End ends the connection, once: handlers get Leave with Disconnected, and nothing of it runs any more when End returns.
// Receive is not called any more.
func (c *Conn) End() { c.c.End() }

// transport makes a Transport one of the engine's.
type transport struct{ Transport }

// Serve implements engine.Transport.
func (t transport) Serve(w http.ResponseWriter, r *http.Request, e engine.Endpoint) {
	t.Transport.Serve(w, r, Endpoint{e})
}
