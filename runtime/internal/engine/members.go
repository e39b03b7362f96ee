package engine

// members are a connection's memberships by topic. Most connections have one, which needs no map.
type members struct {
	only *Membership            // where there is no map
	all  map[string]*Membership // nil while there have never been two
}

func (t *members) get(topic string) *Membership {
	if t.all != nil {
		return t.all[topic]
	}
	if t.only != nil && t.only.topic == topic {
		return t.only
	}
	return nil
}

// put puts m in, in place of the one on the same topic.
func (t *members) put(m *Membership) {
	switch {
	case t.all != nil:
		t.all[m.topic] = m
	case t.only == nil || t.only.topic == m.topic:
		t.only = m
	default:
		t.all = map[string]*Membership{t.only.topic: t.only, m.topic: m}
		t.only = nil
	}
}

// remove takes m out, unless another has taken its place.
func (t *members) remove(m *Membership) {
	switch {
	case t.only == m:
		t.only = nil
	case t.all[m.topic] == m:
		delete(t.all, m.topic)
	}
}

func (t *members) len() int {
	if t.only != nil {
		return 1
	}
	return len(t.all)
}

// list returns all of them.
func (t *members) list() []*Membership {
	if t.only != nil {
		return []*Membership{t.only}
	}
	list := make([]*Membership, 0, len(t.all))
	for _, m := range t.all {
		list = append(list, m)
	}
	return list
}
