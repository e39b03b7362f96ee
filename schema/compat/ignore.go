package compat

import (
	"bytes"
	"slices"
	"strings"
)

// Ignored are the comments of a schema that let breaking changes pass:
//
//	# chgen:ignore server-field-removed
//
// at the end of a line or on lines of its own above it. Several rules stand with spaces or commas between them.
type Ignored map[int][]string // the rules by line

const ignoreMark = "# chgen:ignore "

// Ignores reads the comments of a schema.
func Ignores(src []byte) Ignored {
	ignored := Ignored{}
	var above []string
	for i, line := range bytes.Split(src, []byte("\n")) {
		text := strings.TrimSpace(string(line))
		before, list, found := strings.Cut(" "+text, " "+ignoreMark)
		var rules []string
		if found {
			rules = strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' })
		}
		ignored[i+1] = append(rules, above...)
		switch {
		case found && before == "":
			above = append(above, rules...)
		case text != "" && !strings.HasPrefix(text, "#"):
			above = nil
		}
	}
	return ignored
}

// Filter returns the changes that no comment lets pass.
func (ig Ignored) Filter(changes []Change) []Change {
	var rest []Change
	for _, change := range changes {
		if !slices.Contains(ig[change.New.Line], change.Rule) {
			rest = append(rest, change)
		}
	}
	return rest
}
