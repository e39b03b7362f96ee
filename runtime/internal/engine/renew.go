package engine

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/observe"
	"github.com/chgen/chgen/runtime/wire"
)

// eventParams is the event with which a generated client presents new connect params on the connection that it has.
const eventParams = "chgen_params"

// anotherID refuses params with which a connection would become another's.
const anotherID = "the connection has another id"

// origin is the request that a connection was opened with, as far as the connect hook may want to see it again.
type origin struct {
	request *http.Request     // without its header
	header  string            // as on the wire, where it is less than half of what it is as a map
	params  map[string]string // of the mount's path

	cancel context.CancelFunc // of the renewal that is under way; Conn.mu guards it
}

// prepare makes the request ready for the connect hook, and keeps it as it then is if it may be needed again.
func (o opening) prepare(r *http.Request) {
	for name, value := range o.params {
		r.SetPathValue(name, value)
	}
	if c := o.conn; c.generated && c.srv.connect != nil {
		c.origin = newOrigin(r, o.params)
	}
}

func newOrigin(r *http.Request, params map[string]string) *origin {
	var header strings.Builder
	_ = r.Header.Write(&header) // a Builder takes everything
	kept := r.WithContext(withoutCancel(r.Context()))
	kept.Header = nil
	kept.Body = http.NoBody           // the body ends with the request
	kept = kept.Clone(kept.Context()) // the request is the hook's, to do with as it likes
	return &origin{request: kept, header: header.String() + "\r\n", params: params}
}

// again is the request with other connect params in its query.
func (o *origin) again(ctx context.Context, query url.Values) *http.Request {
	for name, value := range o.params {
		query.Set(name, value)
	}
	r := o.request.Clone(ctx)
	header, _ := textproto.NewReader(bufio.NewReader(strings.NewReader(o.header))).ReadMIMEHeader() // what has been written can be read
	r.Header = http.Header(header)
	r.URL.RawQuery = query.Encode()
	r.RequestURI = r.URL.RequestURI()
	return r
}

// renew answers a chgen_params: the connect hook runs again, off the reader, one at a time. It is counted as a join.
func (c *Conn) renew(msg *wire.Message) {
	var query paramsQuery
	err := invalid(decodeParams(msg, &query))
	if problem, ok := errors.AsType[*invalidPayloadError](err); ok {
		c.answerParams(msg.Ref, wire.StatusError, invalidResponse(problem.err), nil)
		return
	}
	if c.origin == nil { // nobody asks for params
		c.answerParams(msg.Ref, wire.StatusOK, emptyObject, nil)
		return
	}
	if !c.mayJoin() {
		c.answerParams(msg.Ref, wire.StatusError, rateLimited, nil)
		return
	}
	var ctx context.Context
	c.mu.Lock()
	busy := c.origin.cancel != nil
	if !busy {
		ctx, c.origin.cancel = context.WithCancel(c.origin.request.Context())
	}
	c.mu.Unlock()
	if busy {
		c.answerParams(msg.Ref, wire.StatusError, rateLimited, nil)
		return
	}
	c.work.Add(1)
	go func() {
		defer c.work.Done()
		c.runRenewal(ctx, bytes.Clone(msg.Ref), url.Values(query))
	}()
}

// runRenewal runs the connect hook and answers for it.
func (c *Conn) runRenewal(ctx context.Context, ref wire.Ref, query url.Values) {
	status, response := wire.StatusError, internalError // where the hook panics or ends its goroutine
	var refused error
	defer func() {
		c.mu.Lock()
		c.origin.cancel()
		c.origin.cancel = nil
		c.mu.Unlock()
		c.answerParams(ref, status, response, refused)
	}()
	q := newConnectQuery(query)
	values, err := c.srv.runConnect(c.origin.again(ctx, query), q)
	if err == nil {
		if id, _ := values.Value(idKey{}).(string); id != c.id {
			err = &RefusalError{anotherID}
		}
	}
	switch {
	case ctx.Err() != nil: // the connection has ended
		response = closedError
	case err == nil:
		c.values.Store(&values)
		status, response = wire.StatusOK, emptyObject
	case errors.Is(err, errHookPanicked): // which has been logged
	case errors.Is(err, errHookTooSlow):
		c.srv.log.WarnContext(ctx, "connect params not renewed", c.attrs("err", err)...)
		response = timeoutError
	default:
		c.srv.log.InfoContext(ctx, "connection refused", c.attrs("err", err)...)
		refused, response = err, refusalResponse(err)
	}
}

// answerParams answers a chgen_params, and closes the connection where the connect hook has refused.
func (c *Conn) answerParams(ref wire.Ref, status string, response []byte, refused error) {
	outcome := observe.OK
	switch {
	case refused != nil:
		outcome = observe.RefusedParams
	case status != wire.StatusOK:
		outcome = reasonOf(response)
	}
	c.observeRenewed(outcome)
	c.reply(&wire.Message{Ref: ref, Topic: wire.TopicPhoenix, Status: status, Payload: response})
	if refused != nil {
		c.Close(closeRefused, refusalReason(refused))
	}
}

// refusalResponse is the response to params that the connect hook has refused, as that to a join would be.
func refusalResponse(err error) []byte {
	if problem, ok := errors.AsType[*codec.Error](err); ok {
		return invalidResponse(problem)
	}
	if declared, ok := errors.AsType[DeclaredError](err); ok {
		if response, err := declared.AppendJSON(nil); err == nil {
			return response
		}
	}
	e := codec.NewEncoder(nil)
	e.Object()
	e.Name("reason")
	e.String(refusalReason(err))
	e.EndObject()
	response, err := e.Done()
	if err != nil { // a reason that is no UTF-8
		return internalError
	}
	return response
}

// decodeParams reads the payload of a chgen_params.
func decodeParams(msg *wire.Message, query *paramsQuery) error {
	if msg.Binary {
		return &codec.Error{Message: "must be JSON, not binary"}
	}
	return codec.Unmarshal(msg.Payload, query)
}

// paramsQuery is the object of connect params as the query that would carry them: strings as they are, null as absent,
// everything else as JSON.
type paramsQuery url.Values

// DecodeJSON reads the object.
func (q *paramsQuery) DecodeJSON(d *codec.Decoder) error {
	*q = make(paramsQuery)
	obj := d.Object()
	for obj.Next(d) {
		name := string(obj.Name())
		value := d.JSON()
		switch {
		case string(value) == "null":
			continue
		case len(value) > 0 && value[0] == '"':
			value = codec.Unquote(nil, value)
		}
		(*q)[name] = []string{string(value)}
	}
	return d.Err()
}
