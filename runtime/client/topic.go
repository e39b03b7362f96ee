package client

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/chgen/chgen/runtime/codec"
)

const maxTopicBytes = 255

// topicOf fills the parameters of a pattern in: {name} takes text, {name:int} and {name:uuid} a number and a UUID as
// text, {name*} any text. It fails for what no server would match.
func topicOf(pattern string, params []string) (string, error) {
	var b strings.Builder
	for i := 0; pattern != ""; i++ {
		before, after, found := strings.Cut(pattern, "{")
		b.WriteString(before)
		if !found {
			break
		}
		param, rest, _ := strings.Cut(after, "}")
		pattern = rest
		if i >= len(params) {
			return "", fmt.Errorf("topic: the parameter %s is missing", param)
		}
		if !fits(param, params[i]) {
			return "", fmt.Errorf("topic: %q cannot be the parameter %s", params[i], param)
		}
		b.WriteString(params[i])
	}
	if b.Len() > maxTopicBytes {
		return "", fmt.Errorf("topic: %d bytes are too long, it may have %d", b.Len(), maxTopicBytes)
	}
	return b.String(), nil
}

func fits(param, value string) bool {
	if strings.HasSuffix(param, "*") {
		return utf8.ValidString(value)
	}
	if strings.HasSuffix(param, ":uuid") && !isUUID(value) {
		return false
	}
	return value != "" && !strings.Contains(value, ":") && utf8.ValidString(value)
}

// isUUID reports whether s is a UUID as servers match it, in small letters.
func isUUID(s string) bool {
	e := codec.NewEncoder(nil)
	e.UUID(s)
	_, err := e.Done()
	return err == nil && strings.ToLower(s) == s
}
