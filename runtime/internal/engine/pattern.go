package engine

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chgen/chgen/runtime/codec"
)

// maxTopicBytes is how long a topic may be: binary frames have one byte for it.
const maxTopicBytes = 255

// segmentKind is what a segment of a pattern takes. The order is from narrow to wide.
type segmentKind uint8

const (
	literal   segmentKind = iota
	intParam              // the canonical spelling of an int
	uuidParam             // the canonical spelling of a uuid
	textParam             // at least one character
	restParam             // everything that is left, also nothing, colons included
)

type segment struct {
	kind segmentKind
	text string // of a literal; else the parameter's name
}

// pattern is a topic pattern: segments between colons.
type pattern []segment

func parsePattern(text string) (pattern, error) {
	var p pattern
	parts := strings.Split(text, ":")
	for i := 0; i < len(parts); i++ {
		part := parts[i]
		if !strings.HasPrefix(part, "{") {
			p = append(p, segment{literal, part})
			continue
		}
		// {id:int} holds a colon of its own.
		if !strings.HasSuffix(part, "}") && i+1 < len(parts) {
			i++
			part += ":" + parts[i]
		}
		if !strings.HasSuffix(part, "}") {
			return nil, fmt.Errorf("topic pattern %q: a parameter does not end", text)
		}
		name, kind := part[1:len(part)-1], textParam
		switch {
		case strings.HasSuffix(name, "*"):
			name, kind = strings.TrimSuffix(name, "*"), restParam
			if i != len(parts)-1 {
				return nil, fmt.Errorf("topic pattern %q: {%s*} is not last", text, name)
			}
		case strings.HasSuffix(name, ":int"):
			name, kind = strings.TrimSuffix(name, ":int"), intParam
		case strings.HasSuffix(name, ":uuid"):
			name, kind = strings.TrimSuffix(name, ":uuid"), uuidParam
		}
		if name == "" || strings.ContainsAny(name, "{}:*") {
			return nil, fmt.Errorf("topic pattern %q: what is %q?", text, part)
		}
		p = append(p, segment{kind, name})
	}
	return p, nil
}

// match returns the parameters of topic, and whether it matches.
func (p pattern) match(topic string) (params []string, ok bool) {
	if len(topic) > maxTopicBytes {
		return nil, false
	}
	if !p.matches(topic) {
		return nil, false
	}
	for _, s := range p {
		part, rest, _ := strings.Cut(topic, ":")
		if s.kind == restParam {
			part = topic
		}
		if s.kind != literal {
			params = append(params, part)
		}
		topic = rest
	}
	return params, true
}

func (p pattern) matches(topic string) bool {
	for i, s := range p {
		if s.kind == restParam {
			return true
		}
		part, rest, more := strings.Cut(topic, ":")
		if more != (i < len(p)-1) || !s.takes(part) {
			return false
		}
		topic = rest
	}
	return true
}

// takes reports whether the parameter, or literal, takes part, which holds no colon.
func (s segment) takes(part string) bool {
	switch s.kind {
	case literal:
		return part == s.text
	case intParam:
		n, err := strconv.ParseInt(part, 10, 64)
		return err == nil && -codec.MaxInt <= n && n <= codec.MaxInt && strconv.FormatInt(n, 10) == part
	case uuidParam:
		return isUUID(part)
	default:
		return part != ""
	}
}

// isUUID reports whether s is a uuid as it is written canonically: 8-4-4-4-12 hexadecimal digits in small letters.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// topic fills the parameters in. It fails for what no client could have joined.
func (p pattern) topic(params []string) (string, error) {
	var b strings.Builder
	n := 0
	for i, s := range p {
		if i > 0 {
			b.WriteByte(':')
		}
		if s.kind == literal {
			b.WriteString(s.text)
			continue
		}
		if n >= len(params) {
			return "", fmt.Errorf("topic: the parameter %s is missing", s.text)
		}
		value := params[n]
		n++
		if s.kind != restParam && (strings.Contains(value, ":") || !s.takes(value)) || !utf8.ValidString(value) {
			return "", fmt.Errorf("topic: %q cannot be the parameter %s", value, s.text)
		}
		b.WriteString(value)
	}
	if n != len(params) {
		return "", fmt.Errorf("topic: %d parameters are too many, it has %d", len(params), n)
	}
	if b.Len() > maxTopicBytes {
		return "", fmt.Errorf("topic: %d bytes are too long, it may have %d", b.Len(), maxTopicBytes)
	}
	return b.String(), nil
}

// relation says how the topics of one pattern lie to those of another.
type relation uint8

const (
	disjoint relation = iota
	equal
	narrower
	wider
	overlapping
)

// compare returns how the topics of p lie to those of q.
func (p pattern) compare(q pattern) relation {
	result := equal
	for i := 0; ; i++ {
		switch {
		case i == len(p) && i == len(q):
			return result
		case i == len(p) || i == len(q):
			return disjoint // a rest has been met before
		case p[i].kind == restParam && q[i].kind == restParam:
			return result
		case q[i].kind == restParam:
			return result.and(narrower)
		case p[i].kind == restParam:
			return result.and(wider)
		}
		result = result.and(p[i].compare(q[i]))
		if result == disjoint {
			return disjoint
		}
	}
}

func (s segment) compare(other segment) relation {
	switch {
	case s.kind == literal && other.kind == literal:
		if s.text == other.text {
			return equal
		}
		return disjoint
	case s.kind == other.kind:
		return equal
	case s.kind == literal:
		if other.takes(s.text) {
			return narrower
		}
		return disjoint
	case other.kind == literal:
		if s.takes(other.text) {
			return wider
		}
		return disjoint
	case s.kind == textParam:
		return wider
	case other.kind == textParam:
		return narrower
	}
	return disjoint // an int and a uuid
}

// and combines the relations of two parts of a pattern.
func (r relation) and(s relation) relation {
	switch {
	case r == disjoint || s == disjoint:
		return disjoint
	case r == equal:
		return s
	case s == equal || r == s:
		return r
	}
	return overlapping
}
