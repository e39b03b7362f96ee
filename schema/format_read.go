package schema

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// piece is a node with the text that spells it and the comments that go with it.
type piece struct {
	kind    kind     // mapping, sequence or, for all scalars, text; null where nothing is written
	value   string   // of a scalar: what it says
	lines   []string // of a scalar: how it is spelled, without what indents its further lines
	block   bool     // of a scalar: it begins with | or >; lines[0] is that line
	keep    bool     // of such a scalar: the blank lines at its end belong to it
	flow    bool     // of a collection: between brackets
	spread  bool     // of a collection: over several lines
	entries []*entry
	tail    []comment // on lines of their own after the last entry
}

// entry is a key with its value, or an item of a sequence.
type entry struct {
	above []comment // on lines of their own
	blank bool      // a blank line stands directly above
	key   *piece    // nil in a sequence
	value *piece
	after *comment // at the end of the line
}

type comment struct {
	text  string // from the # on
	col   int    // how many characters stand before it
	blank bool   // a blank line stands directly above
}

// beside puts a comment at the end of the line, or above it where there is one already.
func (e *entry) beside(c *comment) {
	switch {
	case c == nil:
	case e.after == nil:
		e.after = c
	default:
		e.above = append(e.above, *c)
	}
}

// comments appends the texts of all comments, here and below.
func (p *piece) comments(all []string) []string {
	for _, e := range p.entries {
		for _, c := range e.above {
			all = append(all, c.text)
		}
		if e.after != nil {
			all = append(all, e.after.text)
		}
		all = e.value.comments(all)
	}
	for _, c := range p.tail {
		all = append(all, c.text)
	}
	return all
}

// pieceReader walks the nodes that the YAML library has found, and with them through the source: what lies between two
// nodes is space, punctuation and comments.
type pieceReader struct {
	src   []byte
	lines []int // where each line begins
	last  place // the node before
	pos   int   // everything before it has been read
}

