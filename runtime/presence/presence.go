// Package presence knows who is here: on each topic, under each key, the metas that members have put there.
//
// A key stands for somebody (a user's id); a meta is one presence of theirs (a tab, a device) with what is to be
// known of it. An owner is whatever put a meta there and takes it away when it ends: one client on one topic. An
// owner has at most one meta under one key of a topic.
//
// Each meta has a ref that changes whenever the meta changes. Sixteen characters of url-safe base64, random, they
// are opaque: clients compare them and nothing else.
//
// # Several nodes
//
// Replicate has the trackers of several nodes know the same, over a pubsub.PubSub that may lose, repeat and delay what
// it carries. Each node owns what its own owners put there. It numbers its changes, sends them to all others as they
// happen, and says by heartbeats that it lives and what its last number is. Who sees that a number is missing asks the
// node for what came after the last that he has, and is sent those changes again, or where these are too many or too
// old, everything the node has, page by page. So does who meets a node for the first time, and so a newcomer, whose
// hello has everybody answer with a heartbeat. A node that says bye, or that is silent for too long, is forgotten and
// its metas leave; if it was only cut off, it is met again, and they join again. A node that starts anew is another.
//
// Metas of one key stand in the same order on every node: by the hybrid clock of when they were tracked, which runs
// ahead of everything that its node has heard of, then by node and owner. An update keeps its place.
//
// Every node tells its own members each change as the same diff, in the order in which its owner made them.
package presence

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash/maphash"
	"slices"
	"strings"
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

// entry is a meta and whose it is.
type entry struct {
	Meta
	owner Owner
	node  *peer  // whose owner that is: nil for this node's
	born  uint64 // when it was tracked, by the clock: what orders the metas of a key
	rev   uint64 // when it was last changed, by the clock of its node
	seen  uint32 // in which transfer of its node's state it was last
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
	clock  clock
	self   *outbox // what the other nodes are to be told; nil where there are none
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
	if find(s.topics[topic][key], nil, owner) >= 0 {
		return ErrAlreadyTracked
	}
	now := t.clock.now()
	e := entry{Meta: Meta{Data: meta, Ref: newRef()}, owner: owner, born: now, rev: now}
	s.put(topic, key, t.self.id(), e)
	t.changed(topic, Diff{Joins: State{key: {e.Meta}}}, putOp(key, &e))
	return nil
}

// Update replaces the owner's meta under key. It fails with ErrNotTracked. The tracker keeps meta.
func (t *Tracker) Update(topic, key string, owner Owner, meta json.RawMessage) error {
	s := t.lock(topic)
	defer s.mu.Unlock()
	entries := s.topics[topic][key]
	i := find(entries, nil, owner)
	if i < 0 {
		return ErrNotTracked
	}
	e := &entries[i]
	old := e.Meta
	e.Meta, e.rev = Meta{Data: meta, Ref: newRef(), Prev: old.Ref}, t.clock.now()
	t.changed(topic, Diff{Joins: State{key: {e.Meta}}, Leaves: State{key: {old}}}, putOp(key, e))
	return nil
}

// Untrack takes the owner's meta under key away. It fails with ErrNotTracked.
func (t *Tracker) Untrack(topic, key string, owner Owner) error {
	if !t.drop(topic, owner, []string{key}) {
		return ErrNotTracked
	}
	return nil
}

// Drop takes away what the owner has under these keys of topic, in one diff. Keys that it has nothing under are no
// error.
func (t *Tracker) Drop(topic string, owner Owner, keys []string) { t.drop(topic, owner, keys) }

// drop is Drop, and reports whether there was anything.
func (t *Tracker) drop(topic string, owner Owner, keys []string) bool {
	s := t.lock(topic)
	defer s.mu.Unlock()
	leaves := make(State, len(keys))
	ops := make([]op, 0, len(keys))
	for _, key := range keys {
		if meta, ok := s.remove(topic, key, nil, owner); ok {
			leaves[key] = []Meta{meta}
			ops = append(ops, op{gone: true, key: key, owner: owner, rev: t.clock.now()})
		}
	}
	if len(ops) > 0 {
		t.changed(topic, Diff{Leaves: leaves}, ops...)
	}
	return len(ops) > 0
}

// changed tells of a change that this node has made: its own members, and the other nodes. It needs the topic's lock,
// which is why both hear of the changes of a topic in their order.
func (t *Tracker) changed(topic string, diff Diff, ops ...op) {
	if t.self != nil {
		t.self.add(change{topic: topic, ops: ops})
	}
	t.onDiff(topic, diff)
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

// put puts e under key, where it belongs among the others. self is the id of this node.
func (s *shard) put(topic, key, self string, e entry) {
	keys := s.topics[topic]
	if keys == nil {
		keys = make(map[string][]entry)
		s.topics[topic] = keys
	}
	entries := keys[key]
	at := len(entries)
	for at > 0 && e.before(&entries[at-1], self) {
		at--
	}
	keys[key] = slices.Insert(entries, at, e)
}

// remove takes away what an owner of a node has under key.
func (s *shard) remove(topic, key string, node *peer, owner Owner) (Meta, bool) {
	keys := s.topics[topic]
	entries := keys[key]
	i := find(entries, node, owner)
	if i < 0 {
		return Meta{}, false
	}
	meta := entries[i].Meta
	if len(entries) > 1 {
		keys[key] = slices.Delete(entries, i, i+1)
		return meta, true
	}
	delete(keys, key)
	if len(keys) == 0 {
		delete(s.topics, topic)
	}
	return meta, true
}

func find(entries []entry, node *peer, owner Owner) int {
	for i := range entries {
		if entries[i].owner == owner && entries[i].node == node {
			return i
		}
	}
	return -1
}

// before says that e comes before other among the metas of a key.
func (e *entry) before(other *entry, self string) bool {
	return cmp.Or(
		cmp.Compare(e.born, other.born),
		strings.Compare(e.nodeID(self), other.nodeID(self)),
		cmp.Compare(e.owner, other.owner)) < 0
}

func (e *entry) nodeID(self string) string {
	if e.node == nil {
		return self
	}
	return e.node.id
}

func newRef() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
