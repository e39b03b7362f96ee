// Package client is a Go client of the Phoenix Channels protocol: for services, bots, load tests, and (over a transport
// in memory, package channeltest) for the tests of handlers. People mostly use it through what chgen generate -client
// writes: typed channels on top of Channel.
//
//	c, err := client.Dial(ctx, "wss://example.com/socket", client.WithParams(&chat.ConnectParams{Name: "ada"}))
//	defer c.Close()
//	room := chat.NewRoomClient(c, chat.RoomTopic{RoomID: "lobby"})
//	room.OnMessageCreated(func(m chat.Message) { ... })
//	joined, err := room.Join(ctx, chat.RoomJoin{})
//	reply, err := room.SendMessage(ctx, chat.RoomSendMessage{Body: "hello"})
//
// # What it keeps up
//
// A client has one connection at a time. It sends heartbeats, reconnects with a backoff that is spread at random, and
// joins again every channel that was joined, with params that are asked for anew. It stops for good when it is closed,
// or when the server refuses it (a *RefusedError).
//
// A join or push whose answer does not come because the connection or the membership has gone fails at once, with
// ErrDisconnected: the server may have taken it or not, and it is not sent again. A push that is begun before its
// channel is joined (again) waits for that.
//
// On a channel with history a rejoin recovers what was missed, and OnRejoin says whether it has. Without history, and
// from servers that are not chgen's, Recovered is always false.
//
// # Callbacks and goroutines
//
// Every method may be called from any goroutine. A channel's callbacks (On, OnRejoin, OnState, those of its presence)
// are called one after the other, in the order in which what they tell of came, so that one that takes long delays the
// others of its channel and nothing else. They may push, join and leave; they must not call Client.Close, which waits
// for them. What waits for a channel's callbacks is bounded (WithEventQueue): above that the membership is given up and
// joined again, so that nothing is lost in silence.
//
// A client has a goroutine that connects and reads, one that writes while connected, one for each channel from its
// Join to its end, and one for each channel while callbacks are to be called. Close waits for all of them; a client
// that is not closed keeps them.
package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chgen/chgen/runtime/codec"
)

// SupportsGenerated1 is named by every file of the first generation: such a file does not compile with a runtime that
// is too old for it, nor with one that has given that generation up.
const SupportsGenerated1 = true

// State is what a client's connection is in.
type State uint8

// The states.
const (
	Idle         State = iota // nobody has asked for a connection yet
	Connecting                // for the first time
	Open                      // the server has answered
	Reconnecting              // the connection was lost or could not be made, and is tried again
	Refused                   // the server does not want this client: the end
	Closed                    // Close was called: the end
)

// String is the state's name in small letters.
func (s State) String() string {
	return [...]string{"idle", "connecting", "open", "reconnecting", "refused", "closed"}[s]
}

// StateChange is what OnState tells.
type StateChange struct {
	State State
	Err   error // why, of Reconnecting, Refused and Closed: a *CloseError, a *RefusedError, or what the transport said
}

// Client is one client of one server. It is made by New or Dial.
type Client struct {
	cfg    config
	target *url.URL
	name   string          // what BroadcastFrom knows the client by, over all its connections
	ctx    context.Context // ends when the client does
	cancel context.CancelFunc
	tasks  sync.WaitGroup // every goroutine; added to with mu held, and only while the client is not over

	mu       sync.Mutex // guards what follows, and what Channel says; never held for callbacks or the network
	running  bool       // there is the goroutine of run
	over     bool       // Closed or Refused, or about to be
	state    State
	err      error                                          // of the latest state
	session  *session                                       // the connection, from when frames can be sent
	changed  chan struct{}                                  // closed, and made anew, when session or over changes
	waiting  []chan error                                   // calls of Connect
	params   func(context.Context) (codec.Marshaler, error) // of the next attempt; nil is none
	refs     uint64
	channels map[string]*Channel // by topic: joined, or on their way in or out
	states   listeners[StateChange]
	notices  dispatcher
}

