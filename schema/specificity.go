package schema

import (
	"fmt"

	"github.com/chgen/chgen/schema/ir"
)

// relation says how the topics of one pattern lie to those of another.
type relation int

const (
	disjoint relation = iota
	equal
	inside  // the first is the more specific
	outside // the second is the more specific
	crossing
)

// checkTopics refuses two patterns that match one topic where neither is more specific.
func (c *checker) checkTopics() {
	root := &topics{}
	for _, ch := range c.schema.Channels {
		if len(ch.Topic.Segments) > 0 {
			c.compareTopics(ch, root)
			root.add(ch)
		}
	}
}

// compareTopics reports the first channel of the file that ch is ambiguous with.
func (c *checker) compareTopics(ch *ir.Channel, others *topics) {
	var found *ir.Channel
	others.near(ch.Topic.Segments, func(other *ir.Channel) {
		r := relate(ch.Topic.Segments, other.Topic.Segments)
		if (r == equal || r == crossing) && (found == nil || before(other.Topic.Pos, found.Topic.Pos)) {
			found = other
		}
	})
	if found != nil {
		c.clash(ch.Topic.Pos, ruleAmbiguousTopic,
			fmt.Sprintf("one topic can match both %s and %s, and neither is more specific", ch.Topic.Pattern, found.Topic.Pattern),
			"make them differ in a literal", found.Topic.Pos, "the topic of "+found.Name)
	}
}

func before(a, b ir.Pos) bool {
	return a.Line < b.Line || a.Line == b.Line && a.Col < b.Col
}

// topics holds patterns by their segments, so that only those that have something in common are compared.
type topics struct {
	channel *ir.Channel // the first whose pattern ends here; nil: none does
	next    map[ir.Segment]*topics
}

func (t *topics) add(ch *ir.Channel) {
	for _, s := range ch.Topic.Segments {
		s = ir.Segment{Literal: s.Literal, Kind: s.Kind, Rest: s.Rest}
		if t.next == nil {
			t.next = map[ir.Segment]*topics{}
		}
		if t.next[s] == nil {
			t.next[s] = &topics{}
		}
		t = t.next[s]
	}
	if t.channel == nil {
		t.channel = ch
	}
}

// near visits every pattern that may share a topic with one of these segments.
func (t *topics) near(segments []ir.Segment, visit func(*ir.Channel)) {
	if t.channel != nil {
		visit(t.channel)
	}
	if len(segments) == 0 {
		return
	}
	s, rest := segments[0], segments[1:]
	if s.Param == "" && !s.Rest {
		kinds := []ir.Segment{s, {Kind: ir.String}, {Kind: ir.String, Rest: true}, {Kind: ir.Int}, {Kind: ir.UUID}}
		for _, key := range kinds {
			if next := t.next[key]; next != nil {
				next.near(rest, visit)
			}
		}
		return
	}
	for _, next := range t.next {
		if s.Rest {
			rest = segments // it takes all that follows
		}
		next.near(rest, visit)
	}
}

func relate(a, b []ir.Segment) relation {
	aRest, bRest := a[len(a)-1].Rest, b[len(b)-1].Rest
	switch {
	case aRest && bRest:
		a, b = a[:len(a)-1], b[:len(b)-1]
		return relateOpen(a, b)
	case aRest:
		if len(b) < len(a) {
			return disjoint
		}
		return join(relateSegments(a[:len(a)-1], b), outside)
	case bRest:
		return mirror(relate(b, a))
	case len(a) != len(b):
		return disjoint
	}
	return relateSegments(a, b)
}

// relateOpen relates two patterns that both take everything after these segments.
func relateOpen(a, b []ir.Segment) relation {
	r := relateSegments(a, b)
	switch {
	case len(a) < len(b):
		return join(r, outside)
	case len(a) > len(b):
		return join(r, inside)
	}
	return r
}

// relateSegments relates as many segments as both have.
func relateSegments(a, b []ir.Segment) relation {
	r := equal
	for i := range min(len(a), len(b)) {
		r = join(r, relateSegment(a[i], b[i]))
	}
	return r
}

// join is the relation of two sequences by those of their parts.
func join(a, b relation) relation {
	switch {
	case a == disjoint || b == disjoint:
		return disjoint
	case a == b || b == equal:
		return a
	case a == equal:
		return b
	}
	return crossing
}

func mirror(r relation) relation {
	switch r {
	case inside:
		return outside
	case outside:
		return inside
	}
	return r
}

func relateSegment(a, b ir.Segment) relation {
	switch {
	case a.Param == "" && b.Param == "":
		if a.Literal == b.Literal {
			return equal
		}
		return disjoint
	case a.Param == "":
		if matches(a.Literal, b.Kind) {
			return inside
		}
		return disjoint
	case b.Param == "":
		return mirror(relateSegment(b, a))
	case a.Kind == b.Kind:
		return equal
	case b.Kind == ir.String:
		return inside
	case a.Kind == ir.String:
		return outside
	}
	return disjoint // no int is a uuid
}

func matches(literal string, kind ir.Kind) bool {
	switch kind {
	case ir.Int:
		return outOfRange(literal, ir.Int) == "" && literal != "-0"
	case ir.UUID:
		return uuid.MatchString(literal)
	}
	return true
}
