package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chgen/chgen/schema/ir"
)

func (c *checker) report(at ir.Pos, rule, message, hint string) {
	c.problems = append(c.problems, Problem{Pos: at, Rule: rule, Message: message, Hint: hint})
}

func (c *checker) clash(at ir.Pos, rule, message, hint string, other ir.Pos, otherMessage string) {
	c.problems = append(c.problems, Problem{
		Pos: at, Rule: rule, Message: message, Hint: hint, Other: &Related{Pos: other, Message: otherMessage},
	})
}

// wrongShape says what stands at n where something else is wanted.
func (c *checker) wrongShape(n *node, wanted, hint string) {
	if n.kind != bad {
		c.report(n.pos, ruleWrongShape, fmt.Sprintf("%s is wanted here, not %s", wanted, n.kind), hint)
	}
}

// object reads a mapping that has a fixed set of keys. What is absent is nil in the result.
func (c *checker) object(n *node, what string, keys ...string) (map[string]*node, bool) {
	pairs, ok := c.entries(n, what)
	if !ok {
		return nil, false
	}
	values := map[string]*node{}
	for _, p := range pairs {
		if !slices.Contains(keys, p.key.value) {
			hint := c.suggest(p.key.value, keys)
			if hint == "" {
				hint = "known here: " + strings.Join(keys, ", ")
			}
			c.report(p.key.pos, ruleUnknownKey, fmt.Sprintf("%s has no key %q", what, p.key.value), hint)
			continue
		}
		values[p.key.value] = p.value
	}
	return values, true
}

// entries reads a mapping whose keys are names. Keys that begin with x- are free and left out.
func (c *checker) entries(n *node, what string) ([]pair, bool) {
	if n.kind != mapping {
		c.wrongShape(n, what+" (a mapping)", "")
		return nil, false
	}
	free := func(p pair) bool { return strings.HasPrefix(p.key.value, "x-") }
	if slices.ContainsFunc(n.pairs, free) {
		return slices.DeleteFunc(slices.Clone(n.pairs), free), true
	}
	return n.pairs, true
}

// text reads a text; n may be nil.
func (c *checker) text(n *node, what string) string {
	switch {
	case n == nil:
	case n.kind == text:
		return n.value
	case n.kind == literal:
		c.wrongShape(n, what+" (a text)", "put it in quotes: "+strconv.Quote(n.value))
	default:
		c.wrongShape(n, what+" (a text)", "")
	}
	return ""
}

// prose reads a text that generated code carries in its comments; n may be nil.
func (c *checker) prose(n *node, what string) string {
	said := c.text(n, what)
	if i := strings.IndexFunc(said, unprintable); i >= 0 {
		r, _ := utf8.DecodeRuneInString(said[i:])
		c.report(n.pos, ruleBadValue, fmt.Sprintf("%s holds U+%04X, which comments of generated code cannot", what, r), "leave it out")
		return ""
	}
	return said
}

// unprintable also takes the line ends that TypeScript knows beside those of Go.
func unprintable(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == 0xfeff || r == 0x2028 || r == 0x2029
}

// filled reads a text that is not empty; n may be nil.
func (c *checker) filled(n *node, what string) string {
	if n != nil && n.kind == text && n.value == "" {
		c.report(n.pos, ruleBadValue, what+" is empty", "leave the key out")
	}
	return c.text(n, what)
}

// boolean reads true or false; n may be nil.
func (c *checker) boolean(n *node, what string) bool {
	if n == nil {
		return false
	}
	if value, ok := n.boolean(); ok {
		return value
	}
	c.wrongShape(n, what+" (true or false)", "")
	return false
}

// boolean takes the two spellings that YAML and JSON share.
func (n *node) boolean() (value, ok bool) {
	return n.value == "true", n.kind == literal && (n.value == "true" || n.value == "false")
}

// deprecated reads a text, or true where there is nothing more to say; n may be nil.
func (c *checker) deprecated(n *node) string {
	if n == nil || n.kind == text {
		c.filled(n, "deprecated")
		return c.prose(n, "deprecated")
	}
	if value, ok := n.boolean(); ok && value {
		return "deprecated"
	} else if !ok {
		c.wrongShape(n, "deprecated (a text that says what to use instead, or true)", "")
	}
	return ""
}

// count reads a whole number from min to 2^31-1; n may be nil.
func (c *checker) count(n *node, what string, least int) *int {
	if n == nil || n.kind == bad {
		return nil
	}
	value, err := strconv.ParseInt(n.value, 10, 32)
	if n.kind != literal || err != nil || !integer.MatchString(n.value) || value < int64(least) {
		c.report(n.pos, ruleBadValue, fmt.Sprintf("%s is a whole number of at least %d", what, least), "")
		return nil
	}
	result := int(value)
	return &result
}

// within is the place of a byte of a text. Where the file spells the text otherwise (with escapes, over several lines)
// it is the place of the whole.
func (c *checker) within(n *node, offset int) ir.Pos {
	at := n.pos
	if n.quoted {
		at.Col++
	}
	line := c.lines[at.Line-1]
	if at.Col > len(line) || !strings.HasPrefix(line[at.Col-1:], n.value) {
		return n.pos
	}
	at.Col += offset
	return at
}
