package schema

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chgen/chgen/schema/ir"
)

var (
	uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

	// timestamp leaves out what time.Parse takes and RFC 3339 has not: a comma, an hour of one digit.
	timestamp = regexp.MustCompile(`^[^T]{10}T[0-9]{2}:[^,]*$`)
)

// value reads a default or an example, and returns with it the optional fields that it leaves out; nil where it is no
// value of t.
func (c *checker) value(n *node, t *ir.Type, rule string) (v *ir.Value, absent []*ir.Field) {
	r := &valueReader{c: c, rule: rule}
	value := r.read(n, t)
	if r.failed {
		return nil, nil
	}
	return &ir.Value{JSON: value}, r.absent
}

// valueReader turns nodes into the JSON that stands on the wire, checking every constraint on the way.
type valueReader struct {
	c      *checker
	rule   string
	absent []*ir.Field // optional fields of objects in it
	failed bool
}

func (r *valueReader) fail(n *node, format string, args ...any) string {
	if n.kind != bad {
		r.c.report(n.pos, r.rule, fmt.Sprintf(format, args...), "")
	}
	r.failed = true
	return ""
}

// breaks reports a value that a constraint of its type refuses.
func (r *valueReader) breaks(n *node, t *ir.Type, key, format string, args ...any) string {
	r.c.clash(n.pos, r.rule, fmt.Sprintf(format, args...), "", r.c.bounds[t][key], key)
	r.failed = true
	return ""
}

func (r *valueReader) read(n *node, t *ir.Type) string {
	switch t.Kind {
	case ir.Named:
		return r.named(n, t.Named)
	case ir.List, ir.Map:
		return r.composed(n, t)
	case ir.JSON:
		return r.any(n)
	case ir.Bool:
		if _, ok := n.boolean(); !ok {
			return r.fail(n, "this is no bool: true or false")
		}
		return n.value
	case ir.Int, ir.Int64, ir.Float, ir.Duration:
		return r.number(n, t)
	}
	return r.text(n, t)
}

func (r *valueReader) number(n *node, t *ir.Type) string {
	quotable := t.Kind == ir.Int64 && n.kind == text
	if n.kind != literal && !quotable || outOfRange(n.value, t.Kind) != "" {
		return r.fail(n, "this is no %s: %s", t.Kind, rangeText(t.Kind))
	}
	if t.Min != nil && less(n.value, *t.Min, t.Kind) {
		return r.breaks(n, t, "min", "%s is less than the min %s", n.value, *t.Min)
	}
	if t.Max != nil && less(*t.Max, n.value, t.Kind) {
		return r.breaks(n, t, "max", "%s is more than the max %s", n.value, *t.Max)
	}
	if t.Kind == ir.Int64 {
		return quote(n.value)
	}
	return n.value
}

func (r *valueReader) text(n *node, t *ir.Type) string {
	if n.kind != text {
		return r.fail(n, "this is no %s: a text is wanted, not %s", t.Kind, n.kind)
	}
	length := utf8.RuneCountInString(n.value)
	switch t.Kind {
	case ir.Timestamp:
		if _, err := time.Parse(time.RFC3339Nano, n.value); err != nil || !timestamp.MatchString(n.value) {
			return r.fail(n, "this is no timestamp: write it as 2006-01-02T15:04:05Z (RFC 3339)")
		}
	case ir.UUID:
		if !uuid.MatchString(n.value) {
			return r.fail(n, "this is no uuid: small hexadecimal digits as in 8-4-4-4-12")
		}
	case ir.Bytes:
		data, err := base64.StdEncoding.Strict().DecodeString(n.value)
		if err != nil || strings.ContainsAny(n.value, "\r\n") {
			return r.fail(n, "this is no bytes: base64 with padding is wanted")
		}
		length = len(data)
	}
	return r.constrained(n, t, length)
}

func (r *valueReader) constrained(n *node, t *ir.Type, length int) string {
	if t.MinLength != nil && length < *t.MinLength {
		return r.breaks(n, t, "min_length", "its length %d is less than the min_length %d", length, *t.MinLength)
	}
	if t.MaxLength != nil && length > *t.MaxLength {
		return r.breaks(n, t, "max_length", "its length %d is more than the max_length %d", length, *t.MaxLength)
	}
	if t.Pattern != "" && !regexp.MustCompile(t.Pattern).MatchString(n.value) {
		return r.breaks(n, t, "pattern", "it does not match the pattern %s", t.Pattern)
	}
	return quote(n.value)
}

