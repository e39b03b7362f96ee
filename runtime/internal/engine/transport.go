package engine

import (
	"context"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/chgen/chgen/runtime/observe"
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
	srv      *Server
	mount    *mount
	entrance *entrance
	params   map[string]string // of the mount's path
}

// Refusal is why a request does not open a connection.
type Refusal struct {
	Status int    // of HTTP
	Reason string // for the client; may be empty
}

// answer answers a request with the refusal.
func (e *Refusal) answer(w http.ResponseWriter) {
	if e.Reason == "" {
		w.WriteHeader(e.Status)
		return
	}
	http.Error(w, e.Reason, e.Status)
}

// query is the request's query, if the request is sound and its origin may open a socket: what comes first in the order
// of rule 1.8.
func (e Endpoint) query(r *http.Request) (url.Values, *Refusal) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		e.srv.observeRefused(r.Context(), e.entrance.name, observe.RefusedRequest)
		return nil, &Refusal{http.StatusBadRequest, "malformed query"}
	}
	if !e.srv.allowed(r, e.mount) {
		e.srv.observeRefused(r.Context(), e.entrance.name, observe.RefusedOrigin)
		return nil, &Refusal{Status: http.StatusForbidden}
	}
	return query, nil
}

// opening is a connection that is not one yet. It ends in start, or it is abandoned.
type opening struct {
	conn   *Conn
	query  url.Values
	params map[string]string // of the mount's path
}

// admit begins to open a connection for whoever sends this query.
func (e Endpoint) admit(query url.Values) (opening, *Refusal) {
	ser := serializerFor(query)
	if ser == nil {
		e.srv.observeRefused(context.Background(), e.entrance.name, observe.RefusedVersion)
		return opening{}, &Refusal{Status: http.StatusForbidden}
	}
	c := &Conn{srv: e.srv, mount: e.mount, ser: ser, entrance: e.entrance}
	if refusal, cause := e.srv.begin(c); refusal != nil {
		e.srv.observeRefused(context.Background(), e.entrance.name, cause)
		return opening{}, refusal
	}
	for name, value := range e.params {
		query.Set(name, value)
	}
	if generated, _ := lastValue(query, paramGenerated); generated == "1" {
		c.generated = true
		if name, _ := lastValue(query, paramClient); name != "" && len(name) <= maxClient && utf8.ValidString(name) {
			c.peer = "~" + name // which no node's name begins with
		}
	}
	return opening{c, query, e.params}, nil
}

// abandon counts out an opening that has come to nothing.
func (o opening) abandon() { o.conn.srv.end(o.conn) }

// connect asks the connect hook, and abandons the opening where that refuses.
func (o opening) connect(r *http.Request) (context.Context, *Refusal) {
	s := o.conn.srv
	s.nodes.await(r.Context())
	r = o.conn.mount.authenticate(r)
	o.prepare(r)
	ctx, err := s.runConnect(r, newConnectQuery(o.query))
	if err != nil {
		o.abandon()
		return nil, s.refusal(r, o.conn, err)
	}
	return ctx, nil
}

// Open makes a connection of a request, which carrier carries from then on.
func (e Endpoint) Open(r *http.Request, carrier Carrier) (*Conn, *Refusal) {
	query, refusal := e.query(r)
	if refusal != nil {
		return nil, refusal
	}
	o, refusal := e.admit(query)
	if refusal != nil {
		return nil, refusal
	}
	ctx, refusal := o.connect(r)
	if refusal != nil {
		return nil, refusal
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
