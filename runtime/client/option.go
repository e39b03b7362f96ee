package client

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/chgen/chgen/runtime/codec"
)

// Option configures a Client.
type Option func(*config)

type config struct {
	transport Transport
	params    func(context.Context) (codec.Marshaler, error)
	token     func(context.Context) (string, error)
	header    http.Header
	timeout   time.Duration
	heartbeat time.Duration
	events    int
	maxFrame  int
	log       *slog.Logger
}

func defaults() config {
	return config{
		transport: &WebSocket{},
		timeout:   10 * time.Second,
		heartbeat: 30 * time.Second,
		events:    1024,
		maxFrame:  64 << 10,
		log:       slog.Default(),
	}
}

// WithTransport sets what connections are made by. Default a WebSocket.
func WithTransport(t Transport) Option { return func(cfg *config) { cfg.transport = t } }

// WithParams sets what the client presents when it connects: the generated ConnectParams.
func WithParams(params codec.Marshaler) Option {
	return WithParamsFunc(func(context.Context) (codec.Marshaler, error) { return params, nil })
}

// WithParamsFunc is WithParams for what may be another at the next attempt, such as a token: params is called before
// each. Its context ends with the attempt (WithTimeout); its error makes the attempt fail, and another follows.
func WithParamsFunc(params func(context.Context) (codec.Marshaler, error)) Option {
	return func(cfg *config) { cfg.params = params }
}

// WithAuthToken sets a token that the client presents beside the query, which ends up in the logs of proxies. The
// server's mount must have AuthToken. What is to be renewed while connected belongs to the params instead: see Renew.
func WithAuthToken(token string) Option {
	return WithAuthTokenFunc(func(context.Context) (string, error) { return token, nil })
}

// WithAuthTokenFunc is WithAuthToken for a token that is asked for before each attempt, as WithParamsFunc asks.
func WithAuthTokenFunc(token func(context.Context) (string, error)) Option {
	return func(cfg *config) { cfg.token = token }
}

// WithHeader sets the header of the request that opens a connection.
func WithHeader(header http.Header) Option { return func(cfg *config) { cfg.header = header } }

// WithTimeout sets how long an attempt to connect, a heartbeat, a join, and a push whose context has no deadline may
// wait for the answer. Default 10 s.
func WithTimeout(d time.Duration) Option { return func(cfg *config) { cfg.timeout = d } }

// WithHeartbeat sets the time between heartbeats. Servers close a connection that is silent for 60 s. Default 30 s.
func WithHeartbeat(d time.Duration) Option { return func(cfg *config) { cfg.heartbeat = d } }

// WithEventQueue sets how many events of one channel may wait for its callbacks. Above that the membership is given up
// and joined again. Default 1024.
func WithEventQueue(n int) Option { return func(cfg *config) { cfg.events = n } }

// WithMaxFrameBytes sets the largest frame to send; what is larger fails with ErrTooLarge, because a server that does
// not take it hangs up. Default 64 KiB, which is what servers take unless they are told otherwise.
func WithMaxFrameBytes(n int) Option { return func(cfg *config) { cfg.maxFrame = n } }

// WithLogger sets where the client logs what it has nobody to return to: events that cannot be decoded (the server has
// another schema), params for a rejoin that fail. Default slog.Default.
func WithLogger(log *slog.Logger) Option { return func(cfg *config) { cfg.log = log } }

// addParams adds the members of an object to a query: strings as they are, everything else as JSON.
func addParams(query url.Values, params codec.Marshaler) error {
	data, err := params.AppendJSON(nil)
	if err != nil {
		return err
	}
	return codec.Unmarshal(data, queryOf(query))
}

// queryOf is a query as the target of a decoder.
type queryOf url.Values

// DecodeJSON adds the members of the object that is next.
func (q queryOf) DecodeJSON(d *codec.Decoder) error {
	obj := d.Object()
	for obj.Next(d) {
		name := string(obj.Name())
		value := d.JSON()
		if len(value) > 0 && value[0] == '"' {
			value = codec.Unquote(nil, value)
		}
		url.Values(q).Set(name, string(value))
	}
	return d.Err()
}
