package soak_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chgen/chgen/internal/soak"
	"github.com/chgen/chgen/runtime/client"
	"github.com/chgen/chgen/runtime/pubsub"
	"github.com/chgen/chgen/runtime/wire"
)

// clock is the one that logs are timed by.
type clock time.Time

func (c clock) now() time.Duration { return time.Since(time.Time(c)) }

// recorder logs what one client sees of one topic.
type recorder struct {
	mu     sync.Mutex // guards what follows
	stream soak.Stream
	seen   map[string]bool
	waiter chan struct{} // closed, and made anew, when something was received
}

func newRecorder(client, topic string) *recorder {
	r := &recorder{stream: soak.Stream{Client: client, Topic: topic, Size: 10000, TTL: 10 * time.Minute}}
	if strings.HasPrefix(topic, "brief:") {
		r.stream.Size, r.stream.TTL = 40, 3*time.Second
	}
	r.seen, r.waiter = make(map[string]bool), make(chan struct{})
	return r
}

// add logs an event, a first join before everything.
func (r *recorder) add(e soak.Event, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if first {
		r.stream.Events = append([]soak.Event{e}, r.stream.Events...)
		return
	}
	r.stream.Events = append(r.stream.Events, e)
	if e.ID != "" {
		r.seen[e.ID] = true
		close(r.waiter)
		r.waiter = make(chan struct{})
	}
}

// await waits until a publication was received.
func (r *recorder) await(ctx context.Context, id string) error {
	for {
		r.mu.Lock()
		seen, waiter := r.seen[id], r.waiter
		r.mu.Unlock()
		if seen {
			return nil
		}
		select {
		case <-waiter:
		case <-ctx.Done():
			return fmt.Errorf("%s has not come to client %s on %s", id, r.stream.Client, r.stream.Topic)
		}
	}
}

// follower is a client that recovers what it misses.
type follower struct {
	name      string
	clock     clock
	wire      *tap
	client    *client.Client
	channels  []*client.Channel
	recorders []*recorder
}

var channelSpecs = map[string]client.Spec{"long": {Topic: "long:{name}"}, "brief": {Topic: "brief:{name}"}, "turn": {Topic: "turn:{name}"}}

func follow(url, name string, c clock, topics []string) (*follower, error) {
	f := &follower{name: name, clock: c, wire: &tap{dial: new(client.WebSocket).Dial, clock: c, seen: make(map[string]soak.Event), shown: make(map[string]pubsub.Position)}}
	var err error
	f.client, err = client.New(url, client.WithTransport(f.wire), client.WithTimeout(2*time.Second), client.WithHeartbeat(3*time.Second),
		client.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, err
	}
	for _, topic := range topics {
		kind, rest, _ := strings.Cut(topic, ":")
		ch := client.NewChannel(f.client, channelSpecs[kind], rest)
		r := newRecorder(name, topic)
		ch.On("said", func(p client.Payload) error {
			id, err := member(p, "id")
			e := f.wire.take(topic + " " + id)
			e.At, e.ID = c.now(), id
			r.add(e, false)
			return err
		})
		ch.OnRejoin(func(p client.Payload, recovered bool) error {
			return f.joined(r, p, recovered, false)
		})
		f.channels, f.recorders = append(f.channels, ch), append(f.recorders, r)
	}
	return f, nil
}

// joined logs a join as the application sees it.
func (f *follower) joined(r *recorder, p client.Payload, recovered, first bool) error {
	id, err := member(p, "join")
	e := f.wire.take(id)
	e.Recovered = recovered
	r.add(e, first)
	return err
}

// member reads a member of an object that is text.
func member(p client.Payload, name string) (string, error) {
	var raw client.JSON
	if err := p.Decode(&raw); err != nil {
		return "", err
	}
	var object map[string]string
	err := json.Unmarshal(raw, &object)
	return object[name], err
}

// join joins all topics, however long that takes.
func (f *follower) join(ctx context.Context) error {
	for i, ch := range f.channels {
		for {
			var reply client.JSON
			err := ch.Join(ctx, nil, &reply)
			if err == nil {
				var joined struct{ Join string }
				if err := json.Unmarshal(reply, &joined); err != nil {
					return err
				}
				f.recorders[i].add(f.wire.take(joined.Join), true)
				break
			}
			if ctx.Err() != nil {
				return err
			}
			select {
			case <-time.After(50 * time.Millisecond): // the bus is away
			case <-ctx.Done():
			}
		}
	}
	return nil
}

