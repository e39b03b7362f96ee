package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/chgen/chgen/schema/ir"
)

const (
	maxBytes      = 1 << 20
	maxNesting    = 64
	byteOrderMark = "\uFEFF"
)

// kind says what a node is.
type kind int

const (
	bad     kind = iota // has been reported already: whoever meets it says nothing more
	null                // no value
	text                // a text
	literal             // a bool or a number: value has its spelling
	mapping
	sequence
)

func (k kind) String() string {
	return [...]string{"nothing", "nothing", "a text", "a bool or number", "a mapping", "a list"}[k]
}

// node is a place in the file and what stands there: YAML without what a schema may not use.
type node struct {
	pos    ir.Pos
	kind   kind
	value  string // of text and literal
	quoted bool
	pairs  []pair  // of mapping; no key stands twice
	items  []*node // of sequence
}

type pair struct {
	key, value *node
}

// parser turns YAML into nodes.
type parser struct {
	lines    []string
	problems Problems
	tooDeep  *Problem
	last     place
}

// place is a column of a line, in characters and in bytes, from which the next one on that line is counted: a line can
// be a whole file long.
type place struct {
	line, chars, bytes int
}

// parseSyntax returns nil where nothing can be made of the file.
func parseSyntax(src []byte) (*node, Problems) {
	p := &parser{lines: splitLines(src)}
	if !p.acceptText(src) {
		return nil, p.problems
	}
	src = bytes.TrimPrefix(src, []byte(byteOrderMark))
	docs, err := decode(src)
	if err != nil {
		p.problems = append(p.problems, p.syntaxError(src, err))
		return nil, p.problems
	}
	if len(docs) == 0 || len(docs) == 1 && docs[0].Content[0].ShortTag() == "!!null" {
		p.report(ir.Pos{Line: 1, Col: 1}, ruleEmptyFile, "the file holds no schema", "begin with: version: 1")
		return nil, p.problems
	}
	if len(docs) > 1 {
		p.report(p.pos(docs[1]), ruleSecondDocument, "a second document begins here",
			"a file holds one schema: remove the --- or make it a file of its own")
	}
	root := p.node(docs[0].Content[0], 1)
	if p.tooDeep != nil {
		return nil, Problems{*p.tooDeep} // whatever else there is comes from that
	}
	return root, p.problems
}

// decode returns the documents of the file as yaml sees them.
func decode(src []byte) (docs []*yaml.Node, err error) {
	// The library reports its own errors by panics and catches only those that it knows.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(src))
	for len(docs) < 2 {
		var doc yaml.Node
		switch err := decoder.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, err
		}
		docs = append(docs, &doc)
	}
	return docs, nil
}

// acceptText refuses what is no text, or none that editors and YAML count lines of in the same way.
func (p *parser) acceptText(src []byte) bool {
	if len(src) > maxBytes {
		p.report(ir.Pos{Line: 1, Col: 1}, ruleFileTooLarge,
			fmt.Sprintf("the file has %d bytes; at most %d are read", len(src), maxBytes), "split it into several schemas")
		return false
	}
	before := len(p.problems)
	for i, line := range p.lines {
		for col := 0; col < len(line); {
			r, size := utf8.DecodeRuneInString(line[col:])
			pos := ir.Pos{Line: i + 1, Col: col + 1}
			switch {
			case r == utf8.RuneError && size == 1:
				p.report(pos, ruleNotUTF8, fmt.Sprintf("byte 0x%02x is no UTF-8", line[col]), "save the file as UTF-8")
				return false
			case r < ' ' && r != '\t' || r >= 0x7F && r < 0xA0 || r == 0x2028 || r == 0x2029 || r == 0xFEFF || r >= 0xFFFE && r <= 0xFFFF:
				p.report(pos, ruleBadCharacter, fmt.Sprintf("the character U+%04X cannot stand here", r),
					fmt.Sprintf(`inside double quotes, write "\u%04X"`, r))
				size = len(line) - col // there are often many, for one reason
			}
			col += size
		}
	}
	return len(p.problems) == before
}

