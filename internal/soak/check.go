package soak

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/chgen/chgen/runtime/pubsub"
)

// checker is a log as it is looked at.
type checker struct {
	log    *Log
	topics map[string]*topic
	report Report
}

// topic is what the whole log says about one topic.
type topic struct {
	published []*placed // by when they were begun
	byID      map[string]*placed
	epochs    map[string]*epoch
}

// placed is a publication and where it stands, if any client was told.
type placed struct {
	*Publication
	at    pubsub.Position
	ended time.Duration // when it stood at its place for certain
}

// epoch is what is known to stand in an epoch.
type epoch struct {
	byOffset map[uint64]*placed
	offsets  []uint64      // sorted
	seen     time.Duration // the epoch still held then
}

// Check judges a log.
func Check(log *Log) *Report {
	c := &checker{log: log, topics: make(map[string]*topic)}
	c.report.NotRecovered = make(map[string]int)
	c.report.Faults = make(map[string]int)
	for i := range log.Faults {
		c.report.Faults[log.Faults[i].Name]++
	}
	for i := range log.Publications {
		c.publish(&log.Publications[i])
	}
	for i := range log.Streams {
		c.place(&log.Streams[i])
	}
	for _, t := range c.topics {
		t.sort()
	}
	for i := range log.Streams {
		s := &log.Streams[i]
		w := &walk{checker: c, stream: s, topic: c.topic(s.Topic), received: make(map[string]int)}
		w.run()
	}
	return &c.report
}

func (c *checker) topic(name string) *topic {
	t := c.topics[name]
	if t == nil {
		t = &topic{byID: make(map[string]*placed), epochs: make(map[string]*epoch)}
		c.topics[name] = t
	}
	return t
}

func (c *checker) publish(p *Publication) {
	t := c.topic(p.Topic)
	q := &placed{Publication: p, ended: p.Ended}
	if !p.Acked {
		q.ended = forever
	}
	t.published = append(t.published, q)
	t.byID[p.ID] = q
	c.report.Publications++
	if !p.Acked {
		c.report.Unanswered++
	}
}

// place notes the positions that a stream tells of.
func (c *checker) place(s *Stream) {
	t := c.topic(s.Topic)
	for i := range s.Events {
		e := &s.Events[i]
		p := t.byID[e.ID]
		if p == nil || e.Position.Epoch == "" {
			continue
		}
		in := t.epoch(e.Position.Epoch)
		other := in.byOffset[e.Position.Offset]
		switch {
		case p.at == e.Position:
		case p.at.Epoch != "":
			c.violation(Placed, s, "%s stands at %v and at %v", e.ID, p.at, e.Position)
		case other != nil:
			c.violation(Placed, s, "%s and %s stand at %v", other.ID, e.ID, e.Position)
		default:
			p.at = e.Position
			in.byOffset[e.Position.Offset] = p
			in.seen = max(in.seen, p.Begun)
		}
	}
}

func (t *topic) epoch(name string) *epoch {
	e := t.epochs[name]
	if e == nil {
		e = &epoch{byOffset: make(map[uint64]*placed)}
		t.epochs[name] = e
	}
	return e
}

func (t *topic) sort() {
	sort.Slice(t.published, func(i, k int) bool { return t.published[i].Begun < t.published[k].Begun })
	for _, e := range t.epochs {
		for offset := range e.byOffset {
			e.offsets = append(e.offsets, offset)
		}
		slices.Sort(e.offsets)
	}
}

// between returns what is known to stand after one offset and before another.
func (e *epoch) between(after, before uint64) []uint64 {
	from := sort.Search(len(e.offsets), func(i int) bool { return e.offsets[i] > after })
	to := sort.Search(len(e.offsets), func(i int) bool { return e.offsets[i] >= before })
	return e.offsets[from:max(from, to)]
}

func (c *checker) violation(kind Kind, s *Stream, format string, args ...any) {
	c.report.Violations = append(c.report.Violations, Violation{kind, s.Client, s.Topic, fmt.Sprintf(format, args...)})
}
