package schema

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chgen/chgen/schema/ir"
)

var (
	yamlPrefix   = regexp.MustCompile(`^yaml: (line \d+: )?`)
	yamlLine     = regexp.MustCompile(`^yaml: line (\d+):`)
	flowOptional = regexp.MustCompile(`([A-Za-z][A-Za-z0-9_]*)\?$`)
	bracketList  = regexp.MustCompile(`\[\]\s*[A-Za-z]`)
)

// syntaxError turns an error of the YAML library, which has no column and a line that can be too small, into a
// problem at the place where the library gave up.
func (p *parser) syntaxError(src []byte, err error) Problem {
	// Brackets without end make the library slow, so that they are not left to the search below.
	if _, deep := closers(src); deep >= 0 {
		return tooDeep(offsetPos(src, deep+1))
	}
	at := offsetPos(src, failingOffset(src, err))
	line := p.lines[at.Line-1]
	at.Col = min(at.Col, len(line)+1)
	upTo := line[:min(at.Col, len(line))]
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	message := yamlPrefix.ReplaceAllString(err.Error(), "")
	problem := Problem{Pos: at, Rule: ruleSyntax, Message: "this is no YAML: " + message}
	switch {
	case strings.Contains(message, "exceeded max depth"):
		return tooDeep(at)
	case strings.Contains(message, "unknown anchor"):
		problem.Rule, problem.Message = ruleAnchor, "aliases are not part of the language"
		problem.Hint = "declare a type instead; quote text that begins with *"
	case strings.Contains(indent, "\t"):
		problem.Rule, problem.Message, problem.Hint = ruleTab, "a tab indents this line", "indent with spaces"
		problem.Pos.Col = strings.IndexByte(indent, '\t') + 1
	case flowOptional.MatchString(strings.TrimRight(upTo, ": ")):
		questionMark(&problem, line, upTo)
	default:
		p.bracketList(&problem)
	}
	if problem.Hint == "" {
		problem.Hint = syntaxHint(line, message)
	}
	return problem
}

func tooDeep(at ir.Pos) Problem {
	return Problem{at, ruleNesting, fmt.Sprintf("nested more than %d deep", maxNesting), "declare a type instead", nil}
}

// questionMark explains a ? in flow style, where YAML takes it for the beginning of a key.
func questionMark(problem *Problem, line, upTo string) {
	m := flowOptional.FindStringSubmatchIndex(strings.TrimRight(upTo, ": "))
	name := upTo[m[2]:m[3]]
	problem.Rule = ruleFlowOptional
	problem.Pos.Col = m[2] + 1
	if strings.HasPrefix(strings.TrimLeft(line[m[1]:], " "), ":") {
		problem.Message = "between { and } a key with ? needs quotes"
		problem.Hint = fmt.Sprintf(`write { "%s?": ... }`, name)
		return
	}
	problem.Message = "? marks the key, not the type"
	problem.Hint = fmt.Sprintf(`write { "name?": %s }`, name)
}

// bracketList explains []T, of which the library complains only at the next key.
func (p *parser) bracketList(problem *Problem) {
	for line := problem.Pos.Line; line >= max(problem.Pos.Line-1, 1); line-- {
		if m := bracketList.FindStringIndex(p.lines[line-1]); m != nil {
			problem.Pos = ir.Pos{Line: line, Col: m[0] + 1}
			problem.Hint = "a list is written list(T)"
			return
		}
	}
}

func syntaxHint(line, message string) string {
	switch {
	case strings.Contains(message, "mapping values are not allowed"):
		return `quote a text that holds ": "; indent the keys of one mapping alike`
	case strings.Contains(message, "cannot start any token"):
		return "quote text that begins with this character"
	case strings.Contains(message, "end of stream"):
		return "close the quotes"
	case isFlowError(message):
		return "close the bracket; between brackets, quote text that holds { } [ ] , or ?"
	case strings.Contains(message, "expected key") && strings.Contains(line, "{"):
		return "quote text that begins with {"
	case strings.Contains(message, "expected key"), strings.Contains(message, "expected ':'"),
		strings.Contains(message, "'-' indicator"):
		return "indent what belongs together alike, and end each key with :"
	}
	return ""
}

// isFlowError recognises the errors that a bracket makes which is still open.
func isFlowError(message string) bool {
	return strings.Contains(message, "expected ',' or") || strings.Contains(message, "expected node content")
}

// failingOffset returns how much of src it takes to make the library fail as it fails on the whole. What it reads
// before it gives up is the same for all longer pieces, so that halving finds the end of it.
func failingOffset(src []byte, err error) int {
	fails := func(n int) bool {
		piece := src[:n]
		if isFlowError(err.Error()) {
			ends, _ := closers(piece) // a bracket that is cut off is no error of the file
			piece = append(slices.Clone(piece), ends...)
		}
		_, e := decode(piece)
		return e != nil && e.Error() == err.Error()
	}
	lo := lineBefore(src, err)
	if fails(lo) {
		lo = 0
	}
	step := 64 // pieces grow, so that an error near the start costs little
	for lo+step < len(src) && !fails(lo+step) {
		lo, step = lo+step, step*2
	}
	hi := min(lo+step, len(src))
	for lo+1 < hi {
		if mid := (lo + hi) / 2; fails(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi
}

// lineBefore returns where the line begins that stands before the one that the error names, or 0.
func lineBefore(src []byte, err error) int {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return 0
	}
	named, _ := strconv.Atoi(m[1])
	offset := 0
	for line := 1; line < named-1; line++ {
		end := bytes.IndexByte(src[offset:], '\n')
		if end < 0 {
			return 0
		}
		offset += end + 1
	}
	return offset
}

// closers returns the brackets that close what is open at the end of piece, and where they are more than maxNesting the
// offset of the first that is too deep, else -1. It looks at YAML from afar: a bracket opens where a value can begin,
// or inside of another.
func closers(piece []byte) (open []byte, deep int) {
	deep = -1
	before, quote := byte('\n'), byte(0) // before: the last character that is no space
	for i, ch := range piece {
		begins := len(open) > 0 || strings.IndexByte("\n:-?", before) >= 0
		switch {
		case quote != 0:
			if ch == quote {
				quote = 0
			}
		case (ch == '"' || ch == '\'') && strings.IndexByte("\n:-?,[{", before) >= 0:
			quote = ch
		case ch == '{' && begins:
			open = append(open, '}')
		case ch == '[' && begins:
			open = append(open, ']')
		case len(open) > 0 && ch == open[len(open)-1]:
			open = open[:len(open)-1]
		}
		if ch != ' ' {
			before = ch
		}
		if deep < 0 && len(open) > maxNesting {
			deep = i
		}
	}
	slices.Reverse(open)
	return open, deep
}

// offsetPos is the place of the last character before offset, which is where reading stopped.
func offsetPos(src []byte, offset int) ir.Pos {
	last := max(offset-1, 0)
	for last > 0 && last < len(src) && !utf8.RuneStart(src[last]) {
		last--
	}
	before := src[:min(last, len(src))]
	return ir.Pos{Line: bytes.Count(before, []byte("\n")) + 1, Col: last - bytes.LastIndexByte(before, '\n')}
}
