package compat

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/chgen/chgen/schema/ir"
)

// channels compares each channel with those that serve its topics now, whatever they are called. Patterns are compared
// by topics that stand for all the others: parameters with values that no literal has.
func (c *comparison) channels() {
	s := c.samples()
	for _, old := range c.old.Channels {
		topics := s.common(old.Topic.Segments, old.Topic.Segments)
		for _, now := range c.now.Channels {
			topics = append(topics, s.common(old.Topic.Segments, now.Topic.Segments)...)
		}
		var serving []*ir.Channel
		unserved := false
		for _, topic := range topics {
			if route(c.old.Channels, topic) != old {
				continue
			}
			switch now := route(c.now.Channels, topic); {
			case now == nil:
				unserved = true
			case !slices.Contains(serving, now):
				serving = append(serving, now)
			}
		}
		c.served(old, serving, unserved)
	}
}

// served compares a channel with those that serve its topics now; unserved says that some are not served.
func (c *comparison) served(old *ir.Channel, serving []*ir.Channel, unserved bool) {
	named := slices.IndexFunc(c.now.Channels, func(now *ir.Channel) bool { return now.Name == old.Name })
	if len(serving) == 0 && named < 0 {
		c.report(ruleChannelRemoved, place{old: old.Pos, now: top}, "the channel %s is removed, and nothing matches %s any more",
			old.Name, old.Topic.Pattern)
		return
	}
	if len(serving) == 0 {
		serving = []*ir.Channel{c.now.Channels[named]}
	}
	heir := serving[0]
	if slices.ContainsFunc(serving, func(now *ir.Channel) bool { return now.Name == old.Name }) {
		heir = c.now.Channels[named]
	}
	if unserved {
		c.report(ruleTopicChanged, place{old: old.Topic.Pos, now: heir.Topic.Pos}, "some topics of %s match no channel any more: %s becomes %s",
			old.Name, old.Topic.Pattern, heir.Topic.Pattern)
	}
	c.channel(old, heir)
	for _, other := range serving {
		if other != heir {
			c.taken(old, other)
		}
	}
}

// taken compares a channel with another one that takes some of its topics.
func (c *comparison) taken(old, by *ir.Channel) {
	inner := &comparison{old: c.old, now: c.now, done: map[pair]bool{}}
	inner.channel(old, by)
	if len(inner.changes) > 0 {
		c.report(ruleTopicTaken, place{old: old.Topic.Pos, now: by.Topic.Pos}, "%s takes topics from %s (%s), and %s",
			by.Topic.Pattern, old.Name, old.Topic.Pattern, inner.changes[0].Message)
	}
}

// samples are values of topic parameters that no literal of either schema has.
type samples map[ir.Kind]string

func (c *comparison) samples() samples {
	literals := map[string]bool{}
	for _, ch := range slices.Concat(c.old.Channels, c.now.Channels) {
		for _, s := range ch.Topic.Segments {
			literals[s.Literal] = true
		}
	}
	n := 1_000_000_000_000 // twelve digits and one, so that it ends a uuid without its first
	for literals[strconv.Itoa(n)] || literals[uuidOf(n)] {
		n++
	}
	return samples{ir.String: "some text", ir.Int: strconv.Itoa(n), ir.UUID: uuidOf(n)} // literals hold no spaces
}

func uuidOf(n int) string { return "00000000-0000-4000-8000-" + strconv.Itoa(n)[1:] }

// common returns topics that both patterns match and that stand for all such topics.
func (s samples) common(p, q []ir.Segment) []string {
	if len(p) == 0 || len(q) == 0 {
		return nil
	}
	if p[0].Rest {
		return s.all(q)
	}
	if q[0].Rest {
		return s.all(p)
	}
	part, ok := s.value(p[0], q[0])
	switch {
	case !ok:
		return nil
	case len(p) == 1 && len(q) == 1:
		return []string{part}
	}
	return prefixed(part, s.common(p[1:], q[1:]))
}

// all returns topics that stand for all that the segments match.
func (s samples) all(p []ir.Segment) []string {
	if p[0].Rest {
		return []string{s[ir.String], s[ir.String] + ":" + s[ir.String], ""}
	}
	part, _ := s.value(p[0], p[0])
	if len(p) == 1 {
		return []string{part}
	}
	return prefixed(part, s.all(p[1:]))
}

func prefixed(part string, topics []string) []string {
	for i := range topics {
		topics[i] = part + ":" + topics[i]
	}
	return topics
}

// value is what both segments take, if there is something.
func (s samples) value(a, b ir.Segment) (string, bool) {
	if a.Param == "" {
		return a.Literal, takesPart(b, a.Literal)
	}
	if b.Param == "" {
		return b.Literal, takesPart(a, b.Literal)
	}
	if a.Kind == ir.String {
		return s[b.Kind], true
	}
	return s[a.Kind], takesPart(b, s[a.Kind])
}

// route is the channel that serves a topic: of those that match the most specific, nil where there is none.
func route(channels []*ir.Channel, topic string) *ir.Channel {
	var found *ir.Channel
	for _, ch := range channels {
		if matches(ch.Topic.Segments, topic) && (found == nil || moreSpecific(ch.Topic.Segments, found.Topic.Segments)) {
			found = ch
		}
	}
	return found
}

func matches(p []ir.Segment, topic string) bool {
	for i, s := range p {
		if s.Rest {
			return true
		}
		part, rest, more := strings.Cut(topic, ":")
		if more != (i < len(p)-1) || !takesPart(s, part) {
			return false
		}
		topic = rest
	}
	return len(p) > 0
}

var (
	canonicalInt  = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,15})$`)
	canonicalUUID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// takesPart reports whether a segment takes a text without colons.
func takesPart(s ir.Segment, part string) bool {
	switch {
	case s.Param == "":
		return part == s.Literal
	case s.Kind == ir.Int:
		n, err := strconv.ParseInt(part, 10, 64)
		return err == nil && canonicalInt.MatchString(part) && -maxInt <= n && n <= maxInt
	case s.Kind == ir.UUID:
		return canonicalUUID.MatchString(part)
	}
	return part != ""
}

// moreSpecific compares two patterns that match one topic: what differs first decides, for the schema has seen to it
// that one lies inside the other.
func moreSpecific(p, q []ir.Segment) bool {
	for i := range min(len(p), len(q)) {
		if a, b := width(p[i]), width(q[i]); a != b {
			return a < b
		}
	}
	return false
}

func width(s ir.Segment) int {
	switch {
	case s.Param == "":
		return 0
	case s.Rest:
		return 3
	case s.Kind == ir.String:
		return 2
	}
	return 1
}
