package presence

// answer sends a node what it has missed: the changes, or where they are not kept, or it has none yet, everything.
// Changes between the pages go out as they come.
func (r *Replica) answer(node string, q query) {
	topic := r.topic(node)
	if missed, ok := r.out.since(q.seq); ok && q.seq > 0 {
		for _, data := range missed {
			r.publish(topic, data)
		}
		return
	}
	head := message{kind: kindState, from: r.opts.Node, request: q.request, seq: r.out.last()}
	var page []byte // the next to be sent: which is the last, shows at the end
	for i := range r.t.shards {
		for _, next := range r.t.shards[i].own() {
			if page != nil {
				r.publish(topic, append(head.append(nil), page...))
				head.page++
				r.flush()
			}
			if page = next; r.stopped() {
				return
			}
		}
	}
	head.last = true
	r.publish(topic, append(head.append(nil), page...))
}

// own returns what this node's owners have here, encoded, in pages.
func (s *shard) own() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var p pages
	for topic, keys := range s.topics {
		p.current.topic = topic
		for key, entries := range keys {
			for i := range entries {
				if entries[i].node == nil {
					p.add(putOp(key, &entries[i]))
				}
			}
		}
		p.endTopic()
	}
	p.endPage()
	return p.done
}

// pages are what a state is sent in.
type pages struct {
	done    [][]byte
	page    []byte // the one that is being filled
	current change // the topic that is being added
	size    int    // of current, about
}

func (p *pages) add(o op) {
	p.current.ops = append(p.current.ops, o)
	if p.size += len(o.key) + len(o.Data) + 64; len(p.page)+p.size > messageBytes*3/4 {
		p.endTopic()
		p.endPage()
	}
}

func (p *pages) endTopic() {
	if len(p.current.ops) > 0 {
		p.page = p.current.append(p.page)
	}
	p.current.ops, p.size = p.current.ops[:0], 0
}

func (p *pages) endPage() {
	if len(p.page) > 0 {
		p.done = append(p.done, p.page)
	}
	p.page = nil
}
