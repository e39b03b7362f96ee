package typescript

import (
	"fmt"
	"regexp/syntax"
	"strings"
	"unicode"
)

// jsPattern returns the body of a regular expression literal that under JavaScript's u flag matches whatever the RE2
// expression matches. The schema has refused what one of them lacks; what is left differs in what . and \s stand for, and
// in the version of Unicode, so that every class is written out.
func jsPattern(pattern string) (string, error) {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := writePattern(&b, parsed); err != nil {
		return "", fmt.Errorf("pattern %s: %w", pattern, err)
	}
	// V8 looks for \B between the halves of a surrogate pair too, unless it comes there from the beginning.
	if strings.Contains(pattern, `\B`) {
		return "^[^]*?(?:" + b.String() + ")", nil
	}
	return b.String(), nil
}

// simple are the operators that have one spelling.
var simple = map[syntax.Op]string{
	syntax.OpNoMatch:        "[]",
	syntax.OpEmptyMatch:     "(?:)",
	syntax.OpAnyCharNotNL:   `[^\n]`,
	syntax.OpAnyChar:        "[^]",
	syntax.OpBeginText:      "^",
	syntax.OpEndText:        "$",
	syntax.OpWordBoundary:   `\b`,
	syntax.OpNoWordBoundary: `\B`,
}

func writePattern(b *strings.Builder, re *syntax.Regexp) error {
	if text, ok := simple[re.Op]; ok {
		b.WriteString(text)
		return nil
	}
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 {
			return fmt.Errorf("%s ignores case", re)
		}
		for _, r := range re.Rune {
			b.WriteString(jsRune(r))
		}
	case syntax.OpCharClass:
		writeClass(b, re.Rune)
	case syntax.OpCapture, syntax.OpConcat, syntax.OpAlternate:
		return writeGroup(b, re)
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		b.WriteString("(?:")
		if err := writePattern(b, re.Sub[0]); err != nil {
			return err
		}
		b.WriteString(")" + quantifier(re))
	default:
		return fmt.Errorf("%s cannot be said in JavaScript", re)
	}
	return nil
}

func writeGroup(b *strings.Builder, re *syntax.Regexp) error {
	separator := ""
	if re.Op == syntax.OpAlternate {
		separator = "|"
	}
	if re.Op != syntax.OpConcat {
		b.WriteString("(?:")
	}
	for i, sub := range re.Sub {
		if i > 0 {
			b.WriteString(separator)
		}
		if err := writePattern(b, sub); err != nil {
			return err
		}
	}
	if re.Op != syntax.OpConcat {
		b.WriteString(")")
	}
	return nil
}

// quantifier says how often; whether as often as can be does not change what matches.
func quantifier(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpStar:
		return "*"
	case syntax.OpPlus:
		return "+"
	case syntax.OpQuest:
		return "?"
	}
	if re.Max < 0 {
		return fmt.Sprintf("{%d,}", re.Min)
	}
	return fmt.Sprintf("{%d,%d}", re.Min, re.Max)
}

// writeClass writes pairs of a first and a last rune, or what they leave out where that is shorter.
func writeClass(b *strings.Builder, ranges []rune) {
	b.WriteByte('[')
	if len(ranges) > 0 && ranges[0] == 0 && ranges[len(ranges)-1] == unicode.MaxRune {
		b.WriteByte('^')
		ranges = ranges[1 : len(ranges)-1]
		for i := 0; i < len(ranges); i += 2 {
			writeRange(b, ranges[i]+1, ranges[i+1]-1)
		}
	} else {
		for i := 0; i < len(ranges); i += 2 {
			writeRange(b, ranges[i], ranges[i+1])
		}
	}
	b.WriteByte(']')
}

func writeRange(b *strings.Builder, first, last rune) {
	b.WriteString(jsRune(first))
	if last > first {
		b.WriteString("-" + jsRune(last))
	}
}

// jsRune is a rune as it can stand anywhere in an expression: letters and digits as they are, other runes escaped.
func jsRune(r rune) string {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == ' ':
		return string(r)
	case strings.ContainsRune(`^$\.*+?()[]{}|/`, r):
		return `\` + string(r)
	}
	return fmt.Sprintf(`\u{%x}`, r)
}
