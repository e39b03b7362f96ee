package schema

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

// maxTopic is how many bytes a topic may have.
const maxTopic = 255

// topic reads a pattern: segments between colons, each a literal or one parameter.
func (c *checker) topic(n *node) ir.Topic {
	t := ir.Topic{Pos: n.pos}
	if n.kind != text {
		c.wrongShape(n, "topic (a text)", "quote a pattern that begins with {")
		return t
	}
	t.Pattern = n.value
	before := len(c.problems)
	fail := func(offset int, message, hint string) {
		c.report(c.within(n, offset), ruleTopic, message, hint)
	}
	parts := splitTopic(n.value)
	tooLong := func() {
		fail(0, fmt.Sprintf("no topic of this pattern is within %d bytes", maxTopic), "")
	}
	if len(parts) > maxTopic {
		tooLong()
		return t
	}
	literals, offset := 0, 0
	params := c.scope("in Go")
	params.keep("a method of every topic", "String")
	for i, part := range parts {
		s := ir.Segment{Literal: part}
		switch {
		case part == "":
			fail(offset, "a segment of the topic is empty", "segments stand between colons: room:{room_id}")
		case strings.HasPrefix(part, "{") && strings.HasSuffix(part, "}"):
			s = c.parameter(n, part, offset, fail)
			if s.Rest && i != len(parts)-1 {
				fail(offset, fmt.Sprintf("%s takes everything that is left, so it stands last", part), "")
			}
			if s.Param != "" {
				params.claim(names.Go(s.Param), c.within(n, offset), "the parameter %s", s.Param)
			}
		case strings.ContainsAny(part, "{}"):
			fail(offset, fmt.Sprintf("the segment %q is neither a literal nor one parameter", shorten(part)), "put a colon between them")
		case strings.Contains(part, "*"):
			fail(offset, "* is no wildcard here", "write {rest*}, which takes everything that is left")
		case strings.ContainsFunc(part, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
			fail(offset, "a topic holds no spaces", "")
		default:
			literals += len(part)
		}
		t.Segments = append(t.Segments, s)
		offset += len(part) + 1
	}
	if literals+len(parts)-1 > maxTopic {
		tooLong()
	}
	if n.value == "phoenix" {
		c.report(n.pos, ruleReservedName, "the topic phoenix belongs to the protocol", "choose another name")
	}
	if len(c.problems) > before {
		t.Segments = nil // nothing can be said about it beside others
	}
	return t
}

// splitTopic splits at the colons outside of braces.
func splitTopic(pattern string) []string {
	var parts []string
	start, inside := 0, false
	for i := range len(pattern) {
		switch pattern[i] {
		case '{':
			inside = true
		case '}':
			inside = false
		case ':':
			if !inside {
				parts = append(parts, pattern[start:i])
				start = i + 1
			}
		}
	}
	return append(parts, pattern[start:])
}

// parameter reads {name}, {name:int}, {name:uuid} or {name*}.
func (c *checker) parameter(n *node, part string, offset int, fail func(int, string, string)) ir.Segment {
	inner := part[1 : len(part)-1]
	name, kind, typed := strings.Cut(inner, ":")
	name, rest := strings.CutSuffix(name, "*")
	s := ir.Segment{Param: name, Kind: ir.String, Rest: rest}
	if !c.identifierName(name, c.within(n, offset+1), "a topic parameter") {
		return ir.Segment{}
	}
	switch {
	case !typed:
	case rest:
		fail(offset, part+" takes everything that is left, which has no type", "write {"+name+"*}")
	case kind == "int" || kind == "uuid":
		s.Kind = ir.Kind(kind)
	default:
		fail(offset, fmt.Sprintf("a topic parameter is {name}, {name:int}, {name:uuid} or {name*}, not %q", shorten(part)), "")
	}
	return s
}
