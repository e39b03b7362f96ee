package schema

import (
	"bytes"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// scalar reads a text, number or whatever else is no collection. Comments on the way to it go above e.
func (r *pieceReader) scalar(e *entry, y *yaml.Node, indent int, flow bool) *piece {
	start := r.offset(y)
	above, _ := r.gap(start)
	e.above = append(e.above, above...)
	p := &piece{kind: text, value: y.Value}
	switch {
	case y.Style&yaml.DoubleQuotedStyle != 0:
		r.pos = r.doubleQuoted(start)
	case y.Style&yaml.SingleQuotedStyle != 0:
		r.pos = r.singleQuoted(start)
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		r.blockScalar(e, p, indent)
		return p
	default:
		r.pos = r.plain(start, indent, flow)
	}
	if spelled := string(r.src[start:r.pos]); flow && (spelled == "-" || strings.HasSuffix(spelled, ":")) {
		p.lines = []string{strconv.Quote(y.Value)} // it is a text only because a bracket or comma follows at once
		return p
	}
	p.lines = strings.Split(string(r.src[start:r.pos]), "\n")
	for i := 1; i < len(p.lines); i++ {
		p.lines[i] = strings.TrimLeft(p.lines[i], " \t")
	}
	return p
}

func (r *pieceReader) doubleQuoted(start int) int {
	for i := start + 1; i < len(r.src); i++ {
		switch r.src[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(r.src)
}

func (r *pieceReader) singleQuoted(start int) int {
	for i := start + 1; i < len(r.src); i++ {
		if r.src[i] != '\'' {
			continue
		}
		if i++; i == len(r.src) || r.src[i] != '\'' {
			return i
		}
	}
	return len(r.src)
}

// plain returns the end of a text without quotes, which may go on in lines that are indented more than its block.
func (r *pieceReader) plain(start, indent int, flow bool) int {
	end := r.plainLine(start, flow)
	for len(bytes.TrimLeft(r.src[end:r.lineEnd(end)], " \t")) == 0 {
		at := len(r.src) - len(bytes.TrimLeft(r.src[end:], " \t\n"))
		column := at - (bytes.LastIndexByte(r.src[:at], '\n') + 1)
		if at == len(r.src) || r.src[at] == '#' || !flow && column <= indent {
			break
		}
		next := r.plainLine(at, flow)
		if next == at {
			break
		}
		end = next
	}
	return end
}

// plainLine returns the end of what of a plain text stands on the line.
func (r *pieceReader) plainLine(start int, flow bool) int {
	end := r.lineEnd(start)
	space := func(i int) bool { return r.src[i] == ' ' || r.src[i] == '\t' }
	for i := start; i < end; i++ {
		ch := r.src[i]
		if ch == '#' && i > start && space(i-1) || ch == ':' && (i+1 == end || space(i+1)) || flow && strings.IndexByte(",?[]{}", ch) >= 0 {
			end = i
		}
	}
	return start + len(bytes.TrimRight(r.src[start:end], " \t"))
}

// blockScalar reads what begins with | or > in a block of this column.
func (r *pieceReader) blockScalar(e *entry, p *piece, parent int) {
	start := r.pos
	for r.pos < len(r.src) && strings.IndexByte("|>+-0123456789", r.src[r.pos]) >= 0 {
		r.pos++
	}
	header := string(r.src[start:r.pos])
	p.block, p.keep = true, strings.Contains(header, "+")
	e.beside(r.besides(""))
	r.pos = min(r.lineEnd(r.pos)+1, len(r.src))
	indent := r.blockIndent(max(parent, 0))
	if i := strings.IndexAny(header, "123456789"); i >= 0 {
		indent = max(parent, 0) + int(header[i]-'0')
		header = header[:i] + "2" + header[i+1:] // as deep as it will be indented
	}
	p.lines = []string{header}
	ended := r.src[len(r.src)-1] == '\n'
	kept, end := 1, r.pos
	for at := r.pos; at < len(r.src); {
		lineEnd := r.lineEnd(at)
		line := string(r.src[at:lineEnd])
		blanks := len(line) - len(strings.TrimLeft(line, " "))
		if blanks < indent && blanks < len(line) {
			break
		}
		line = line[min(indent, len(line)):]
		p.lines = append(p.lines, line)
		at = min(lineEnd+1, len(r.src))
		if line != "" || p.keep {
			kept, end = len(p.lines), at
		}
	}
	p.lines = p.lines[:kept]
	if end == len(r.src) && !ended && !strings.ContainsAny(header, "+-") {
		p.lines[0] += "-" // the file ends without a line break, and so does the text
	}
	r.pos = end
	if end > start && r.src[end-1] == '\n' {
		r.pos-- // so that what follows begins on a line of its own
	}
}

// blockIndent finds how deep the lines from here on are indented: as deep as the first that holds something, or as the
// longest blank one before it.
func (r *pieceReader) blockIndent(parent int) int {
	indent := parent + 1
	for at := r.pos; at < len(r.src); {
		end := r.lineEnd(at)
		line := r.src[at:end]
		blanks := len(line) - len(bytes.TrimLeft(line, " "))
		indent = max(indent, blanks)
		if blanks < len(line) {
			break
		}
		at = end + 1
	}
	return indent
}
