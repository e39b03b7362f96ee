package client

import (
	"slices"
	"sync"

	"github.com/chgen/chgen/runtime/codec"
)

// presence is what a channel hands presence_state and presence_diff to.
type presence interface {
	receive(joinRef, event string, p Payload) error
}

// PresenceChange is what has changed of who is here, by key. An update of a meta is in both.
type PresenceChange[T any] struct {
	Joined map[string][]T
	Left   map[string][]T
}

// Presence is who is on a channel's topic; T is the schema's presence. One key may be there several times.
type Presence[T any] struct {
	decode func(*T, *codec.Decoder) error

	mu      sync.Mutex // guards what follows
	metas   map[string][]meta[T]
	changes listeners[PresenceChange[T]]
	count   int // of keys, as the server has told or as metas has them
	counts  listeners[int]

	// Of the goroutine that makes the channel's callbacks.
	joinRef string
	early   []diff[T] // that came before the state of this join
	synced  bool      // the state of this join is there
}

// meta is one presence.
type meta[T any] struct {
	ref   string
	value T
}

// NewPresence returns the presence of ch, which has one. It is called before ch joins.
func NewPresence[T any](ch *Channel, decode func(*T, *codec.Decoder) error) *Presence[T] {
	p := &Presence[T]{decode: decode, metas: make(map[string][]meta[T])}
	ch.presence = p
	return p
}

// List returns everyone who is here by key, the oldest of each first. It is empty until the server has told after the
// first join, and keeps what was last known while the connection is away.
func (p *Presence[T]) List() map[string][]T {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[string][]T, len(p.metas))
	for key, metas := range p.metas {
		all[key] = values(metas)
	}
	return all
}

// OnChange calls handle after each change, in order with the channel's events, and once after each join for the state
// as a whole. It returns what ends that.
func (p *Presence[T]) OnChange(handle func(PresenceChange[T])) (stop func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changes.add(&p.mu, handle)
}

// Count returns how many keys are here: also on a channel whose server tells that and not who.
func (p *Presence[T]) Count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

// OnCount calls handle whenever Count changes, in order with the channel's events. It returns what ends that.
func (p *Presence[T]) OnCount(handle func(int)) (stop func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts.add(&p.mu, handle)
}

// noteCount makes n the count; nil is the number of keys that are known.
func (p *Presence[T]) noteCount(n *int) {
	p.mu.Lock()
	if n == nil {
		n = new(len(p.metas))
	}
	changed := p.count != *n
	p.count = *n
	p.mu.Unlock()
	if changed {
		p.counts.call(&p.mu, *n)
	}
}

// presenceCount is chgen_presence_count: {"count": n}.
type presenceCount struct{ n int }

// DecodeJSON reads a count.
func (c *presenceCount) DecodeJSON(d *codec.Decoder) error {
	obj := d.Object()
	for obj.Next(d) {
		if string(obj.Name()) == "count" {
			obj.Once(d, 0)
			c.n = int(d.Int())
		} else {
			obj.Skip(d)
		}
	}
	obj.Require(d, 0, "count")
	return d.Err()
}

// receive applies a state or a diff as rules 12.9 to 12.11 say, and a count.
func (p *Presence[T]) receive(joinRef, event string, payload Payload) error {
	if event == eventPresenceCount {
		var count presenceCount
		if err := payload.Decode(&count); err != nil {
			return err
		}
		p.noteCount(&count.n)
		return nil
	}
	if joinRef != p.joinRef {
		p.joinRef, p.synced, p.early = joinRef, false, nil
	}
	change := PresenceChange[T]{Joined: map[string][]T{}, Left: map[string][]T{}}
	if event == eventPresenceState {
		state := presenceState[T]{decode: p.decode}
		if err := payload.Decode(&state); err != nil {
			return err
		}
		p.mu.Lock()
		p.replace(state.metas, change)
		for _, d := range p.early {
			p.apply(d, change)
		}
		p.mu.Unlock()
		p.synced, p.early = true, nil
	} else {
		d := diff[T]{presenceState[T]{decode: p.decode}, presenceState[T]{decode: p.decode}}
		if err := payload.Decode(&d); err != nil {
			return err
		}
		if !p.synced {
			p.early = append(p.early, d)
			return nil
		}
		p.mu.Lock()
		p.apply(d, change)
		p.mu.Unlock()
	}
	p.changes.call(&p.mu, change)
	p.noteCount(nil)
	return nil
}