// New returns a client of the socket at target, a URL with the scheme ws, wss, http or https, without the /websocket
// that its path ends in. It connects on Connect or with the first join. The error is about target.
func New(target string, opts ...Option) (*Client, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	switch u.Scheme {
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	case "ws", "wss":
	default:
		return nil, fmt.Errorf("client: %q is no URL of a socket: it needs the scheme ws, wss, http or https", target)
	}
	u.Path = strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/websocket") + "/websocket"
	c := &Client{
		cfg:      defaults(),
		target:   u,
		name:     rand.Text(),
		changed:  make(chan struct{}),
		channels: make(map[string]*Channel),
	}
	for _, opt := range opts {
		opt(&c.cfg)
	}
	c.params = c.cfg.params
	c.notices.c = c
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

// Dial is New and Connect; where connecting fails, the client is closed.
func Dial(ctx context.Context, target string, opts ...Option) (*Client, error) {
	c, err := New(target, opts...)
	if err != nil {
		return nil, err
	}
	if err := c.Connect(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Connect connects, unless that is under way, and returns nil once the server has answered, or what the attempt at
// hand failed with: a *RefusedError is final, after anything else the client goes on trying. When ctx ends first, its
// error is returned.
func (c *Client) Connect(ctx context.Context) error {
	c.mu.Lock()
	switch {
	case c.over:
		defer c.mu.Unlock()
		return c.overErr()
	case c.state == Open:
		c.mu.Unlock()
		return nil
	}
	outcome := make(chan error, 1)
	c.waiting = append(c.waiting, outcome)
	c.start()
	c.mu.Unlock()
	select {
	case err := <-outcome:
		return err
	case <-ctx.Done():
		return fmt.Errorf("connect: %w", context.Cause(ctx))
	}
}

// State is the state of the connection.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// OnState calls handle whenever the state changes, in order. It returns what ends that.
func (c *Client) OnState(handle func(StateChange)) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.states.add(&c.mu, handle)
}

// Close ends the client: channels end, calls that wait fail with ErrClosed, the connection is closed with 1000. It
// returns when no goroutine of the client is left; callbacks must not call it. It may be called again.
func (c *Client) Close() {
	c.mu.Lock()
	if !c.over {
		c.over = true
		if !c.running {
			c.end(ErrClosed)
		}
	}
	c.mu.Unlock()
	c.cancel()
	c.tasks.Wait()
}

// start starts the goroutine of run, unless there is one. It needs mu, and that the client is not over.
func (c *Client) start() {
	if c.running {
		return
	}
	c.running = true
	c.set(Connecting, nil)
	c.tasks.Add(1)
	go c.run()
}

// run connects, again and again.
func (c *Client) run() {
	defer c.tasks.Done()
	var retry backoff
	for {
		err := c.attempt(&retry)
		c.mu.Lock()
		refused := isRefusal(err)
		if c.over || refused {
			if !refused {
				err = ErrClosed
			}
			c.end(err)
			c.mu.Unlock()
			return
		}
		c.set(Reconnecting, err)
		c.settle(err)
		c.mu.Unlock()
		select {
		case <-time.After(retryAfter(err) + retry.next()):
		case <-c.ctx.Done():
		}
	}
}

// attempt makes a connection and returns when it has ended, with the reason.
func (c *Client) attempt(retry *backoff) error {
	conn, err := c.dial()
	if err != nil {
		return err
	}
	s := newSession(c, conn)
	c.mu.Lock()
	c.session = s
	c.broadcast()
	c.mu.Unlock()
	began := time.Now()
	err = s.serve()
	retry.lasted(time.Since(began))

	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = nil
	c.broadcast()
	if !c.over && !isRefusal(err) {
		for _, ch := range c.channels {
			ch.lost(fmt.Errorf("%w: %w", ErrDisconnected, err))
		}
	}
	return err
}

func (c *Client) dial() (Conn, error) {
	ctx, cancel := context.WithTimeoutCause(c.ctx, c.cfg.timeout, ErrTimeout)
	defer cancel()
	target := *c.target
	query := target.Query()
	c.mu.Lock()
	ask := c.params
	c.mu.Unlock()
	if ask != nil {
		params, err := ask(ctx)
		if err != nil {
			return nil, fmt.Errorf("connect params: %w", err)
		}
		if err := addParams(query, params); err != nil {
			return nil, fmt.Errorf("connect params: %w", err)
		}
	}
	query.Set("vsn", "2.0.0")
	query.Set("chgen", "1")
	query.Set("_client", c.name)
	target.RawQuery = query.Encode()
	header := c.cfg.header
	if c.cfg.token != nil {
		token, err := c.cfg.token(ctx)
		if err != nil {
			return nil, fmt.Errorf("auth token: %w", err)
		}
		if header = header.Clone(); header == nil {
			header = make(http.Header)
		}
		header.Set(HeaderAuthToken, token)
	}
	conn, err := c.cfg.transport.Dial(ctx, target.String(), header)
	if err != nil && c.ctx.Err() == nil && ctx.Err() != nil {
		return nil, fmt.Errorf("connect: %w", context.Cause(ctx))
	}
	return conn, err
}

// opened is called when the server has first answered: a server that refuses accepts the connection, too.
func (c *Client) opened() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	c.set(Open, nil)
	c.settle(nil)
}

// end is the end: it needs mu.
func (c *Client) end(err error) {
	c.over = true
	for _, ch := range c.channels {
		ch.end(err)
	}
	state := Closed
	if isRefusal(err) {
		state = Refused
	}
	c.set(state, err)
	c.settle(err)
	c.broadcast()
	c.cancel()
}

// settle answers those who wait in Connect. It needs mu.
func (c *Client) settle(err error) {
	for _, outcome := range c.waiting {
		outcome <- err
	}
	c.waiting = nil
}

// set notes the state. It needs mu.
func (c *Client) set(state State, err error) {
	if state == c.state && state != Reconnecting {
		return
	}
	c.state, c.err = state, err
	change := StateChange{state, err}
	c.notices.add(task{run: func() { c.states.call(&c.mu, change) }})
}

// broadcast wakes whoever waits for session or over. It needs mu.
func (c *Client) broadcast() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// overErr is why the client is over. It needs mu.
func (c *Client) overErr() error {
	if c.state == Refused {
		return c.err
	}
	return ErrClosed
}

// await returns the connection as soon as there is one.
func (c *Client) await(ctx context.Context) (*session, error) {
	for {
		c.mu.Lock()
		s, changed := c.session, c.changed
		c.mu.Unlock()
		if s != nil && s.ctx.Err() == nil {
			return s, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// ref returns a ref that no other frame of this client has. It needs mu.
func (c *Client) ref() string {
	c.refs++
	return strconv.FormatUint(c.refs, 10)
}

// limit gives a call without a deadline the client's timeout.
func (c *Client) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, c.cfg.timeout, ErrTimeout)
}
