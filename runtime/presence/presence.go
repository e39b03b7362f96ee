// Package presence knows who is here: on each topic, under each key, the metas that members have put there.
//
// A key stands for somebody (a user's id); a meta is one presence of theirs (a tab, a device) with what is to be
// known of it. An owner is whatever put a meta there and takes it away when it ends: one client on one topic. An
// owner has at most one meta under one key of a topic.
//
// Each meta has a ref that changes whenever the meta changes. Sixteen characters of url-safe base64, random, they
// are opaque: clients compare them and nothing else.
package presence

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash/maphash"
	"sync"
)

var (
	// ErrAlreadyTracked is returned by Track for a key that the owner has already put something under.
	ErrAlreadyTracked = errors.New("presence: already tracked")

	// ErrNotTracked is returned by Update and Untrack for a key that the owner has put nothing under.
	ErrNotTracked = errors.New("presence: not tracked")
)

// Owner identifies who put a meta there. Its zero value is nobody.
type Owner uint64

// Meta is one presence under a key.
type Meta struct {
	Data json.RawMessage // a JSON object, without the refs
	Ref  string          // phx_ref
	Prev string          // phx_ref_prev: the ref that an update replaced, or ""
}

// Entry is a meta and whose it is.
type entry struct {
	Meta
	owner Owner
}

// State is the metas under each key, oldest first.
type State map[string][]Meta

// Diff is what one change did. An update is a join of the new meta and a leave of the old.
type Diff struct {
	Joins, Leaves State
}

// shards is how many locks the topics are spread over.
const shards = 64

// Tracker keeps the presences of all topics. Its methods may be called concurrently.
type Tracker struct {
	onDiff func(topic string, diff Diff)
	seed   maphash.Seed
	shards [shards]shard
}

type shard struct {
	mu     sync.Mutex // guards topics and everything in them; held while onDiff and View's function run
	topics map[string]map[string][]entry
}

// New returns a Tracker that calls onDiff with every change: for one topic one after the other, in the order in which
// the changes were made. onDiff must not block and must not call the Tracker.
func New(onDiff func(topic string, diff Diff)) *Tracker {
	t := &Tracker{onDiff: onDiff, seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].topics = make(map[string]map[string][]entry)
	}
	return t
}

func (t *Tracker) lock(topic string) *shard {
	s := &t.shards[maphash.String(t.seed, topic)%shards]
	s.mu.Lock()
	return s
}

// Track puts meta, a JSON object, under key. It fails with ErrAlreadyTracked. The tracker keeps meta.
func (t *Tracker) Track(topic, key string, owner Owner, meta json.RawMessage) error {
	s := t.lock(topic)
	defer s.mu.Unlock()
	keys := s.topics[topic]
	if find(keys[key], owner) >= 0 {
		return ErrAlreadyTracked
	}
	if keys == nil {
		keys = make(map[string][]entry)
		s.topics[topic] = keys
	}
	e := entry{Meta{Data: meta, Ref: newRef()}, owner}
	keys[key] = append(keys[key], e)
	t.onDiff(topic, Diff{Joins: State{key: {e.Meta}}})
	return nil
}

// Update replaces the owner's meta under key. It fails with ErrNotTracked. The tracker keeps meta.
func (t *Tracker) Update(topic, key string, owner Owner, meta json.RawMessage) error {
	s := t.lock(topic)
	defer s.mu.Unlock()
	metas := s.topics[topic][key]
	i := find(metas, owner)
	if i < 0 {
		return ErrNotTracked
	}
	old := metas[i].Meta
	metas[i].Meta = Meta{Data: meta, Ref: newRef(), Prev: old.Ref}
	t.onDiff(topic, Diff{Joins: State{key: {metas[i].Meta}}, Leaves: State{key: {old}}})
	return nil
}

// Untrack takes the owner's meta under key away. It fails with ErrNotTracked.
func (t *Tracker) Untrack(topic, key string, owner Owner) error {
	s := t.lock(topic)
	defer s.mu.Unlock()
	meta, ok := s.remove(topic, key, owner)
	if !ok {
		return ErrNotTracked
	}
	t.onDiff(topic, Diff{Leaves: State{key: {meta}}})
	return nil
}

// Drop takes away what the owner has under these keys of topic, in one diff. Keys that it has nothing under are no
// error.
func (t *Tracker) Drop(topic string, owner Owner, keys []string) {
	s := t.lock(topic)
	defer s.mu.Unlock()
	leaves := State{}
	for _, key := range keys {
		if meta, ok := s.remove(topic, key, owner); ok {
			leaves[key] = []Meta{meta}
		}
	}
	if len(leaves) > 0 {
		t.onDiff(topic, Diff{Leaves: leaves})
	}
}

// List returns everybody on topic.
func (t *Tracker) List(topic string) State {
	s := t.lock(topic)
	defer s.mu.Unlock()
	return s.state(topic)
}

// View calls see with everybody on topic; no change is made until it returns. So what see does comes after the diffs
// of all that is in the state, and before all others. It must not block and must not call the Tracker.
func (t *Tracker) View(topic string, see func(State)) {
	s := t.lock(topic)
	defer s.mu.Unlock()
	see(s.state(topic))
}

func (s *shard) state(topic string) State {
	keys := s.topics[topic]
	state := make(State, len(keys))
	for key, entries := range keys {
		metas := make([]Meta, len(entries))
		for i := range entries {
			metas[i] = entries[i].Meta
		}
		state[key] = metas
	}
	return state
}

func (s *shard) remove(topic, key string, owner Owner) (Meta, bool) {
	keys := s.topics[topic]
	metas := keys[key]
	i := find(metas, owner)
	if i < 0 {
		return Meta{}, false
	}
	meta := metas[i].Meta
	if len(metas) > 1 {
		keys[key] = append(metas[:i], metas[i+1:]...)
		return meta, true
	}
	delete(keys, key)
	if len(keys) == 0 {
		delete(s.topics, topic)
	}
	return meta, true
}

func find(entries []entry, owner Owner) int {
	for i := range entries {
		if entries[i].owner == owner {
			return i
		}
	}
	return -1
}

func newRef() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
