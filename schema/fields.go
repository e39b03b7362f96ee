package schema

import (
	"fmt"
	"strings"

	"github.com/chgen/chgen/schema/ir"
)

// fields reads the fields of an object, or the name of an object whose fields they are.
func (c *checker) fields(n *node, what string) []*ir.Field {
	if n == nil {
		return nil
	}
	if n.kind == text {
		return c.copied(n, what)
	}
	entries, ok := c.entries(n, what)
	if !ok {
		return nil
	}
	fields := make([]*ir.Field, 0, len(entries))
	seen := map[string]ir.Pos{}
	for _, p := range entries {
		f := c.field(p)
		if first, twice := seen[f.Name]; twice {
			c.clash(f.Pos, ruleDuplicateKey, fmt.Sprintf("the field %q stands here twice", f.Name), "", first, "the first one")
			continue
		}
		seen[f.Name] = f.Pos
		fields = append(fields, f)
	}
	return fields
}

func (c *checker) field(p pair) *ir.Field {
	name, optional := strings.CutSuffix(p.key.value, "?")
	f := &ir.Field{Pos: p.key.pos, Name: name, Optional: optional}
	c.identifierName(name, p.key.pos, "a field")
	switch p.value.kind {
	case text:
		f.Type = c.typeExpr(p.value)
	case mapping:
		c.longForm(f, p.value)
	case sequence:
		c.wrongShape(p.value, "a type", "a list is written list(T)")
	default:
		c.wrongShape(p.value, "a type", "")
	}
	return f
}

// longForm reads { type: T, doc:, min:, ... }.
func (c *checker) longForm(f *ir.Field, n *node) {
	keys, ok := c.object(n, "a field", "type", "doc", "min", "max", "min_length", "max_length", "pattern",
		"min_items", "max_items", "default", "example", "deprecated")
	if !ok {
		return
	}
	f.Doc = c.prose(keys["doc"], "doc")
	f.Deprecated = c.deprecated(keys["deprecated"])
	switch typ := keys["type"]; {
	case typ == nil:
		c.report(f.Pos, ruleMissingKey, fmt.Sprintf("the field %q does not say its type", f.Name),
			"add type: T; an object inside an object is a type of its own, declared under types")
	case typ.kind == text:
		f.Type = c.typeExpr(typ)
	default:
		c.wrongShape(typ, "a type", "")
	}
	if f.Type == nil {
		return
	}
	c.constraints(f.Type, keys)
	c.defaultAndExample(f, keys["default"], keys["example"])
}

func (c *checker) defaultAndExample(f *ir.Field, def, example *node) {
	if def != nil && !f.Optional {
		c.report(def.pos, ruleDefaultRequired, "only an optional field has a default", fmt.Sprintf("write %s?:", f.Name))
		def = nil
	}
	c.later = append(c.later, func() {
		if def != nil {
			var absent []*ir.Field
			f.Default, absent = c.value(def, f.Type, ruleBadDefault)
			c.defaults, c.fills[f] = append(c.defaults, f), filling{def.pos, absent}
		}
		if example != nil {
			f.Example, _ = c.value(example, f.Type, ruleBadExample)
		}
	})
}