func (p *parser) report(at ir.Pos, rule, message, hint string) {
	p.problems = append(p.problems, Problem{Pos: at, Rule: rule, Message: message, Hint: hint})
}

// pos turns a place that yaml counts in characters into one that lies inside the file and counts in bytes.
func (p *parser) pos(n *yaml.Node) ir.Pos {
	line := min(max(n.Line, 1), len(p.lines))
	if n.Line > line {
		return ir.Pos{Line: line, Col: len(p.lines[line-1]) + 1}
	}
	p.last = p.last.to(line, n.Column, p.lines[line-1])
	return ir.Pos{Line: line, Col: p.last.bytes}
}

// to returns the place of a column that is counted in characters, or of the end of the line where it is shorter.
func (from place) to(line, chars int, text string) place {
	if from.line != line || from.chars > chars {
		from = place{line, 1, 1}
	}
	for from.chars < chars && from.bytes <= len(text) {
		_, size := utf8.DecodeRuneInString(text[from.bytes-1:])
		from.chars, from.bytes = from.chars+1, from.bytes+size
	}
	return from
}

func (p *parser) node(y *yaml.Node, depth int) *node {
	n := &node{pos: p.pos(y)}
	tag := y.Tag
	if y.Style&yaml.TaggedStyle == 0 {
		tag = "!" // where there is one, it has no name
	}
	switch {
	case y.Kind == yaml.AliasNode:
		p.report(n.pos, ruleAnchor, "aliases are not part of the language", "declare a type instead")
		return n
	case y.Anchor != "":
		p.report(n.pos, ruleAnchor, "anchors are not part of the language", "declare a type instead")
	case strings.HasPrefix(p.lines[n.pos.Line-1][n.pos.Col-1:], "!"): // of a tag without a name the library tells nothing
		p.report(n.pos, ruleTag, fmt.Sprintf("the tag %s is not part of the language", tag), "remove it; quotes make a text of anything")
		return n
	}
	if depth > maxNesting && y.Kind != yaml.ScalarNode {
		if p.tooDeep == nil {
			problem := tooDeep(n.pos)
			p.tooDeep = &problem
		}
		return n
	}
	switch y.Kind {
	case yaml.MappingNode:
		n.kind = mapping
		p.pairs(n, y.Content, depth)
	case yaml.SequenceNode:
		n.kind = sequence
		for _, item := range y.Content {
			n.items = append(n.items, p.node(item, depth+1))
		}
	default:
		p.scalar(n, y)
	}
	return n
}

func (p *parser) scalar(n *node, y *yaml.Node) {
	n.value = y.Value
	n.quoted = y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	switch y.ShortTag() {
	case "!!null":
		n.kind = null
	case "!!bool", "!!int", "!!float":
		n.kind = literal
	default:
		n.kind = text // also what yaml takes for a date: here it is text
	}
}

// pairs keeps the first of keys that stand twice.
func (p *parser) pairs(n *node, content []*yaml.Node, depth int) {
	seen := map[string]*node{}
	for i := 0; i+1 < len(content); i += 2 {
		y := content[i]
		if y.Kind == yaml.ScalarNode && y.ShortTag() == "!!merge" {
			p.report(p.pos(y), ruleAnchor, "merge keys are not part of the language", "declare a type instead")
			continue
		}
		key, value := p.node(y, depth+1), p.node(content[i+1], depth+1)
		if key.kind == mapping || key.kind == sequence {
			p.report(key.pos, ruleBadKey, "a key is a text, not "+key.kind.String(), "quote text that begins with { or [")
			continue
		}
		if key.kind == bad {
			continue
		}
		if value.kind == null {
			value.pos = key.pos // an absent value has no place of its own
		}
		if first := seen[key.value]; first != nil {
			p.problems = append(p.problems, Problem{
				Pos: key.pos, Rule: ruleDuplicateKey, Message: fmt.Sprintf("the key %q stands here twice", key.value),
				Other: &Related{Pos: first.pos, Message: "the first one"},
			})
			continue
		}
		seen[key.value] = key
		n.pairs = append(n.pairs, pair{key, value})
	}
}
