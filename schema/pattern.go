package schema

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// pattern reads an expression that RE2 and JavaScript's u flag both understand.
func (c *checker) pattern(n *node) string {
	switch {
	case n.kind != text:
		c.wrongShape(n, "pattern (a text)", "")
		return ""
	case n.value == "":
		c.report(n.pos, rulePattern, "an empty pattern matches everything", "leave it out")
		return ""
	}
	if _, err := regexp.Compile(n.value); err != nil {
		c.report(n.pos, rulePattern, "Go cannot read this pattern: "+strings.TrimPrefix(err.Error(), "error parsing regexp: "), "")
		return ""
	}
	if what := refusedByJavaScript(n.value); what != "" {
		c.report(n.pos, rulePattern, "JavaScript cannot read this pattern: "+what, "")
		return ""
	}
	return n.value
}

// jsEscapes are the letters that mean the same after a backslash in both; \x and \p are looked at further.
const (
	jsEscapes    = "dDwWsSbBfnrtvxpP"
	syntaxEscape = `^$\.*+?()[]{}|/`
	quantifiers  = "*+?{"
)

var (
	hexEscape      = regexp.MustCompile(`^\\x[0-9A-Fa-f]{2}`)
	categoryEscape = regexp.MustCompile(`^\\[pP]\{[A-Z][a-z]?\}`)
	countedRepeat  = regexp.MustCompile(`^\{(0|[1-9][0-9]*)(,(0|[1-9][0-9]*)?)?\}`)
	groupStart     = regexp.MustCompile(`^\(\?(:|<[A-Za-z_][A-Za-z0-9_]*>)`)
)

// refusedByJavaScript says what of an expression that RE2 reads JavaScript's u flag refuses or reads otherwise.
func refusedByJavaScript(expr string) string {
	for i := 0; i < len(expr); {
		rest := expr[i:]
		size, what := 1, ""
		switch rest[0] {
		case '\\':
			size, what = escape(rest, false)
		case '[':
			size, what = class(rest)
		case ']', '}':
			what = "put a \\ before " + rest[:1]
		case '{':
			if size = len(countedRepeat.FindString(rest)); size == 0 {
				what = "put a \\ before {"
			}
		case '(':
			if strings.HasPrefix(rest, "(?") && !groupStart.MatchString(rest) {
				what = "of the groups that begin with (? both know (?: and (?<name>"
			}
		}
		if what != "" {
			return what
		}
		assertion := rest[0] == '^' || rest[0] == '$' || strings.HasPrefix(rest, `\b`) || strings.HasPrefix(rest, `\B`)
		i += size
		if assertion && i < len(expr) && strings.IndexByte(quantifiers, expr[i]) >= 0 {
			return rest[:size] + " cannot be repeated"
		}
		if rest[0] == '(' && strings.HasPrefix(rest, "(?") {
			i += len(groupStart.FindString(rest)) - 1
		}
	}
	return ""
}

// escape looks at the escape that rest begins with and returns its size.
func escape(rest string, inClass bool) (size int, what string) {
	next, nextSize := utf8.DecodeRuneInString(rest[1:])
	size = 1 + nextSize
	switch {
	case next == 'x':
		size = len(hexEscape.FindString(rest))
	case next == 'p' || next == 'P':
		size = len(categoryEscape.FindString(rest))
	case strings.ContainsRune(jsEscapes, next) || strings.ContainsRune(syntaxEscape, next) || next == '-' && inClass:
		return size, ""
	default:
		return size, rest[:size] + " means something else there"
	}
	if size == 0 {
		return 2, "write \\x with two digits, \\p with a general category as in \\p{Lu}"
	}
	return size, ""
}

// class looks at the character class that rest begins with and returns its size.
func class(rest string) (size int, what string) {
	i := 1
	if strings.HasPrefix(rest[i:], "^") {
		i++
	}
	if strings.HasPrefix(rest[i:], "]") {
		return i, "put a \\ before a ] that is a character of the class"
	}
	for i < len(rest) && rest[i] != ']' {
		switch rest[i] {
		case '\\':
			n, what := escape(rest[i:], true)
			if what != "" {
				return i, what
			}
			set := strings.IndexByte("dDwWsSpP", rest[i+1]) >= 0
			i += n
			if set && strings.HasPrefix(rest[i:], "-") && !strings.HasPrefix(rest[i:], "-]") {
				return i, "put a \\ before a - that follows a class"
			}
		case '[':
			if strings.HasPrefix(rest[i:], "[:") {
				return i, "classes like [:alpha:] do not exist there"
			}
			i++
		default:
			i++
		}
	}
	return i + 1, ""
}
