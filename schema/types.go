package schema

import (
	"fmt"

	"github.com/chgen/chgen/schema/ir"
)

// declaration is a type on its way into the schema.
type declaration struct {
	*ir.Decl          // Kind is "" where the declaration does not say just one
	at       ir.Pos   // of the name
	body     *node    // what stands under fields, enum or union
	state    resolved // guards against types that are copies of themselves
	finite   bool     // a value of it can end
}

type resolved int

const (
	untouched resolved = iota
	underway
	done
)

// declareTypes makes every type known by name and kind, so that types can be used before they are declared.
func (c *checker) declareTypes(n *node) {
	var entries []pair
	if n != nil {
		entries, _ = c.entries(n, "types")
	}
	for _, p := range entries {
		d := &declaration{Decl: &ir.Decl{Pos: p.key.pos, Name: p.key.value}, at: p.key.pos}
		c.upperCamelName(p.key, "type")
		c.decls[d.Name] = d
		c.typeNames = append(c.typeNames, d.Name)
		c.declareType(d, p.value)
	}
	for _, scalar := range scalars {
		c.allTypes = append(c.allTypes, string(scalar))
	}
	c.allTypes = append(c.allTypes, c.typeNames...)
}

func (c *checker) declareType(d *declaration, n *node) {
	if n.kind != mapping {
		c.wrongShape(n, "a type (a mapping with fields, enum or union)", "")
		return
	}
	keys, _ := c.object(n, "a type", "doc", "deprecated", "fields", "enum", "union")
	d.Doc = c.prose(keys["doc"], "doc")
	d.Deprecated = c.deprecated(keys["deprecated"])
	var bodies []*node
	for _, kind := range []struct {
		key  string
		kind ir.DeclKind
	}{{"fields", ir.Object}, {"enum", ir.Enum}, {"union", ir.Union}} {
		if keys[kind.key] != nil {
			bodies = append(bodies, keys[kind.key])
			d.Kind, d.body = kind.kind, keys[kind.key]
		}
	}
	const message = "a type has one of fields, enum and union"
	switch {
	case len(bodies) == 0:
		c.report(d.at, ruleTypeBody, message, "")
	case len(bodies) > 1:
		d.Kind, d.body = "", nil
		c.clash(bodies[1].pos, ruleTypeBody, message, "", bodies[0].pos, "the first one")
	}
}

func (c *checker) resolveTypes() {
	for _, name := range c.typeNames {
		d := c.decls[name]
		c.resolveType(d)
		c.schema.Types = append(c.schema.Types, d.Decl)
	}
}

func (c *checker) resolveType(d *declaration) {
	if d.state != untouched || d.body == nil {
		return
	}
	d.state = underway
	switch d.Kind {
	case ir.Object:
		d.Fields = c.fields(d.body, "fields")
	case ir.Enum:
		c.enum(d)
	case ir.Union:
		c.union(d)
	}
	d.state = done
}

func (c *checker) enum(d *declaration) {
	if d.body.kind != sequence {
		c.wrongShape(d.body, "enum (a list of texts)", "")
		return
	}
	if len(d.body.items) == 0 {
		c.report(d.body.pos, ruleEmptyType, fmt.Sprintf("the enum %s has no value", d.Name), "")
	}
	seen := map[string]ir.Pos{}
	for _, item := range d.body.items {
		if item.kind != text {
			c.text(item, "the value of an enum")
			continue
		}
		if first, ok := seen[item.value]; ok {
			c.clash(item.pos, ruleDuplicateItem, fmt.Sprintf("the value %q stands here twice", item.value), "", first, "the first one")
			continue
		}
		seen[item.value] = item.pos
		d.Values = append(d.Values, ir.EnumValue{Pos: item.pos, Wire: item.value})
	}
}

func (c *checker) union(d *declaration) {
	entries, ok := c.entries(d.body, "union")
	if ok && len(entries) == 0 {
		c.report(d.body.pos, ruleEmptyType, fmt.Sprintf("the union %s has no variant", d.Name), "")
	}
	for _, p := range entries {
		c.identifierName(p.key.value, p.key.pos, "a variant")
		v := &ir.Variant{Pos: p.key.pos, Name: p.key.value, Fields: c.fields(p.value, "a variant")}
		if object := c.decls[p.value.value]; p.value.kind == text && object != nil {
			v.Doc = object.Doc
		}
		for _, f := range v.Fields {
			if f.Name != "type" {
				continue
			}
			const message = "the member \"type\" of a variant says which variant it is"
			if p.value.kind == text {
				c.clash(p.value.pos, ruleReservedName, message, "choose another name", f.Pos, "the field")
			} else {
				c.report(f.Pos, ruleReservedName, message, "choose another name")
			}
		}
		d.Variants = append(d.Variants, v)
	}
}

// lookup finds a declared type by the name that stands at n, and reports where there is none.
func (c *checker) lookup(name string, at ir.Pos) *declaration {
	if d := c.decls[name]; d != nil {
		return d
	}
	c.unknownType(name, at)
	return nil
}

// copied returns the fields of the object that n names, for places that take its fields rather than the object.
func (c *checker) copied(n *node, what string) []*ir.Field {
	d := c.lookup(n.value, n.pos)
	switch {
	case d == nil || d.Kind == "":
		return nil
	case d.Kind != ir.Object:
		c.clash(n.pos, ruleObjectWanted, fmt.Sprintf("%s are those of an object, and %s is none", what, d.Name),
			"", d.at, fmt.Sprintf("the %s %s", d.Kind, d.Name))
		return nil
	case d.state == underway:
		c.report(n.pos, ruleEndless, fmt.Sprintf("%s takes its fields from itself", d.Name), "write the fields out")
		return nil
	}
	c.resolveType(d)
	return d.Fields
}