func (p *Presence[T]) replace(state map[string][]meta[T], change PresenceChange[T]) {
	old := p.metas
	p.metas = state
	for key, metas := range state {
		note(change.Joined, key, without(metas, old[key]))
	}
	for key, metas := range old {
		note(change.Left, key, without(metas, state[key]))
	}
}

func (p *Presence[T]) apply(d diff[T], change PresenceChange[T]) {
	for key, metas := range d.joins.metas {
		joined := without(metas, p.metas[key])
		p.metas[key] = slices.Concat(p.metas[key], joined)
		note(change.Joined, key, joined)
	}
	for key, metas := range d.leaves.metas {
		old := p.metas[key]
		if left := without(old, metas); len(left) > 0 {
			p.metas[key] = left
		} else {
			delete(p.metas, key)
		}
		note(change.Left, key, without(old, p.metas[key]))
	}
}

// without returns the metas that are not among others.
func without[T any](metas, others []meta[T]) []meta[T] {
	return slices.DeleteFunc(slices.Clone(metas), func(m meta[T]) bool {
		return slices.ContainsFunc(others, func(other meta[T]) bool { return other.ref == m.ref })
	})
}

func note[T any](changed map[string][]T, key string, metas []meta[T]) {
	if len(metas) > 0 {
		changed[key] = append(changed[key], values(metas)...)
	}
}

func values[T any](metas []meta[T]) []T {
	all := make([]T, len(metas))
	for i, m := range metas {
		all[i] = m.value
	}
	return all
}

// diff is presence_diff: {"joins": state, "leaves": state}.
type diff[T any] struct{ joins, leaves presenceState[T] }

// DecodeJSON reads a diff.
func (d *diff[T]) DecodeJSON(dec *codec.Decoder) error {
	obj := dec.Object()
	for obj.Next(dec) {
		switch string(obj.Name()) {
		case "joins":
			dec.Value(&d.joins)
		case "leaves":
			dec.Value(&d.leaves)
		default:
			obj.Skip(dec)
		}
	}
	return dec.Err()
}

// presenceState is presence_state: {key: {"metas": [meta, ...]}}. What else an entry has is ignored.
type presenceState[T any] struct {
	decode func(*T, *codec.Decoder) error
	metas  map[string][]meta[T]
}

// DecodeJSON reads a state.
func (s *presenceState[T]) DecodeJSON(d *codec.Decoder) error {
	s.metas = make(map[string][]meta[T])
	obj := d.Object()
	for obj.Next(d) {
		key := codec.Key(d, &obj, s.metas)
		entry := d.Object()
		for entry.Next(d) {
			if string(entry.Name()) != "metas" {
				entry.Skip(d)
				continue
			}
			list := d.Array()
			for list.Next(d) {
				m, err := s.meta(d)
				if err != nil {
					return err
				}
				s.metas[key] = append(s.metas[key], m)
			}
		}
	}
	return d.Err()
}

// meta reads a meta: what is the tracker's own is taken out before the schema's type, which may be strict, sees it.
func (s *presenceState[T]) meta(d *codec.Decoder) (m meta[T], err error) {
	e := codec.NewEncoder(nil)
	e.Object()
	obj := d.Object()
	for obj.Next(d) {
		switch name := string(obj.Name()); name {
		case "phx_ref":
			m.ref = d.String()
		case "phx_ref_prev":
			d.Skip()
		default:
			value := d.JSON()
			e.Key(name)
			e.JSON(value)
		}
	}
	e.EndObject()
	data, err := e.Done()
	if err != nil || d.Err() != nil {
		return m, d.Err()
	}
	return m, codec.Unmarshal(data, &metaDecoder[T]{&m.value, s.decode})
}

// metaDecoder is a decode function and what it reads into.
type metaDecoder[T any] struct {
	value  *T
	decode func(*T, *codec.Decoder) error
}

// DecodeJSON reads the value.
func (m *metaDecoder[T]) DecodeJSON(d *codec.Decoder) error { return m.decode(m.value, d) }
