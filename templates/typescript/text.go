package typescript

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/chgen/chgen/schema/ir"
)

// typeOf returns the type of t's JSON on the wire.
func typeOf(t *ir.Type) string {
	switch t.Kind {
	case ir.Bool:
		return "boolean"
	case ir.Int, ir.Float, ir.Duration:
		return "number"
	case ir.JSON:
		return "unknown"
	case ir.List:
		return typeOf(t.Elem) + "[]"
	case ir.Map:
		return "{ [key: string]: " + typeOf(t.Elem) + " }"
	case ir.Named:
		return escape(t.Named.Name)
	default: // String, Int64, Timestamp, UUID, Bytes
		return "string"
	}
}

// doc puts together a documentation comment's text. Deprecated is empty for what is not.
func doc(text, deprecated string, notes ...string) string {
	parts := append([]string{text}, notes...)
	switch deprecated {
	case "":
	case "deprecated":
		parts = append(parts, "@deprecated")
	default:
		parts = append(parts, "@deprecated "+deprecated)
	}
	var lines []string
	for _, part := range parts {
		if part = strings.TrimSpace(part); part != "" {
			lines = append(lines, part)
		}
	}
	return strings.Join(lines, "\n")
}

// comment returns text as a documentation comment with the line's end, each line indented; nothing for no text.
func comment(indent, text string) string {
	if text == "" {
		return ""
	}
	lines := strings.Split(strings.ReplaceAll(strings.TrimSpace(text), "*/", "*\\/"), "\n")
	if len(lines) == 1 {
		return indent + "/** " + lines[0] + " */\n"
	}
	var b strings.Builder
	b.WriteString(indent + "/**\n")
	for _, line := range lines {
		b.WriteString(strings.TrimRight(indent+" * "+line, " \r") + "\n")
	}
	b.WriteString(indent + " */\n")
	return b.String()
}

// quote returns text as a string literal.
func quote(text string) (string, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// property returns an event's name as a property's: as it is where it is an identifier, otherwise quoted. No other
// character than -, . and : can be in it.
func property(event string) string {
	if identifier.MatchString(event) {
		return event
	}
	return `"` + event + `"`
}
