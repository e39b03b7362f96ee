package presence

// apply makes a change of another node, and tells this node's members what of it is new.
func (t *Tracker) apply(p *peer, c *change) {
	s := t.lock(c.topic)
	defer s.mu.Unlock()
	var diff Diff
	for i := range c.ops {
		o := &c.ops[i]
		t.clock.heard(o.rev)
		s.apply(p, c.topic, t.self.id(), o, &diff)
	}
	if len(diff.Joins)+len(diff.Leaves) > 0 {
		t.onDiff(c.topic, diff)
	}
}

// apply makes an op, unless it is older than what is there, and notes in diff what that does.
func (s *shard) apply(p *peer, topic, self string, o *op, diff *Diff) {
	entries := s.topics[topic][o.key]
	if i := find(entries, p, o.owner); i >= 0 {
		old := &entries[i]
		if old.rev >= o.rev {
			old.seen = p.seen
			return
		}
		add(&diff.Leaves, o.key, old.Meta)
		if !o.gone && old.born == o.born {
			old.Meta, old.rev, old.seen = o.Meta, o.rev, p.seen
			add(&diff.Joins, o.key, o.Meta)
			return
		}
		s.remove(topic, o.key, p, o.owner)
	}
	if o.gone {
		return
	}
	s.put(topic, o.key, self, entry{Meta: o.Meta, owner: o.owner, node: p, born: o.born, rev: o.rev, seen: p.seen})
	add(&diff.Joins, o.key, o.Meta)
}

// sweep takes away what goes says, with one diff for each topic.
func (t *Tracker) sweep(goes func(*entry) bool) {
	for i := range t.shards {
		t.shards[i].sweep(goes, t.onDiff)
	}
}

func (s *shard) sweep(goes func(*entry) bool, onDiff func(string, Diff)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for topic, keys := range s.topics {
		var diff Diff
		for key, entries := range keys {
			kept := entries[:0]
			for i := range entries {
				if goes(&entries[i]) {
					add(&diff.Leaves, key, entries[i].Meta)
				} else {
					kept = append(kept, entries[i])
				}
			}
			clear(entries[len(kept):])
			if len(kept) > 0 {
				keys[key] = kept
			} else {
				delete(keys, key)
			}
		}
		if len(keys) == 0 {
			delete(s.topics, topic)
		}
		if len(diff.Leaves) > 0 {
			onDiff(topic, diff)
		}
	}
}

// add puts a meta into a state.
func add(s *State, key string, meta Meta) {
	if *s == nil {
		*s = make(State, 1)
	}
	(*s)[key] = append((*s)[key], meta)
}
