package asyncapi

import (
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

// The limits of the scalars, where they are those of the decoder and not of JSON.
const (
	maxInt      = "9007199254740991" // 2^53-1
	maxDuration = "9223372036854"    // milliseconds

	int64Pattern = `^(0|-?[1-9][0-9]{0,18})$`
	bytesPattern = `^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$`
)

// property is a member of an object.
type property struct {
	name     string
	required bool
	schema   *yaml.Node
}

func required(name string, members ...member) property {
	return property{name, true, mapping(members...)}
}

func optional(name string, members ...member) property {
	return property{name, false, mapping(members...)}
}

// object is the schema of an object; others may be in it unless it is closed.
func object(closed bool, about []member, properties ...property) *yaml.Node {
	var needed []string
	known := mapping()
	for _, p := range properties {
		if p.required {
			needed = append(needed, p.name)
		}
		add(known, m(p.name, p.schema))
	}
	n := mapping(m("type", "object"))
	add(n, about...)
	add(n, m("required", needed))
	if len(properties) > 0 {
		add(n, m("properties", known))
	}
	if closed {
		add(n, m("additionalProperties", plain("false")))
	}
	return n
}

// described says what something is and whether it is deprecated.
func described(doc, deprecated string) []member {
	return []member{m("description", paragraphs(doc, deprecation(deprecated))), m("deprecated", deprecated != "")}
}

// deprecation is the paragraph that says so; empty for what is not.
func deprecation(deprecated string) string {
	switch deprecated {
	case "":
		return ""
	case "deprecated":
		return "Deprecated."
	}
	return "Deprecated: " + deprecated
}

// decl adds the schemas of a declared type.
func (d *document) decl(t *ir.Decl) {
	about := described(t.Doc, t.Deprecated)
	switch t.Kind {
	case ir.Object:
		add(d.schemas, m(t.Name, object(d.schema.Strict, about, properties(t.Fields)...)))
	case ir.Enum:
		var values []string
		for _, v := range t.Values {
			values = append(values, v.Wire)
		}
		n := mapping(m("type", "string"))
		add(n, about...)
		add(n, m("enum", texts(values)))
		add(d.schemas, m(t.Name, n))
	case ir.Union:
		d.union(t, about)
	default:
		panic(fmt.Sprintf("asyncapi: %s: there is no kind of type %q", t.Name, t.Kind))
	}
}

// union adds the schemas of a union and of its variants.
func (d *document) union(t *ir.Decl, about []member) {
	var variants []*yaml.Node
	for _, v := range t.Variants {
		variants = append(variants, component("schemas", variantName(t, v)))
	}
	n := mapping(m("type", "object"))
	add(n, about...)
	add(n, m("discriminator", "type"), m("required", []string{"type"}), m("oneOf", variants))
	add(d.schemas, m(t.Name, n))
	for _, v := range t.Variants {
		add(d.schemas, m(variantName(t, v), object(d.schema.Strict, described(v.Doc, ""), variant(v)...)))
	}
}

func variantName(t *ir.Decl, v *ir.Variant) string { return t.Name + names.Go(v.Name) }

func variant(v *ir.Variant) []property {
	return append([]property{required("type", m("type", "string"), m("const", v.Name))}, properties(v.Fields)...)
}

func properties(fields []*ir.Field) []property {
	var all []property
	for _, f := range fields {
		all = append(all, property{f.Name, !f.Optional, field(f)})
	}
	return all
}

// field is the schema of a field. In JSON Schema nothing counts beside a reference, which therefore stands in an allOf
// where there is more to say.
func field(f *ir.Field) *yaml.Node {
	note := wireNote(f.Type)
	about := described(paragraphs(f.Doc, note), f.Deprecated)
	if f.Default != nil {
		about = append(about, m("default", rawJSON(f.Default.JSON)))
	}
	if f.Example != nil {
		about = append(about, m("examples", list(rawJSON(f.Example.JSON))))
	}
	n := typeOf(f.Type)
	if f.Type.Kind == ir.Named && slices.ContainsFunc(about, func(m member) bool { return m.value != nil }) {
		n = mapping(m("allOf", list(n)))
	}
	add(n, about...)
	return n
}

// wireNote says what the rest of a schema does not.
func wireNote(t *ir.Type) string {
	switch t.Kind {
	case ir.Int64:
		return "A whole number of 64 bits, in decimal."
	case ir.Duration:
		return "In milliseconds."
	case ir.JSON:
		return "Any JSON value."
	case ir.Bytes:
		return sizeNote(t.MinLength, t.MaxLength)
	case ir.List, ir.Map:
		return wireNote(t.Elem)
	}
	return ""
}

func sizeNote(least, most *int) string {
	switch {
	case least != nil && most != nil:
		return fmt.Sprintf("From %d to %d bytes.", *least, *most)
	case least != nil:
		return fmt.Sprintf("At least %d bytes.", *least)
	case most != nil:
		return fmt.Sprintf("At most %d bytes.", *most)
	}
	return ""
}

// typeOf is the schema of a type expression.
func typeOf(t *ir.Type) *yaml.Node {
	switch t.Kind {
	case ir.Bool:
		return mapping(m("type", "boolean"))
	case ir.String:
		return mapping(m("type", "string"), m("minLength", t.MinLength), m("maxLength", t.MaxLength), m("pattern", t.Pattern))
	case ir.Int:
		return integer(t, maxInt)
	case ir.Duration:
		return integer(t, maxDuration)
	case ir.Int64:
		return mapping(m("type", "string"), m("format", "int64"), m("pattern", int64Pattern),
			m("x-minimum", quoted(t.Min)), m("x-maximum", quoted(t.Max)))
	case ir.Float:
		return mapping(m("type", "number"), m("format", "double"), m("minimum", t.Min), m("maximum", t.Max))
	case ir.Timestamp:
		return mapping(m("type", "string"), m("format", "date-time"))
	case ir.UUID:
		return mapping(m("type", "string"), m("format", "uuid"))
	case ir.Bytes:
		return mapping(m("type", "string"), m("contentEncoding", "base64"), m("pattern", bytesPattern),
			m("minLength", base64Length(t.MinLength)), m("maxLength", base64Length(t.MaxLength)))
	case ir.JSON:
		return mapping()
	case ir.List:
		return mapping(m("type", "array"), m("items", typeOf(t.Elem)), m("minItems", t.MinItems), m("maxItems", t.MaxItems))
	case ir.Map:
		return mapping(m("type", "object"), m("additionalProperties", typeOf(t.Elem)),
			m("minProperties", t.MinItems), m("maxProperties", t.MaxItems))
	case ir.Named:
		return component("schemas", t.Named.Name)
	}
	panic(fmt.Sprintf("asyncapi: there is no kind of type %q", t.Kind))
}

func integer(t *ir.Type, limit string) *yaml.Node {
	least, most := "-"+limit, limit
	if t.Min != nil {
		least = *t.Min
	}
	if t.Max != nil {
		most = *t.Max
	}
	return mapping(m("type", "integer"), m("minimum", &least), m("maximum", &most))
}

// quoted is a number of 64 bits as it stands on the wire.
func quoted(number *string) string {
	if number == nil {
		return ""
	}
	return *number
}

// base64Length is how many characters a number of bytes has.
func base64Length(size *int) *int {
	if size == nil {
		return nil
	}
	return new((*size + 2) / 3 * 4)
}
