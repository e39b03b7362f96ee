package schema

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// formatWidth is how many columns a collection between brackets may take that was spread over several lines.
const formatWidth = 100

// parts are the keys of a schema that a blank line stands before, as before every other block at the top.
var parts = []string{"options", "connect", "types", "errors", "channels"}

// modeline is how a comment begins that tells editors where the JSON Schema is.
const modeline = "# yaml-language-server:"

// keepHeader leaves at the top of the file what stands there about all of it: a modeline, and comments that a blank
// line follows. Top is the entry that was the first one before all were arranged.
func (p *piece) keepHeader(top *entry) {
	first := p.entries[0]
	if first == top {
		return
	}
	n, blank := 0, false
	for i, c := range top.above {
		followed := top.blank
		if i+1 < len(top.above) {
			followed = top.above[i+1].blank
		}
		if followed || strings.HasPrefix(c.text, modeline) {
			n, blank = i+1, followed
		}
	}
	if n == 0 {
		return
	}
	if len(first.above) > 0 {
		first.above[0].blank = blank
	} else {
		first.blank = blank
	}
	first.above = append(slices.Clone(top.above[:n]), first.above...)
	top.above = top.above[n:]
}

// formatter writes pieces.
type formatter struct {
	b    strings.Builder
	kept bool // the last line belongs to a text that ends in blank lines: another one would be part of it
}

func (w *formatter) root(p *piece) {
	for i, e := range p.entries {
		if i > 0 && (slices.Contains(parts, e.key.value) || e.value.asBlock(len(e.key.label())+1)) {
			if len(e.above) > 0 {
				e.above[0].blank = true
			} else {
				e.blank = true
			}
		}
	}
	w.collection(p, 0)
}

// line writes a line of the text, with a comment at its end.
func (w *formatter) line(indent int, text string, after *comment) {
	if text != "" {
		text = strings.Repeat(" ", indent) + text
	}
	w.b.WriteString(text)
	if after != nil {
		space := after.col - utf8.RuneCountInString(text)
		if space < 1 {
			space = 2
		}
		w.b.WriteString(strings.Repeat(" ", space) + after.text)
	}
	w.b.WriteByte('\n')
	w.kept = false
}

func (w *formatter) blank(wanted bool) {
	if wanted && !w.kept {
		w.b.WriteByte('\n')
	}
}

// collection writes a mapping or a sequence as a block.
func (w *formatter) collection(p *piece, indent int) {
	for i, e := range p.entries {
		for j, c := range e.above {
			w.blank(c.blank && i+j > 0)
			w.line(indent, c.text, nil)
		}
		w.blank(e.blank && i+len(e.above) > 0)
		if p.kind == sequence {
			w.item(e, indent)
		} else {
			w.labelled(e.key.label(), e, indent)
		}
	}
	for _, c := range p.tail {
		w.blank(c.blank)
		w.line(indent, c.text, nil)
	}
}

// item writes an item of a sequence. A block begins on the line of the dash; comments above its first line go above
// the dash.
func (w *formatter) item(e *entry, indent int) {
	if !e.value.asBlock(indent + 2) {
		w.labelled("-", e, indent)
		return
	}
	inner := &formatter{}
	inner.collection(e.value, indent+2)
	if e.after != nil {
		w.line(indent, e.after.text, nil)
	}
	rest := inner.b.String()
	for {
		line, further, _ := strings.Cut(rest, "\n")
		line = strings.TrimLeft(line, " ")
		if line != "" && line[0] != '#' {
			w.b.WriteString(strings.Repeat(" ", indent) + "- " + rest[indent+2:])
			break
		}
		w.line(indent, line, nil)
		rest = further
	}
	w.kept = inner.kept
}

// labelled writes a value after its key or dash.
func (w *formatter) labelled(label string, e *entry, indent int) {
	v := e.value
	switch {
	case v.kind == null:
		w.line(indent, label, e.after)
	case v.kind != text && v.asBlock(indent+len(label)+1):
		w.line(indent, label, e.after)
		w.collection(v, indent+2)
	case v.kind != text:
		w.line(indent, label+" "+v.inline(), e.after)
	case v.block:
		w.line(indent, label+" "+v.lines[0], e.after)
		for _, line := range v.lines[1:] {
			w.line(indent+2, line, nil)
		}
		w.kept = v.keep
	default:
		line := label + " " + v.lines[0]
		for i, next := range v.lines[1:] {
			w.line(indent+min(i, 1)*2, line, nil)
			line = next
		}
		w.line(indent+min(len(v.lines)-1, 1)*2, line, e.after)
	}
}

// label is a key with its colon. One that is not written, or takes several lines, is quoted.
func (p *piece) label() string {
	if p.kind == null || p.block || len(p.lines) > 1 {
		return strconv.Quote(p.value) + ":"
	}
	return p.lines[0] + ":"
}

// asBlock reports whether a collection is written without brackets; col is where its bracket would stand.
func (p *piece) asBlock(col int) bool {
	switch {
	case len(p.entries) == 0:
		return false
	case !p.flow:
		return true
	}
	return p.spread && (!p.joinable() || col+utf8.RuneCountInString(p.inline()) > formatWidth)
}

// joinable reports whether everything can stand on one line.
func (p *piece) joinable() bool {
	if len(p.tail) > 0 || p.block || len(p.lines) > 1 {
		return false
	}
	for _, e := range p.entries {
		if len(e.above) > 0 || e.after != nil || e.key != nil && !e.key.joinable() || !e.value.joinable() {
			return false
		}
	}
	return true
}

// inline writes a piece on one line.
func (p *piece) inline() string {
	var all []string
	for _, e := range p.entries {
		text := e.value.inline()
		if e.key != nil {
			text = strings.TrimSpace(e.key.label() + " " + text)
			if e.value.kind == null {
				text = strings.TrimSuffix(text, ":")
			}
		}
		all = append(all, text)
	}
	list := strings.Join(all, ", ")
	switch {
	case p.kind == sequence:
		return "[" + list + "]"
	case p.kind == mapping && list == "":
		return "{}"
	case p.kind == mapping:
		return "{ " + list + " }"
	case p.kind == null:
		return ""
	}
	return p.lines[0]
}
