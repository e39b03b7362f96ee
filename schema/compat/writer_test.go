package compat_test

import (
	"encoding/base64"
	"fmt"
	"math"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/schema/ir"
)

// writer makes payloads that a schema allows, at the edges of what it allows: each constraint's limits, every enum value
// and variant, optional members there and not. It makes the same ones whenever it is asked.
type writer struct {
	server bool // a server writes every default and nothing that the schema lacks
	strict bool
	within map[string]int  // how often each type stands around the value that is being made: at most twice
	cut    map[string]bool // members that are left out somewhere because of that
}

// What has no maximum is made so long, and has so many items: more than any maximum of the schemas that are compared.
const (
	unlimitedLength = 250
	unlimitedItems  = 7
)

// values returns JSON texts, the most ordinary one first; none where no value can end in time.
func (w *writer) values(t *ir.Type) []string {
	switch t.Kind {
	case ir.Bool:
		return []string{"true", "false"}
	case ir.String:
		return quoted(texts(t))
	case ir.Int:
		return wholes(t, 1<<53-1)
	case ir.Duration:
		return wholes(t, math.MaxInt64/1_000_000)
	case ir.Int64:
		return quoted(wholes(t, math.MaxInt64))
	case ir.Float:
		return floats(t)
	case ir.Timestamp:
		values := []string{"2026-01-02T03:04:05Z", "0001-01-01T00:00:00.123456789-23:59"}
		if !w.server { // Go writes nine digits of a second, others may write more
			values = append(values, "2026-01-02T03:04:05."+strings.Repeat("1", unlimitedLength)+"Z")
		}
		return quoted(values)
	case ir.UUID:
		return quoted([]string{"01234567-89ab-cdef-0123-456789abcdef"})
	case ir.Bytes:
		return quoted(blobs(t))
	case ir.JSON:
		return []string{`{"a":[1,null]}`, "null", "5", `"text"`, "[]", "true", quote(strings.Repeat("y", unlimitedLength))}
	case ir.List, ir.Map:
		return w.items(t)
	}
	return w.named(t.Named)
}

func (w *writer) named(d *ir.Decl) []string {
	if d.Kind == ir.Enum {
		var values []string
		for _, v := range d.Values {
			values = append(values, v.Wire)
		}
		return quoted(values)
	}
	if w.within[d.Name] == 2 {
		return nil
	}
	if w.within == nil {
		w.within = map[string]int{}
	}
	w.within[d.Name]++
	defer func() { w.within[d.Name]-- }()
	return w.declared(d)
}

// declared makes objects and unions.
func (w *writer) declared(d *ir.Decl) []string {
	if d.Kind == ir.Object {
		return w.objects(d.Fields, "")
	}
	var values []string
	for _, v := range d.Variants {
		values = append(values, w.objects(v.Fields, `"type":`+quote(v.Name))...)
	}
	return values
}