// say publishes on a topic of the client.
func (f *follower) say(ctx context.Context, i int, id string, others bool) soak.Publication {
	payload := client.JSON(fmt.Sprintf(`{"id":%q,"others":%t}`, id, others))
	p := soak.Publication{ID: id, Topic: f.recorders[i].stream.Topic, Begun: f.clock.now()}
	if others {
		p.Except = f.name
	}
	err := f.channels[i].Push(ctx, "say", &payload, nil)
	p.Ended, p.Acked = f.clock.now(), err == nil
	return p
}

// tap is a transport that sees what the client does not tell, positions, and that can be interrupted.
type tap struct {
	dial  func(ctx context.Context, target string, header http.Header) (client.Conn, error)
	clock clock

	mu    sync.Mutex // guards what follows
	conn  client.Conn
	shut  chan struct{}              // while it is not nil connections wait for it
	shown map[string]pubsub.Position // by ref: what joins that are not answered have shown
	seen  map[string]soak.Event      // by the reply's member "join", or topic and id: on its way to the callback
}

// take returns what was seen of something.
func (t *tap) take(key string) soak.Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer delete(t.seen, key)
	return t.seen[key]
}

// interrupt cuts the connection and lets no other be made before back is called.
func (t *tap) interrupt() (back func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	shut := make(chan struct{})
	t.shut = shut
	if t.conn != nil {
		_ = t.conn.CloseNow()
	}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		close(shut)
		if t.shut == shut {
			t.shut = nil
		}
	}
}

// Dial implements client.Transport.
func (t *tap) Dial(ctx context.Context, target string, header http.Header) (client.Conn, error) {
	t.mu.Lock()
	shut := t.shut
	t.mu.Unlock()
	if shut != nil {
		select {
		case <-shut:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	conn, err := t.dial(ctx, target, header)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conn = conn
	clear(t.shown)
	return &tapped{conn, t}, nil
}

type tapped struct {
	client.Conn
	tap *tap
}

// Write implements client.Conn.
func (c *tapped) Write(ctx context.Context, data []byte, binary bool) error {
	var m wire.Message
	if wire.DecodeServer(data, binary, &m) == nil && m.Event == wire.EventJoin { // both sides' frames are alike
		var params struct {
			Recover string `json:"_recover"`
		}
		if err := json.Unmarshal(m.Payload, &params); err != nil {
			return err
		}
		c.tap.mu.Lock()
		c.tap.shown[m.Ref.Text()] = positionOf(params.Recover)
		c.tap.mu.Unlock()
	}
	return c.Conn.Write(ctx, data, binary)
}

// Read implements client.Conn.
func (c *tapped) Read() ([]byte, bool, error) {
	data, binary, err := c.Conn.Read()
	var m wire.Message
	if err == nil && wire.DecodeServer(data, binary, &m) == nil {
		c.tap.see(&m)
	}
	return data, binary, err
}

// see notes what a frame of the server says of positions.
func (t *tap) see(m *wire.Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch m.Event {
	case "said":
		var note struct{ ID string }
		if json.Unmarshal(m.Payload, &note) == nil {
			t.seen[m.Topic+" "+note.ID] = soak.Event{Position: positionOf(m.Ref.Text())}
		}
	case wire.EventReply:
		shown, ok := t.shown[m.Ref.Text()]
		if !ok {
			return
		}
		delete(t.shown, m.Ref.Text())
		var reply struct {
			Response struct{ Join string }
			Recovery struct{ Position string }
		}
		if json.Unmarshal(m.Payload, &reply) == nil {
			t.seen[reply.Response.Join] = soak.Event{At: t.clock.now(), Shown: shown, Position: positionOf(reply.Recovery.Position)}
		}
	}
}

// positionOf reads a position as clients are given it: epoch, offset, and a MAC.
func positionOf(text string) pubsub.Position {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return pubsub.Position{}
	}
	offset, _ := strconv.ParseUint(parts[1], 10, 64)
	return pubsub.Position{Epoch: parts[0], Offset: offset}
}
