package schema

import (
	"fmt"
	"math"
	"regexp"
	"strconv"

	"github.com/chgen/chgen/schema/ir"
)

var (
	integer = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	number  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$`) // Go reads no constant with a longer exponent
)

// The ranges of the numbers, in what the wire holds: a duration is whole milliseconds that a time.Duration can hold.
const (
	maxInt      = 1<<53 - 1
	maxDuration = math.MaxInt64 / 1_000_000
)

// placement says which constraints go with which kinds.
var placement = []struct {
	min, max string
	kinds    map[ir.Kind]bool
	what     string
}{
	{"min", "max", kinds(ir.Int, ir.Int64, ir.Float, ir.Duration), "numbers and durations"},
	{"min_length", "max_length", kinds(ir.String, ir.Bytes), "string and bytes"},
	{"min_items", "max_items", kinds(ir.List, ir.Map), "lists and maps"},
	{"pattern", "", kinds(ir.String), "string"},
}

func kinds(all ...ir.Kind) map[ir.Kind]bool {
	set := map[ir.Kind]bool{}
	for _, k := range all {
		set[k] = true
	}
	return set
}

// constraints reads the constraints among the keys of a long form into t.
func (c *checker) constraints(t *ir.Type, keys map[string]*node) {
	for _, p := range placement {
		for _, key := range []string{p.min, p.max} {
			if n := keys[key]; n != nil && !p.kinds[t.Kind] {
				c.report(n.pos, ruleMisplaced, fmt.Sprintf("%s goes with %s, not with %s", key, p.what, typeText(t)), "")
				delete(keys, key)
			}
		}
	}
	c.bounds[t] = map[string]ir.Pos{}
	for key, n := range keys {
		if n != nil {
			c.bounds[t][key] = n.pos
		}
	}
	t.Min, t.Max = c.bound(keys["min"], t.Kind), c.bound(keys["max"], t.Kind)
	if t.Min != nil && t.Max != nil && less(*t.Max, *t.Min, t.Kind) {
		c.empty(keys, "min", "max")
	}
	t.MinLength, t.MaxLength = c.counts(keys, "min_length", "max_length")
	t.MinItems, t.MaxItems = c.counts(keys, "min_items", "max_items")
	if n := keys["pattern"]; n != nil {
		t.Pattern = c.pattern(n)
	}
}

func (c *checker) counts(keys map[string]*node, least, most string) (lo, hi *int) {
	lo, hi = c.count(keys[least], least, 0), c.count(keys[most], most, 0)
	if lo != nil && hi != nil && *hi < *lo {
		c.empty(keys, least, most)
	}
	return lo, hi
}

func (c *checker) empty(keys map[string]*node, least, most string) {
	c.clash(keys[most].pos, ruleNoValue, fmt.Sprintf("no value is left: %s is less than %s", most, least), "",
		keys[least].pos, least)
}

// bound reads a min or max as decimal text; n may be nil.
func (c *checker) bound(n *node, kind ir.Kind) *string {
	if n == nil || n.kind == bad {
		return nil
	}
	if n.kind == literal {
		if wrong := outOfRange(n.value, kind); wrong == "" {
			return &n.value
		}
	}
	c.report(n.pos, ruleBadValue, "a bound is "+rangeText(kind), "")
	return nil
}

// outOfRange says why the text is no number of that kind, or "".
func outOfRange(value string, kind ir.Kind) string {
	if kind == ir.Float {
		f, err := strconv.ParseFloat(value, 64)
		if !number.MatchString(value) || err != nil || math.IsInf(f, 0) {
			return rangeText(kind)
		}
		return ""
	}
	i, err := strconv.ParseInt(value, 10, 64)
	limit := int64(math.MaxInt64)
	switch kind {
	case ir.Int:
		limit = maxInt
	case ir.Duration:
		limit = maxDuration
	}
	if !integer.MatchString(value) || err != nil || limit != math.MaxInt64 && (i > limit || i < -limit) {
		return rangeText(kind)
	}
	return ""
}

func rangeText(kind ir.Kind) string {
	switch kind {
	case ir.Float:
		return "a finite number, written as in JSON"
	case ir.Int:
		return fmt.Sprintf("a whole number within +-%d", int64(maxInt))
	case ir.Duration:
		return fmt.Sprintf("whole milliseconds within +-%d", int64(maxDuration))
	}
	return "a whole number of 64 bits"
}

// less compares two numbers that outOfRange has let pass.
func less(a, b string, kind ir.Kind) bool {
	if kind == ir.Float {
		x, _ := strconv.ParseFloat(a, 64)
		y, _ := strconv.ParseFloat(b, 64)
		return x < y
	}
	x, _ := strconv.ParseInt(a, 10, 64)
	y, _ := strconv.ParseInt(b, 10, 64)
	return x < y
}

// typeText writes a type as the schema does.
func typeText(t *ir.Type) string {
	switch t.Kind {
	case ir.List, ir.Map:
		return fmt.Sprintf("%s(%s)", t.Kind, typeText(t.Elem))
	case ir.Named:
		return t.Named.Name
	}
	return string(t.Kind)
}