func readPieces(src []byte) (*piece, error) {
	docs, err := decode(src)
	if err != nil {
		return nil, err
	}
	if len(docs) == 0 {
		return &piece{kind: null}, nil
	}
	r := &pieceReader{src: src, lines: []int{0}}
	for i, ch := range src {
		if ch == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	root := &entry{}
	r.value(root, docs[0].Content[0], -1, "")
	p := root.value
	if root.after != nil {
		p.tail = append(p.tail, *root.after)
	}
	rest, _ := r.gap(len(src))
	p.tail = append(p.tail, rest...)
	if len(p.entries) > 0 {
		p.entries[0].above = append(root.above, p.entries[0].above...)
	} else {
		p.tail = append(root.above, p.tail...)
	}
	return p, nil
}

// value reads the value of e. Indent is the column of the block that it stands in, and separator what may stand
// between it and a comment beside it.
func (r *pieceReader) value(e *entry, y *yaml.Node, indent int, separator string) {
	switch {
	case y.Kind == yaml.ScalarNode && absent(y):
		e.value = &piece{kind: null}
		e.beside(r.besides(separator))
	case y.Kind == yaml.ScalarNode:
		e.value = r.scalar(e, y, indent, separator != "")
		e.beside(r.besides(separator))
	case y.Style&yaml.FlowStyle != 0:
		r.flow(e, y, indent, separator)
	default:
		r.block(e, y, indent)
	}
}

func absent(y *yaml.Node) bool {
	return y.Value == "" && y.Style&^yaml.TaggedStyle == 0
}

func newPiece(y *yaml.Node) *piece {
	p := &piece{kind: mapping}
	if y.Kind == yaml.SequenceNode {
		p.kind = sequence
	}
	return p
}

// flow reads a collection between brackets.
func (r *pieceReader) flow(e *entry, y *yaml.Node, indent int, separator string) {
	p, start := newPiece(y), r.offset(y)
	p.flow = true
	e.value = p
	bracket := start < len(r.src) && (r.src[start] == '[' || r.src[start] == '{') // else [a: b], short for [{a: b}]
	if bracket {
		above, _ := r.gap(start)
		e.above = append(e.above, above...)
		r.pos = start + 1
	}
	r.children(p, y, indent, ",")
	if bracket {
		p.tail, _ = r.gap(r.next("]}"))
		r.pos = min(r.pos+1, len(r.src))
		p.spread = bytes.IndexByte(r.src[start:r.pos], '\n') >= 0
		if len(p.entries) == 0 {
			e.above, p.tail = append(e.above, p.tail...), nil
		}
		e.beside(r.besides(separator))
	}
}

// block reads a collection without brackets; parent is the column of the block that it stands in.
func (r *pieceReader) block(e *entry, y *yaml.Node, parent int) {
	p := newPiece(y)
	p.spread = true
	e.value = p
	indent := y.Column - 1
	r.children(p, y, indent, "")
	p.tail = r.tail(parent + 1)
}

func (r *pieceReader) children(p *piece, y *yaml.Node, indent int, separator string) {
	if p.kind == sequence {
		for _, item := range y.Content {
			e := &entry{}
			if separator == "" {
				e.above, e.blank = r.gap(r.next("-"))
				r.pos = min(r.pos+1, len(r.src))
			} else if !absent(item) {
				e.above, e.blank = r.gap(r.offset(item))
			}
			r.value(e, item, indent, separator)
			p.entries = append(p.entries, e)
		}
		return
	}
	for i := 0; i+1 < len(y.Content); i += 2 {
		e, key := &entry{}, y.Content[i]
		if key.Kind == yaml.ScalarNode && !absent(key) {
			e.above, e.blank = r.gap(r.offset(key))
			e.key = r.scalar(e, key, indent, separator != "")
		} else {
			e.key = &piece{kind: null}
		}
		e.beside(r.besides(":"))
		r.value(e, y.Content[i+1], indent, separator)
		p.entries = append(p.entries, e)
	}
}

// gap reads up to offset and returns the comments on the way; blank says that a blank line stands after the last.
func (r *pieceReader) gap(offset int) (comments []comment, blank bool) {
	newlines := 0
	for r.pos < offset {
		switch ch := r.src[r.pos]; ch {
		case '#':
			c := r.comment()
			c.blank = blank
			comments = append(comments, *c)
			newlines, blank = 0, false
			continue
		case '\n':
			newlines++
			blank = blank || newlines > 1
		case ' ', '\t':
		default:
			newlines = 0
		}
		r.pos++
	}
	return comments, blank
}

// comment reads the comment that begins here, but not the end of its line.
func (r *pieceReader) comment() *comment {
	start := r.pos
	r.pos = r.lineEnd(start)
	line := r.src[bytes.LastIndexByte(r.src[:start], '\n')+1 : start]
	return &comment{text: strings.TrimRight(string(r.src[start:r.pos]), " \t"), col: utf8.RuneCount(line)}
}

// besides reads a comment that follows on the same line, after the character that may separate it.
func (r *pieceReader) besides(separator string) *comment {
	i := r.skipSpace(r.pos)
	if separator != "" && i < len(r.src) && r.src[i] == separator[0] {
		i = r.skipSpace(i + 1)
	}
	if i == len(r.src) || r.src[i] != '#' {
		return nil
	}
	r.pos = i
	return r.comment()
}

func (r *pieceReader) skipSpace(offset int) int {
	return len(r.src) - len(bytes.TrimLeft(r.src[offset:], " \t"))
}

// tail reads the comments on lines of their own that stand at a column of at least indent.
func (r *pieceReader) tail(indent int) (comments []comment) {
	blank := false
	for at := r.lineEnd(r.pos) + 1; at < len(r.src); {
		end := r.lineEnd(at)
		line := r.src[at:end]
		text := bytes.TrimLeft(line, " \t")
		switch {
		case len(text) == 0:
			blank = true
		case text[0] == '#' && len(line)-len(text) >= indent:
			r.pos = end - len(text)
			c := r.comment()
			c.blank, blank = blank, false
			comments = append(comments, *c)
		default:
			return comments
		}
		at = end + 1
	}
	return comments
}

// next returns where the first of these characters stands that is in no comment.
func (r *pieceReader) next(chars string) int {
	for i := r.pos; i < len(r.src); i++ {
		if r.src[i] == '#' {
			i = r.lineEnd(i)
		} else if strings.IndexByte(chars, r.src[i]) >= 0 {
			return i
		}
	}
	return len(r.src)
}

func (r *pieceReader) lineEnd(offset int) int {
	if i := bytes.IndexByte(r.src[min(offset, len(r.src)):], '\n'); i >= 0 {
		return offset + i
	}
	return len(r.src)
}

// offset is where a node begins. The library counts columns in characters.
func (r *pieceReader) offset(y *yaml.Node) int {
	if y.Line > len(r.lines) {
		return len(r.src)
	}
	start := r.lines[y.Line-1]
	r.last = r.last.to(y.Line, y.Column, string(r.src[start:r.lineEnd(start)]))
	return start + r.last.bytes - 1
}