func (r *valueReader) composed(n *node, t *ir.Type) string {
	var parts []string
	open, end := "[", "]"
	switch {
	case t.Kind == ir.List && n.kind == sequence:
		for _, item := range n.items {
			parts = append(parts, r.read(item, t.Elem))
		}
	case t.Kind == ir.Map && n.kind == mapping:
		open, end = "{", "}"
		for _, p := range n.pairs {
			parts = append(parts, quote(p.key.value)+":"+r.read(p.value, t.Elem))
		}
	default:
		return r.fail(n, "this is no %s", typeText(t))
	}
	if t.MinItems != nil && len(parts) < *t.MinItems {
		return r.breaks(n, t, "min_items", "it has %d items, fewer than the min_items %d", len(parts), *t.MinItems)
	}
	if t.MaxItems != nil && len(parts) > *t.MaxItems {
		return r.breaks(n, t, "max_items", "it has %d items, more than the max_items %d", len(parts), *t.MaxItems)
	}
	return open + strings.Join(parts, ",") + end
}

func (r *valueReader) named(n *node, d *ir.Decl) string {
	switch d.Kind {
	case ir.Enum:
		for _, v := range d.Values {
			if n.kind == text && n.value == v.Wire {
				return quote(n.value)
			}
		}
		return r.fail(n, "this is no value of the enum %s", d.Name)
	case ir.Union:
		return r.union(n, d)
	case ir.Object:
		if n.kind != mapping {
			return r.fail(n, "this is no %s: a mapping is wanted", d.Name)
		}
		return "{" + strings.Join(r.members(n, n.pairs, d.Fields, d.Name), ",") + "}"
	}
	r.failed = true // the declaration has a problem of its own
	return ""
}

func (r *valueReader) union(n *node, d *ir.Decl) string {
	var rest []pair
	name := ""
	for _, p := range n.pairs {
		if p.key.value == "type" && p.value.kind == text {
			name = p.value.value
		} else {
			rest = append(rest, p)
		}
	}
	for _, v := range d.Variants {
		if n.kind == mapping && v.Name == name {
			members := r.members(n, rest, v.Fields, d.Name+"'s "+name)
			return "{" + strings.Join(append([]string{`"type":` + quote(name)}, members...), ",") + "}"
		}
	}
	return r.fail(n, "this is no %s: a mapping whose type names a variant is wanted", d.Name)
}

// members reads the members of an object in the order of its fields, as they are encoded.
func (r *valueReader) members(n *node, pairs []pair, fields []*ir.Field, what string) []string {
	given := map[string]*node{}
	for _, p := range pairs {
		given[p.key.value] = p.value
	}
	var parts []string
	for _, f := range fields {
		value := given[f.Name]
		delete(given, f.Name)
		switch {
		case f.Type == nil:
			r.failed = true
		case value != nil:
			parts = append(parts, quote(f.Name)+":"+r.read(value, f.Type))
		case f.Optional:
			r.absent = append(r.absent, f)
		default:
			r.fail(n, "the field %q of %s is missing", f.Name, what)
		}
	}
	for _, p := range pairs {
		if given[p.key.value] != nil {
			r.fail(p.key, "%s has no field %q", what, p.key.value)
		}
	}
	return parts
}

func (r *valueReader) any(n *node) string {
	switch n.kind {
	case null:
		return "null"
	case text:
		return quote(n.value)
	case literal:
		if _, ok := n.boolean(); !ok && outOfRange(n.value, ir.Float) != "" {
			return r.fail(n, "this is no JSON number")
		}
		return n.value
	case sequence:
		return r.composed(n, &ir.Type{Kind: ir.List, Elem: &ir.Type{Kind: ir.JSON}})
	case mapping:
		return r.composed(n, &ir.Type{Kind: ir.Map, Elem: &ir.Type{Kind: ir.JSON}})
	}
	r.failed = true
	return ""
}

// quote writes a text as JSON does, without the escapes that only HTML needs.
func quote(value string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return strconv.Quote(value) // cannot happen: every text is JSON
	}
	return strings.TrimSuffix(b.String(), "\n")
}
