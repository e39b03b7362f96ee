package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"

	"github.com/chgen/chgen/runtime/presence"
	"github.com/chgen/chgen/runtime/wire"
)

// TopicParams are the parameters of a topic as text.
type TopicParams []string

// Param is the i-th parameter.
func (p TopicParams) Param(i int) string { return p[i] }

// IntParam is the i-th parameter, which is declared int.
func (p TopicParams) IntParam(i int) int64 {
	n, _ := strconv.ParseInt(p[i], 10, 64) // the pattern has matched
	return n
}

// FetchFunc replaces metas by what clients are to get instead. Neither keys nor the number of a key's metas change.
type FetchFunc func(ctx context.Context, topic TopicParams, metas map[string][]json.RawMessage) error

// presenceFeed is the presence of a topic on its way to members where a FetchFunc has a part in it. What changes while the
// function runs is put together, so that it is called once for all of that, and no more waits than has changed.
type presenceFeed struct {
	ctx    context.Context // of the function; ends when the topic has no members any more
	cancel context.CancelFunc

	mu        sync.Mutex // guards what follows; taken under the tracker's lock, with nothing inside
	running   bool       // a goroutine works on it
	diff      presence.Diff
	newcomers []*Membership // that wait for the state
}

// newPresenceFeed returns the feed of a channel's topic, nil where it needs none.
func newPresenceFeed(ch *Channel) *presenceFeed {
	if ch.Fetch == nil {
		return nil
	}
	f := &presenceFeed{}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f
}

// feedDiff has the members told of a diff. It is called under the tracker's lock.
func (h *hub) feedDiff(diff presence.Diff) {
	f := h.presence
	f.mu.Lock()
	defer f.mu.Unlock()
	merge(&f.diff, diff)
	h.startFeed()
}

// feedState has m told of who is here, and then of every diff that comes after that.
func (h *hub) feedState(m *Membership) {
	f := h.presence
	f.mu.Lock()
	defer f.mu.Unlock()
	f.newcomers = append(f.newcomers, m)
	h.startFeed()
}

// startFeed needs the feed's lock. Server.Shutdown waits for what it starts.
func (h *hub) startFeed() {
	if !h.presence.running && h.presence.ctx.Err() == nil && h.channel.srv.beginWork() {
		h.presence.running = true
		go func() {
			defer h.channel.srv.endWork()
			h.runFeed()
		}()
	}
}

// runFeed tells the members, until there is nothing to tell.
func (h *hub) runFeed() {
	for {
		diff, newcomers, state, ok := h.nextFeed()
		if !ok {
			return
		}
		if len(diff.Joins)+len(diff.Leaves) > 0 {
			fetched := h.fetch(diff.Joins, diff.Leaves)
			diff = presence.Diff{Joins: fetched[0], Leaves: fetched[1]}
			h.deliver(&publication{event: eventDiff, payload: diff.AppendJSON(nil)}, true)
		}
		if len(newcomers) > 0 {
			payload := h.fetch(state)[0].AppendJSON(nil)
			h.mu.Lock()
			for _, m := range newcomers {
				m.welcome(h, payload)
			}
			h.mu.Unlock()
		}
	}
}

// nextFeed takes out what is to be told: the state is that after the diff, and before all others.
func (h *hub) nextFeed() (diff presence.Diff, newcomers []*Membership, state presence.State, ok bool) {
	f := h.presence
	take := func() {
		diff, newcomers = f.diff, f.newcomers
		f.diff, f.newcomers = presence.Diff{}, nil
	}
	f.mu.Lock()
	if len(f.newcomers) == 0 {
		defer f.mu.Unlock()
		take()
		ok = len(diff.Joins)+len(diff.Leaves) > 0 && f.ctx.Err() == nil
		f.running = ok
		return diff, nil, nil, ok
	}
	f.mu.Unlock()
	h.channel.srv.tracker.View(h.topic, func(all presence.State) {
		f.mu.Lock()
		defer f.mu.Unlock()
		state = all
		take()
	})
	return diff, newcomers, state, true
}

