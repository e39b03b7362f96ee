package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/presence"
)

const (
	eventState = "presence_state"
	eventDiff  = "presence_diff"
)

var (
	errPresenceKey = errors.New("presence: the key is not valid UTF-8") // which JSON cannot carry
	errNoPresence  = errors.New("presence: the channel is declared without")
)

// Track puts meta under key, until it is taken away or the membership ends.
func (m *Membership) Track(_ context.Context, key string, meta codec.Marshaler) error {
	return m.changePresence(key, meta, (*presence.Tracker).Track)
}

// Update replaces the meta under key.
func (m *Membership) Update(_ context.Context, key string, meta codec.Marshaler) error {
	return m.changePresence(key, meta, (*presence.Tracker).Update)
}

// Untrack takes the meta under key away.
func (m *Membership) Untrack(_ context.Context, key string) error {
	return m.changePresence(key, nil, func(t *presence.Tracker, topic, key string, owner presence.Owner, _ json.RawMessage) error {
		return t.Untrack(topic, key, owner)
	})
}

type trackerOp func(t *presence.Tracker, topic, key string, owner presence.Owner, meta json.RawMessage) error

// changePresence does op, after the join reply. An error that then comes of it is logged.
func (m *Membership) changePresence(key string, meta codec.Marshaler, op trackerOp) error {
	if !utf8.ValidString(key) {
		return errPresenceKey
	}
	var data []byte
	if meta != nil {
		var err error
		if data, err = meta.AppendJSON(nil); err != nil {
			return fmt.Errorf("presence: %w", err)
		}
	}
	deferred, err := m.afterReply(func() {
		if err := m.track(key, data, op); err != nil {
			m.log().ErrorContext(&m.life, "presence failed", m.attrs("key", key, "err", err)...)
		}
	})
	if deferred || err != nil {
		return err
	}
	return m.track(key, data, op)
}

func (m *Membership) track(key string, data []byte, op trackerOp) error {
	own := m.presence
	if own == nil {
		return errNoPresence
	}
	own.mu.Lock()
	defer own.mu.Unlock()
	if own.done {
		return ErrClosed
	}
	err := op(m.conn.srv.tracker, m.topic, key, own.owner, data)
	if err == nil && !slices.Contains(own.keys, key) {
		own.keys = append(own.keys, key)
	}
	return err
}

// dropPresence takes everything of the membership away, for good.
func (m *Membership) dropPresence() {
	own := m.presence
	if own == nil {
		return
	}
	own.mu.Lock()
	defer own.mu.Unlock()
	own.done = true
	if len(own.keys) > 0 {
		m.conn.srv.tracker.Drop(m.topic, own.owner, own.keys)
		own.keys = nil
	}
}

// Presences returns the metas of everyone on the topic by key, oldest first, without their refs, with what the
// channel's FetchFunc adds.
func (m *Membership) Presences(ctx context.Context) (map[string][]json.RawMessage, error) {
	return m.conn.srv.presences(ctx, m.channel, m.topic)
}

// Presences is Membership.Presences of the topic of c with these parameters.
func (s *Server) Presences(ctx context.Context, c *Spec, params ...string) (map[string][]json.RawMessage, error) {
	topic, err := s.router.topic(c, params)
	if err != nil {
		return nil, err
	}
	ch, _ := s.router.match(topic)
	return s.presences(ctx, ch, topic)
}

// CountPresences is how many keys there are on the topic of c with these parameters.
func (s *Server) CountPresences(c *Spec, params ...string) (int, error) {
	topic, err := s.router.topic(c, params)
	if err != nil {
		return 0, err
	}
	return s.tracker.Count(topic), nil
}

// presences lists who is on a topic of ch, which is nil where this node does not serve it.
func (s *Server) presences(ctx context.Context, ch *Channel, topic string) (map[string][]json.RawMessage, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	state := s.tracker.List(topic)
	if ch != nil && ch.Fetch != nil && len(state) > 0 {
		fetched, err := s.fetch(ctx, ch, topic, []presence.State{state})
		if err != nil {
			return nil, fmt.Errorf("presence: fetch: %w", err)
		}
		state = fetched[0]
	}
	all := make(map[string][]json.RawMessage, len(state))
	for key, metas := range state {
		for _, meta := range metas {
			all[key] = append(all[key], meta.Data)
		}
	}
	return all, nil
}

// PresenceState is everyone on the topic as presence_state has it, refs included.
func (m *Membership) PresenceState() json.RawMessage {
	return m.conn.srv.tracker.List(m.topic).AppendJSON(nil)
}

// sendPresenceState pushes who is here, and from then on every diff that comes after it (D11).
func (m *Membership) sendPresenceState() {
	m.mu.Lock()
	h := m.hub
	m.mu.Unlock()
	if h == nil {
		return // it has been given up for another
	}
	if m.channel.CountEvery > 0 {
		m.sendCount(h)
		return
	}
	if h.presence != nil {
		h.feedState(m)
		return
	}
	m.conn.srv.tracker.View(m.topic, func(state presence.State) {
		payload := state.AppendJSON(nil)
		h.mu.Lock()
		defer h.mu.Unlock()
		m.welcome(h, payload)
	})
}
