package schema

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/chgen/chgen/schema/ir"
)

// Problem is one thing that is wrong with a schema. Pos always lies inside the file; an empty file has line 1,
// column 1.
type Problem struct {
	Pos     ir.Pos
	Rule    string // the id of one of Rules
	Message string
	Hint    string   // the remedy, often "did you mean ..."; may be empty
	Other   *Related // the second place of two that clash; may be nil
}

// Related is a further place that a problem is about.
type Related struct {
	Pos     ir.Pos
	Message string
}

// Problems is everything that is wrong with a schema, in the order of the file.
type Problems []Problem

// Render writes every problem as "path:line:col: message [rule]" with an excerpt of the source, a caret, the hint and
// the second place. Path is what the reader knows the file as; src is what was parsed.
func (p Problems) Render(w io.Writer, path string, src []byte) error {
	var b strings.Builder
	lines := splitLines(src)
	for i, problem := range p {
		if i > 0 {
			b.WriteByte('\n')
		}
		problem.render(&b, path, lines)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (p Problem) render(b *strings.Builder, path string, lines []string) {
	fmt.Fprintf(b, "%s:%d:%d: %s [%s]\n", path, p.Pos.Line, p.Pos.Col, p.Message, p.Rule)
	excerpt(b, lines, p.Pos)
	if p.Hint != "" {
		fmt.Fprintf(b, "      = %s\n", p.Hint)
	}
	if p.Other != nil {
		fmt.Fprintf(b, "  %s:%d:%d: %s\n", path, p.Other.Pos.Line, p.Other.Pos.Col, p.Other.Message)
		excerpt(b, lines, p.Other.Pos)
	}
}

// excerptWidth is how many characters of a line an excerpt shows.
const excerptWidth = 100

func excerpt(b *strings.Builder, lines []string, at ir.Pos) {
	if at.Line < 1 || at.Line > len(lines) {
		return
	}
	line := lines[at.Line-1]
	col := min(max(at.Col-1, 0), len(line))
	// A line can be a whole file long, and every problem of the file can be in it.
	near := max(0, col-utf8.UTFMax*excerptWidth)
	before := []rune(printable(line[near:col]))
	after := []rune(printable(line[col:min(len(line), col+utf8.UTFMax*excerptWidth)]))
	if len(before) > excerptWidth*2/3 {
		before = append([]rune("..."), before[len(before)-excerptWidth/2:]...)
	}
	if len(before)+len(after) > excerptWidth {
		after = append(slices.Clone(after[:excerptWidth-len(before)]), []rune("...")...)
	}
	fmt.Fprintf(b, "%5d | %s%s\n", at.Line, string(before), string(after))
	fmt.Fprintf(b, "      | %s^\n", strings.Repeat(" ", len(before)))
}

// printable keeps one character for each of the source, so that the caret stays under its place.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '\uFFFD'
		}
		return r
	}, text)
}

// splitLines splits as editors do: at \n and \r\n. A byte order mark belongs to no line.
func splitLines(src []byte) []string {
	lines := strings.Split(strings.TrimPrefix(string(src), byteOrderMark), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return lines
}

// sorted puts the problems in the order of the file and drops those that are said twice.
func (p Problems) sorted() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	})
	return slices.CompactFunc(p, func(a, b Problem) bool {
		return a.Pos == b.Pos && a.Rule == b.Rule && a.Message == b.Message
	})
}