// welcome sends m the state, and from then on the diffs. It needs h.mu.
func (m *Membership) welcome(h *hub, state []byte) {
	m.mu.Lock()
	here := m.hub == h
	m.mu.Unlock()
	if here {
		m.conn.reply(&wire.Message{JoinRef: m.joinRef, Topic: m.topic, Event: eventState, Payload: state})
		m.diffs = true
	}
}

// fetch returns the states with what the function adds to them, in one call. Where it fails they are as they were.
func (h *hub) fetch(states ...presence.State) []presence.State {
	ctx, cancel := context.WithTimeout(h.presence.ctx, h.channel.srv.limits.HandlerTimeout)
	defer cancel()
	fetched, err := h.channel.srv.fetch(ctx, h.channel, h.topic, states)
	if err != nil {
		if h.presence.ctx.Err() == nil {
			h.channel.srv.log.Error("presence fetch failed", "channel", h.channel.Name, "topic", h.topic, "err", err)
		}
		return states
	}
	return fetched
}

var (
	// errFetchShape is a function that has changed more than the metas' data.
	errFetchShape = errors.New("the fetch function must leave the keys and the number of their metas as they are")
	// errFetchEnded is one that has ended its goroutine, as testing.T.FailNow does.
	errFetchEnded = errors.New("the fetch function has not returned")
)

// fetch is what the channel's FetchFunc makes of the states. It does not wait for one that ignores the end of ctx.
func (s *Server) fetch(ctx context.Context, ch *Channel, topic string, states []presence.State) ([]presence.State, error) {
	if !s.beginWork() {
		return nil, ErrClosed
	}
	metas := dataOf(states)
	result := make(chan error, 1)
	go func() {
		defer s.endWork()
		err := errFetchEnded // its goroutine
		defer func() {
			if p := recover(); p != nil {
				s.log.ErrorContext(ctx, "presence fetch panicked", "channel", ch.Name, "topic", topic, "panic", p, "stack", string(debug.Stack()))
				err = &panicError{p}
			}
			result <- err
		}()
		params, _ := ch.pattern.match(topic)
		err = ch.Fetch(ctx, params, metas)
	}()
	select {
	case err := <-result:
		if err != nil {
			return nil, err
		}
		return withData(states, metas)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// dataOf is the data of the metas of all states, by key.
func dataOf(states []presence.State) map[string][]json.RawMessage {
	metas := make(map[string][]json.RawMessage)
	for _, state := range states {
		for key, entries := range state {
			for i := range entries {
				metas[key] = append(metas[key], entries[i].Data)
			}
		}
	}
	return metas
}

// withData returns the states with other data, in the order of dataOf.
func withData(states []presence.State, metas map[string][]json.RawMessage) ([]presence.State, error) {
	out := make([]presence.State, len(states))
	for i, state := range states {
		out[i] = make(presence.State, len(state))
		for key, entries := range state {
			if len(metas[key]) < len(entries) {
				return nil, fmt.Errorf("%w: %q", errFetchShape, key)
			}
			entries = slices.Clone(entries)
			for j := range entries {
				entries[j].Data = metas[key][j]
			}
			metas[key] = metas[key][len(entries):]
			out[i][key] = entries
		}
	}
	return out, nil
}

// merge adds to d what comes after it. A meta that has joined and left within leaves no trace.
func merge(d *presence.Diff, next presence.Diff) {
	if d.Joins == nil {
		d.Joins, d.Leaves = make(presence.State), make(presence.State)
	}
	for key, metas := range next.Leaves {
		for _, meta := range metas {
			if i := slices.IndexFunc(d.Joins[key], func(m presence.Meta) bool { return m.Ref == meta.Ref }); i < 0 {
				d.Leaves[key] = append(d.Leaves[key], meta)
			} else if d.Joins[key] = slices.Delete(d.Joins[key], i, i+1); len(d.Joins[key]) == 0 {
				delete(d.Joins, key)
			}
		}
	}
	for key, metas := range next.Joins {
		d.Joins[key] = append(d.Joins[key], metas...)
	}
}