// objects varies one member at a time.
func (w *writer) objects(fields []*ir.Field, first string) []string {
	members := make([][]string, len(fields)) // the values; "" stands for absence
	for i, f := range fields {
		values := w.values(f.Type)
		if len(values) == 0 && f.Optional {
			if w.cut == nil {
				w.cut = map[string]bool{}
			}
			w.cut[f.Name] = true
		}
		switch {
		case w.server && f.Default != nil:
			values = append(values, f.Default.JSON)
		case f.Optional:
			values = append(values, "")
		}
		if len(values) == 0 {
			return nil
		}
		members[i] = values
	}
	object := func(chosen func(i int) string, extra string) string {
		var parts []string
		if first != "" {
			parts = append(parts, first)
		}
		for i, f := range fields {
			if v := chosen(i); v != "" {
				parts = append(parts, quote(f.Name)+":"+v)
			}
		}
		if extra != "" {
			parts = append(parts, extra)
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	all := func(i int) string { return members[i][0] }
	objects := []string{object(all, ""), object(func(i int) string { return members[i][len(members[i])-1] }, "")}
	for at := range fields {
		for _, v := range members[at][1:] {
			objects = append(objects, object(func(i int) string {
				if i == at {
					return v
				}
				return members[i][0]
			}, ""))
		}
	}
	if !w.server && !w.strict {
		objects = append(objects, object(all, `"beyond_the_schema":{"a":1}`))
	}
	return objects
}

func (w *writer) items(t *ir.Type) []string {
	elems := w.values(t.Elem)
	fewest, longest := least(t.MinItems), unlimitedItems
	if t.MaxItems != nil {
		longest = min(*t.MaxItems, fewest+unlimitedItems)
	} else if longest < fewest {
		longest = fewest
	}
	container := func(n int, elem string) string {
		var parts []string
		for i := range n {
			if t.Kind == ir.Map {
				parts = append(parts, fmt.Sprintf(`"k%d":%s`, i, elem))
			} else {
				parts = append(parts, elem)
			}
		}
		if t.Kind == ir.Map {
			return "{" + strings.Join(parts, ",") + "}"
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	var values []string
	if one := max(fewest, 1); one <= longest {
		for _, elem := range elems {
			values = append(values, container(one, elem))
		}
	}
	if len(elems) > 0 {
		values = append(values, container(longest, elems[0]))
	}
	if fewest == 0 {
		values = append(values, container(0, ""))
	}
	return values
}

func wholes(t *ir.Type, limit int64) []string {
	low, high := -limit, limit
	if t.Kind == ir.Int64 {
		low = math.MinInt64
	}
	if t.Min != nil {
		low = wholeBound(*t.Min)
	}
	if t.Max != nil {
		high = wholeBound(*t.Max)
	}
	var values []string
	for _, n := range []int64{7, low, high, 0, 1, -1, low + high/2 - low/2} {
		if low <= n && n <= high {
			values = append(values, strconv.FormatInt(n, 10))
		}
	}
	return values
}

func floats(t *ir.Type) []string {
	low, high := -math.MaxFloat64, math.MaxFloat64
	if t.Min != nil {
		low = must(strconv.ParseFloat(*t.Min, 64))
	}
	if t.Max != nil {
		high = must(strconv.ParseFloat(*t.Max, 64))
	}
	var values []string
	for _, n := range []float64{1.5, low, high, 0, low + 0.25, high - 0.25, low/2 + high/2} {
		if low <= n && n <= high {
			values = append(values, strconv.FormatFloat(n, 'g', -1, 64))
		}
	}
	return values
}

// lengths are those at the edges of a type's.
func lengths(t *ir.Type) []int {
	low, high := least(t.MinLength), least(t.MinLength)+unlimitedLength
	if t.MaxLength != nil {
		high = *t.MaxLength
	}
	var ns []int
	for _, n := range []int{5, low, high, low + 1, high - 1} {
		if low <= n && n <= high {
			ns = append(ns, n)
		}
	}
	return ns
}

func blobs(t *ir.Type) []string {
	var values []string
	for _, n := range lengths(t) {
		values = append(values, base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\xff", n))))
	}
	return values
}

func texts(t *ir.Type) []string {
	var values []string
	for _, n := range lengths(t) {
		for _, letter := range []string{"a", "Z", "é", "1", " "} {
			if n > 100 && letter > "a" {
				break // one long text is enough
			}
			values = append(values, strings.Repeat(letter, n))
		}
		if t.Pattern != "" {
			tree := must(syntax.Parse(t.Pattern, syntax.Perl)).Simplify()
			for _, repeat := range []int{n, 0, 1, 2, n - 1, n - 2} {
				for _, last := range []bool{false, true} {
					values = append(values, matching(tree, max(repeat, 0), last))
				}
			}
		}
	}
	return slices.DeleteFunc(values, func(s string) bool {
		n := utf8.RuneCountInString(s)
		return n < least(t.MinLength) || n > most(t.MaxLength) || t.Pattern != "" && !compiled(t.Pattern).MatchString(s)
	})
}

// matching makes a text for a pattern: what repeats does so that often, and of characters and alternatives it has the
// first or last.
func matching(e *syntax.Regexp, repeat int, last bool) string {
	switch e.Op {
	case syntax.OpLiteral:
		return string(e.Rune)
	case syntax.OpCharClass:
		if last {
			return string(e.Rune[len(e.Rune)-1])
		}
		return string(e.Rune[0])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "x"
	case syntax.OpStar:
		return strings.Repeat(matching(e.Sub[0], repeat, last), repeat)
	case syntax.OpPlus:
		return strings.Repeat(matching(e.Sub[0], repeat, last), max(repeat, 1))
	case syntax.OpQuest:
		return strings.Repeat(matching(e.Sub[0], repeat, last), min(repeat, 1))
	case syntax.OpAlternate:
		if last {
			return matching(e.Sub[len(e.Sub)-1], repeat, last)
		}
		return matching(e.Sub[0], repeat, last)
	case syntax.OpConcat, syntax.OpCapture:
		var b strings.Builder
		for _, sub := range e.Sub {
			b.WriteString(matching(sub, repeat, last))
		}
		return b.String()
	}
	return ""
}

func quoted(values []string) []string {
	var list []string
	for _, v := range values {
		list = append(list, quote(v))
	}
	return list
}

func quote(s string) string {
	e := codec.NewEncoder(nil)
	e.String(s)
	return string(must(e.Done()))
}
