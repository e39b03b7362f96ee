package asyncapi_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// tokens are what mutations put everywhere.
var tokens = strings.Fields(`null true false 0 -0 -1 1 5 6 -5 -6 0.5 0.4 1.5 1.0 1e2 1e3 999 1000 60000 60001 101
	9007199254740991 9007199254740992 -9007199254740991 -9007199254740992 9223372036854 9223372036855 1e300 1e400 -1e400
	"" "a" "ab" "abc" "abcd" "abcdef" "A1" "A` + "`" + `1" "A" "é€𝄞" "𝄞𝄞𝄞𝄞" "low" "LOW" "member" "+1" "type"
	"10" "9" "0" "-0" "01" "-1" "1.0" "1e3" "9223372036854775807" "9223372036854775808" "-9223372036854775808"
	"2026-01-02T03:04:05Z" "2026-01-02T03:04:05.123456789+01:00" "2024-02-29T00:00:00-23:59" "2026-02-29T00:00:00Z"
	"2026-01-02T24:00:00Z" "2026-01-02T03:60:00Z" "2026-01-02T03:04:05" "2026-01-02T03:04Z" "2026-01-02" "2026-1-2T03:04:05Z"
	"2026-01-02T03:04:05.Z" "2026-01-02T03:04:05,5Z" "2026-01-02T03:04:05+24:00" "2026-01-02T03:04:05+0100" "0000-01-01T00:00:00Z"
	"01234567-89AB-CDEF-0123-456789abcdef" "0123456789abcdef0123456789abcdef" "{01234567-89ab-cdef-0123-456789abcdef}"
	"01234567-89ab-cdef-0123-456789abcdeg" "aGk=" "aGk" "aGl=" "/w==" "_w==" "A===" "=" "AAAA" "AAAAAA==" "aGk=\n"
	[] {} [1] [null] ["a"] ["a","b","c"] [[]] [{}] {"a":1} {"a":null} {"a":1,"b":2} {"x":1} {"x":null} {"type":"nothing"} {"type":"circle"}
	{"type":"circle","radius":1} {"type":"square"} {"type":1} {"radius":1} {"type":null}`)

// mutate gives what v becomes by one change anywhere in it.
func mutate(v any, emit func(any)) {
	for _, token := range tokens {
		emit(json.RawMessage(token))
	}
	switch v := v.(type) {
	case map[string]any:
		with := func(name string) func(any) {
			return func(x any) {
				changed := maps.Clone(v)
				changed[name] = x
				emit(changed)
			}
		}
		for name, value := range v {
			mutate(value, with(name))
			without := maps.Clone(v)
			delete(without, name)
			emit(without)
		}
		with("unknown")(1)
		with("")(nil)
	case []any:
		for i, value := range v {
			mutate(value, func(x any) {
				changed := slices.Clone(v)
				changed[i] = x
				emit(changed)
			})
		}
		emit(slices.Concat(v, v, v))
	}
}

// withoutNulls takes every member that is null out of every object.
func withoutNulls(t *testing.T, payload []byte) []byte {
	t.Helper()
	var strip func(v any)
	strip = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			maps.DeleteFunc(v, func(_ string, value any) bool { return value == nil })
			for _, value := range v {
				strip(value)
			}
		case []any:
			for _, value := range v {
				strip(value)
			}
		}
	}
	v := parsed(t, string(payload))
	strip(v)
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
