package compat

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chgen/chgen/schema/ir"
)

// The ranges of whole numbers on the wire; see package codec.
const (
	maxInt      = 1<<53 - 1
	maxDuration = math.MaxInt64 / 1_000_000
)

// constraints compares the constraints of two types of one kind.
func (c *comparison) constraints(f flow, old, now *ir.Type, at place) {
	writer, reader := f.sides(old, now)
	var differ []string
	note := func(key, was, is string) {
		differ = append(differ, fmt.Sprintf("%s %s becomes %s", key, was, is))
	}
	if w, r := low(writer), low(reader); less(w, r) {
		note("min", numberText(old.Min), numberText(now.Min))
	}
	if w, r := high(writer), high(reader); less(r, w) {
		note("max", numberText(old.Max), numberText(now.Max))
	}
	if floor(writer.MinLength) < floor(reader.MinLength) {
		note("min_length", countText(old.MinLength), countText(now.MinLength))
	}
	if ceiling(writer.MaxLength) > ceiling(reader.MaxLength) {
		note("max_length", countText(old.MaxLength), countText(now.MaxLength))
	}
	if floor(writer.MinItems) < floor(reader.MinItems) {
		note("min_items", countText(old.MinItems), countText(now.MinItems))
	}
	if ceiling(writer.MaxItems) > ceiling(reader.MaxItems) {
		note("max_items", countText(old.MaxItems), countText(now.MaxItems))
	}
	if len(differ) > 0 {
		c.report(f.rule(ruleClientConstraint, ruleServerConstraint), at, "%s: %s", at.what, strings.Join(differ, ", "))
	}
	if reader.Pattern != "" && reader.Pattern != writer.Pattern {
		c.report(f.rule(ruleClientPattern, ruleServerPattern), at, "%s: the pattern %s becomes %s",
			at.what, cmp.Or(old.Pattern, "none"), cmp.Or(now.Pattern, "none"))
	}
}

// number is a bound: whole where it is one of a whole number, so that 64 bits are compared exactly.
type number struct {
	whole   bool
	integer int64
	float   float64
}

func wholeNumber(n int64) number { return number{true, n, float64(n)} }

func less(a, b number) bool {
	if a.whole && b.whole {
		return a.integer < b.integer
	}
	return a.float < b.float
}

// low is the least value of a type, high the largest. Types other than numbers have one value for both.
func low(t *ir.Type) number  { return bound(t, t.Min, -1) }
func high(t *ir.Type) number { return bound(t, t.Max, 1) }

func bound(t *ir.Type, text *string, sign int64) number {
	switch {
	case text == nil && t.Kind == ir.Int:
		return wholeNumber(sign * maxInt)
	case text == nil && t.Kind == ir.Duration:
		return wholeNumber(sign * maxDuration)
	case text == nil && t.Kind == ir.Int64 && sign < 0:
		return wholeNumber(math.MinInt64)
	case text == nil && t.Kind == ir.Int64:
		return wholeNumber(math.MaxInt64)
	case text == nil && t.Kind == ir.Float:
		return number{float: float64(sign) * math.MaxFloat64}
	case text == nil:
		return wholeNumber(0)
	case t.Kind == ir.Float:
		n, _ := strconv.ParseFloat(*text, 64) // the schema has checked it
		return number{float: n}
	}
	n, _ := strconv.ParseInt(*text, 10, 64) // the schema has checked it
	return wholeNumber(n)
}

func floor(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

func ceiling(n *int) int {
	if n == nil {
		return math.MaxInt
	}
	return *n
}

func numberText(text *string) string {
	if text == nil {
		return "none"
	}
	return *text
}

func countText(n *int) string {
	if n == nil {
		return "none"
	}
	return strconv.Itoa(*n)
}

// fits reports whether every value of the writer's type is one of the reader's, which is another kind of scalar or
// enum, and not json.
func fits(f flow, writer, reader *ir.Type) bool {
	text := f == fromQuery // where numbers and the digits of an int64 are spelled alike
	switch reader.Kind {
	case ir.String:
		return fitsString(f, writer, reader)
	case ir.Int, ir.Duration, ir.Float, ir.Int64:
		digits := writer.Kind == ir.Int || writer.Kind == ir.Duration
		if text {
			digits = digits || writer.Kind == ir.Int64
		} else if reader.Kind == ir.Int64 {
			digits = false
		}
		return digits && !less(low(writer), low(reader)) && !less(high(reader), high(writer))
	}
	return false
}

// fitsString is fits where a string is read.
func fitsString(f flow, writer, reader *ir.Type) bool {
	if writer.Kind == ir.Bool {
		return f == fromQuery && takes(reader, "true") && takes(reader, "false")
	}
	if writer.Kind == ir.Named && writer.Named.Kind == ir.Enum {
		for _, v := range writer.Named.Values {
			if !takes(reader, v.Wire) {
				return false
			}
		}
		return true
	}
	shortest, longest, ok := lengths(f, writer)
	isText := writer.Kind != ir.Int && writer.Kind != ir.Duration && writer.Kind != ir.Float && writer.Kind != ir.JSON
	return ok && (f == fromQuery || isText) && reader.Pattern == "" &&
		floor(reader.MinLength) <= shortest && longest <= ceiling(reader.MaxLength)
}

// takes reports whether a string type takes a text.
func takes(t *ir.Type, text string) bool {
	n := utf8.RuneCountInString(text)
	return floor(t.MinLength) <= n && n <= ceiling(t.MaxLength) &&
		(t.Pattern == "" || regexp.MustCompile(t.Pattern).MatchString(text))
}

// lengths says how long the texts of a scalar are on the wire; ok is false where it has none.
func lengths(f flow, t *ir.Type) (shortest, longest int, ok bool) {
	switch t.Kind {
	case ir.UUID:
		return 36, 36, true
	case ir.Timestamp:
		if f == fromServer { // Go writes nine digits of a second, others may write more
			return len("2006-01-02T15:04:05Z"), len("2006-01-02T15:04:05.123456789+00:00"), true
		}
		return len("2006-01-02T15:04:05Z"), math.MaxInt, true
	case ir.Int, ir.Duration, ir.Int64:
		least, most := low(t).integer, high(t).integer
		shortest = len(strconv.FormatInt(max(least, min(most, 0)), 10))
		return shortest, max(len(strconv.FormatInt(least, 10)), len(strconv.FormatInt(most, 10))), true
	case ir.Float:
		return 1, len("-0.0000012345678901234567"), true
	case ir.JSON:
		return 1, math.MaxInt, true
	case ir.Bytes:
		longest = ceiling(t.MaxLength)
		if longest < math.MaxInt/4 {
			longest = (longest + 2) / 3 * 4
		}
		return (floor(t.MinLength) + 2) / 3 * 4, longest, true
	}
	return 0, 0, false
}
