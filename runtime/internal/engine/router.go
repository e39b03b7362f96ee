package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Spec is what a schema says of a channel. It is not copied once it is used.
type Spec struct {
	Name     string // "Room"
	Topic    string // the pattern: "room:{room_id}"
	History  History
	Presence bool

	parsed atomic.Pointer[pattern]
}

// History is a channel's recovery log; the zero value is none.
type History struct {
	Size int
	TTL  time.Duration
}

// pattern is the parsed Topic.
func (s *Spec) pattern() (pattern, error) {
	if p := s.parsed.Load(); p != nil {
		return *p, nil
	}
	p, err := parsePattern(s.Topic)
	if err == nil {
		s.parsed.Store(&p)
	}
	return p, err
}

// Channel is how a channel is served: what the schema says of it and the functions that generated code supplies.
type Channel struct {
	*Spec

	// Join runs a join. Its handler is handed to everything else as it is.
	Join       func(ctx context.Context, m *Membership, call *Call) (handler any, err error)
	JoinErrors []string // the codes of the declared errors that Join may return
	Events     map[string]*Event
	Intercepts map[string]*Intercept

	Fetch      FetchFunc     // adds to presences on their way to clients; nil where nothing does
	CountEvery time.Duration // where there is one, clients hear how many are present, this often at most, and not who

	pattern pattern
	srv     *Server // that serves it
}

// Event serves one client event; either Handle or Concurrent is set.
type Event struct {
	Errors     []string // the codes of the declared errors that it may return
	Handle     func(ctx context.Context, handler any, call *Call) error
	Concurrent func(ctx context.Context, handler any, call *Call) (work func(context.Context) error, err error)
}

// Intercept sees one server event before it goes to one client.
type Intercept struct {
	Handle func(ctx context.Context, handler any, call *Call) (send bool, err error)
}

// router finds the channel of a topic: of those whose patterns match, the one with the narrowest.
type router struct {
	channels atomic.Pointer[[]*Channel] // narrower patterns before wider ones; other nodes' presences are looked up while they are added
}

// list returns the channels, which are not to be changed.
func (r *router) list() []*Channel {
	if list := r.channels.Load(); list != nil {
		return *list
	}
	return nil
}

func (r *router) add(c *Channel) {
	p, err := c.Spec.pattern()
	if err != nil {
		panic("channel " + c.Name + ": " + err.Error())
	}
	c.pattern = p
	channels := slices.Clone(r.list())
	at := len(channels)
	for i, other := range slices.Backward(channels) {
		switch p.compare(other.pattern) {
		case equal, overlapping:
			panic(fmt.Sprintf("channels %s and %s: %q and %q match the same topics, and neither is the more specific one",
				c.Name, other.Name, c.Topic, other.Topic))
		case narrower:
			at = i
		}
	}
	channels = slices.Insert(channels, at, c)
	r.channels.Store(&channels)
}

// extend adds events to the channel with this name. It panics where there is none.
func (r *router) extend(name string, events map[string]*Event) {
	for _, c := range r.list() {
		if c.Name == name {
			maps.Copy(c.Events, events)
			return
		}
	}
	panic("there is no channel " + name + " to extend")
}

func (r *router) match(topic string) (c *Channel, params []string) {
	if strings.HasPrefix(topic, reservedTopics) {
		return nil, nil
	}
	for _, c := range r.list() {
		if params, ok := c.pattern.match(topic); ok {
			return c, params
		}
	}
	return nil, nil
}

// topic is the topic of c with these parameters. It fails where they are wrong, and where a more specific pattern
// takes that topic from c.
func (r *router) topic(c *Spec, params []string) (string, error) {
	p, err := c.pattern()
	if err != nil {
		return "", err
	}
	topic, err := p.topic(params)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(topic, reservedTopics) {
		return "", fmt.Errorf("topic %q is reserved", topic)
	}
	if other, _ := r.match(topic); other != nil && other.Name != c.Name {
		return "", fmt.Errorf("topic %q belongs to the channel %s, not to %s", topic, other.Name, c.Name)
	}
	return topic, nil
}
