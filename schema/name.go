package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/chgen/chgen/schema/ir"
)

var (
	upperCamel = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)
	identifier = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	eventName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.:-]*$`)
)

// maxName bounds names in bytes, so that identifiers made of several stay readable.
const maxName = 100

// upperCamelName checks the name of a type or channel.
func (c *checker) upperCamelName(n *node, what string) {
	if len(n.value) <= maxName && upperCamel.MatchString(n.value) {
		return
	}
	hint := "letters and digits, beginning with a capital"
	if camel := toUpperCamel(n.value); upperCamel.MatchString(camel) {
		hint = fmt.Sprintf("did you mean %q?", camel)
	}
	c.badName(n, "the name of a "+what+" is UpperCamel", hint)
}

// identifierName checks the name of a field, a topic parameter or an error.
func (c *checker) identifierName(name string, at ir.Pos, what string) bool {
	n := &node{pos: at, value: name}
	switch {
	case len(name) <= maxName && identifier.MatchString(name):
		return true
	case strings.HasPrefix(name, "_"):
		c.report(at, ruleReservedName, fmt.Sprintf("%q: names that begin with _ belong to the runtime", name), "begin with a letter")
		return false
	}
	c.badName(n, "the name of "+what+" is made of ASCII letters, digits and _", "begin with a letter")
	return false
}

// eventName checks the name of an event.
func (c *checker) eventName(n *node) {
	if len(n.value) > maxName || !eventName.MatchString(n.value) {
		c.badName(n, "the name of an event is made of ASCII letters, digits, _ - . and :", "begin with a letter")
		return
	}
	for _, prefix := range []string{"phx_", "chgen_"} {
		if strings.HasPrefix(n.value, prefix) {
			c.report(n.pos, ruleReservedName, fmt.Sprintf("events that begin with %s belong to the protocol", prefix), "choose another name")
		}
	}
	c.reserved(n.value, n.pos, "an event", "it belongs to the protocol", "heartbeat", "presence_state", "presence_diff")
}

func (c *checker) badName(n *node, message, hint string) {
	if len(n.value) > maxName {
		message, hint = fmt.Sprintf("this name is longer than %d bytes", maxName), "choose a shorter one"
	}
	c.report(n.pos, ruleBadName, message, hint)
}

// reserved reports a name that is one of names.
func (c *checker) reserved(name string, at ir.Pos, what, why string, names ...string) {
	if slices.Contains(names, name) {
		c.report(at, ruleReservedName, fmt.Sprintf("%s cannot be named %q: %s", what, name, why), "choose another name")
	}
}

// toUpperCamel guesses what was meant: room_event is RoomEvent.
func toUpperCamel(name string) string {
	var b strings.Builder
	up := true
	for _, r := range name {
		if r == '_' || r == '-' || r == '.' || r == ' ' {
			up = true
			continue
		}
		if up {
			r = unicode.ToUpper(r)
		}
		up = false
		b.WriteRune(r)
	}
	return b.String()
}
