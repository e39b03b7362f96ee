package engine

import (
	"fmt"
	"net/http"
	"net/url"
)

// Transport is channel.Transport: see there.
type Transport interface {
	Name() string
	Serve(w http.ResponseWriter, r *http.Request, e Endpoint)
}

// Carrier is channel.Carrier: what a connection needs of its transport. Its methods are called with locks held.
type Carrier interface {
	// Ready says that something waits in the queue. It is not called again before everything has been taken out.
	Ready()
	// Closing says that the connection is being closed. It is called once, after Ready for the close message.
	Closing()
	// Cut says that it has to end now.
	Cut()
}

// Endpoint is a mount, asked for by one request.
type Endpoint struct {
	srv    *Server
	mount  *mount
	params map[string]string // of the mount's path
}

// Refusal is why a request does not open a connection.
type Refusal struct {
	Status int    // of HTTP
	Reason string // for the client; may be empty
}

func (e *Refusal) Error() string { return fmt.Sprintf("refused with %d: %s", e.Status, e.Reason) }

// opening is a connection that is not one yet. It ends in start or in abandon.
type opening struct {
	conn  *Conn
	query url.Values
}

// admit checks everything about a request but what the connect hook says of it, in the order of rule 1.8.
func (e Endpoint) admit(r *http.Request) (opening, *Refusal) {
	s, m := e.srv, e.mount
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return opening{}, &Refusal{http.StatusBadRequest, "malformed query"}
	}
	if !s.allowed(r, m) {
		return opening{}, &Refusal{Status: http.StatusForbidden}
	}
	ser := serializerFor(query)
	if ser == nil {
		return opening{}, &Refusal{Status: http.StatusForbidden}
	}
	if !s.begin() {
		return opening{}, &Refusal{http.StatusServiceUnavailable, "shutting down"}
	}
	for name, value := range e.params {
		query.Set(name, value)
	}
	generated, _ := lastValue(query, paramGenerated)
	return opening{&Conn{srv: s, mount: m, ser: ser, generated: generated == "1"}, query}, nil
}

// abandon counts out an opening that has come to nothing.
func (o opening) abandon() { o.conn.srv.end() }

// Open makes a connection of a request, which carrier carries from then on. An error is a *Refusal.
func (e Endpoint) Open(r *http.Request, carrier Carrier) (*Conn, error) {
	o, refusal := e.admit(r)
	if refusal != nil {
		return nil, refusal
	}
	ctx, err := e.srv.runConnect(r, newConnectQuery(o.query))
	if err != nil {
		o.abandon()
		return nil, e.srv.refusal(r, o.conn, err)
	}
	o.conn.start(ctx, carrier)
	return o.conn, nil
}

// allowed is checkOrigin, which it logs.
func (s *Server) allowed(r *http.Request, m *mount) bool {
	if m.checkOrigin(r) {
		return true
	}
	s.log.WarnContext(r.Context(), "origin refused", "origin", r.Header.Get("Origin"), "host", r.Host, "remote", remoteHost(r))
	return false
}
