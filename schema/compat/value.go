package compat

import (
	"fmt"

	"github.com/chgen/chgen/schema/ir"
)

// values compares two types of one place.
func (c *comparison) values(f flow, old, now *ir.Type, at place) {
	writer, reader := f.sides(old, now)
	switch {
	case reader.Kind == ir.JSON:
	case isComposed(writer, reader):
		c.constraints(f, old, now, at)
		at.what = "what is in " + at.what
		c.values(f, old.Elem, now.Elem, at)
	case writer.Kind == ir.Named && reader.Kind == ir.Named && writer.Named.Kind == reader.Named.Kind:
		c.declared(f, old.Named, now.Named, at)
	case writer.Kind == reader.Kind && writer.Kind != ir.Named:
		c.constraints(f, old, now, at)
	case reader.Named == anyObject && writer.Kind == ir.Named && writer.Named.Kind == ir.Union:
	case fits(f, writer, reader):
	default:
		c.report(f.rule(ruleClientType, ruleServerType), at, "%s changes from %s to %s", at.what, typeText(old), typeText(now))
	}
}

func isComposed(a, b *ir.Type) bool {
	return a.Kind == b.Kind && (a.Kind == ir.List || a.Kind == ir.Map)
}

// declared compares two declared types of one kind, or the fields of a payload.
func (c *comparison) declared(f flow, old, now *ir.Decl, at place) {
	if old.Name != "" && now.Name != "" { // only these are met again
		if c.done[pair{f, old, now}] {
			return
		}
		c.done[pair{f, old, now}] = true
	}
	was, is := at.what, at.what
	if old.Name != "" {
		was, at.old = old.Name, old.Pos
	}
	if now.Name != "" {
		is, at.now = now.Name, now.Pos
	}
	if at.what = was; was != is {
		at.what += " (now " + is + ")"
	}
	switch old.Kind {
	case ir.Object:
		if readsAll := f == fromServer && old == anyObject || f != fromServer && now == anyObject; !readsAll {
			c.fields(f, old.Fields, now.Fields, at, is)
		}
	case ir.Enum:
		c.enums(f, old, now, at, is)
	case ir.Union:
		c.unions(f, old, now, at, is)
	}
}

// fields compares two objects; is names the new one.
func (c *comparison) fields(f flow, old, now []*ir.Field, at place, is string) {
	known := map[string]*ir.Field{}
	for _, field := range old {
		known[field.Name] = field
	}
	for _, field := range now {
		was := known[field.Name]
		if was == nil {
			c.fieldAdded(f, field, place{is, at.old, field.Pos})
			continue
		}
		delete(known, field.Name)
		c.field(f, was, field, fmt.Sprintf("the field %q of %s", field.Name, is))
	}
	for _, field := range old {
		if known[field.Name] != nil {
			c.fieldRemoved(f, field, place{at.what, field.Pos, at.now})
		}
	}
}

func (c *comparison) fieldAdded(f flow, field *ir.Field, at place) {
	switch {
	case f == fromServer && c.old.Strict:
		c.report(ruleServerAdded, at, "the field %q of %s is new, and the old schema is strict", field.Name, at.what)
	case f != fromServer && !field.Optional:
		c.report(ruleClientAdded, at, "the field %q of %s is new and required", field.Name, at.what)
	}
}

func (c *comparison) fieldRemoved(f flow, field *ir.Field, at place) {
	switch {
	case f == fromServer:
		c.report(ruleServerRemoved, at, "the field %q of %s is removed", field.Name, at.what)
	case c.now.Strict:
		c.report(ruleClientRemoved, at, "the field %q of %s is removed, and the schema is strict", field.Name, at.what)
	}
}

func (c *comparison) field(f flow, old, now *ir.Field, what string) {
	at := place{what, old.Pos, now.Pos}
	switch {
	case f == fromServer && !old.Optional && now.Optional && now.Default == nil: // a default is always written
		c.report(ruleServerOptional, at, "%s becomes optional", what)
	case f != fromServer && old.Optional && !now.Optional:
		c.report(ruleClientRequired, at, "%s becomes required", what)
	}
	c.values(f, old.Type, now.Type, at)
}

func (c *comparison) enums(f flow, old, now *ir.Decl, at place, is string) {
	if f != fromServer {
		for _, v := range without(old.Values, now.Values) {
			c.report(ruleClientEnum, place{old: v.Pos, now: at.now}, "the value %q of %s is removed", v.Wire, at.what)
		}
		return
	}
	for _, v := range without(now.Values, old.Values) {
		c.report(ruleServerEnum, place{old: at.old, now: v.Pos}, "the value %q of %s is new", v.Wire, is)
	}
}

// without returns the values that are not among the others.
func without(values, others []ir.EnumValue) []ir.EnumValue {
	known := map[string]bool{}
	for _, v := range others {
		known[v.Wire] = true
	}
	var rest []ir.EnumValue
	for _, v := range values {
		if !known[v.Wire] {
			rest = append(rest, v)
		}
	}
	return rest
}

func (c *comparison) unions(f flow, old, now *ir.Decl, at place, is string) {
	known := map[string]*ir.Variant{}
	for _, v := range old.Variants {
		known[v.Name] = v
	}
	for _, v := range now.Variants {
		was := known[v.Name]
		delete(known, v.Name)
		switch {
		case was != nil:
			what := is + "'s variant " + v.Name
			c.fields(f, was.Fields, v.Fields, place{what, was.Pos, v.Pos}, what)
		case f == fromServer:
			c.report(ruleServerVariant, place{old: at.old, now: v.Pos}, "the variant %s of %s is new", v.Name, is)
		}
	}
	for _, v := range old.Variants {
		if f != fromServer && known[v.Name] != nil {
			c.report(ruleClientVariant, place{old: v.Pos, now: at.now}, "the variant %s of %s is removed", v.Name, at.what)
		}
	}
}

// typeText writes a type as the schema does.
func typeText(t *ir.Type) string {
	switch {
	case t.Elem != nil:
		return fmt.Sprintf("%s(%s)", t.Kind, typeText(t.Elem))
	case t.Kind != ir.Named:
		return string(t.Kind)
	case t.Named == anyObject:
		return "{}"
	case t.Named.Name == "":
		return "fields"
	}
	return fmt.Sprintf("%s (%s)", t.Named.Name, t.Named.Kind)
}
