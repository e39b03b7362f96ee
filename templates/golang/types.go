package golang

import (
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

func (g *generator) decl(d *ir.Decl) {
	switch d.Kind {
	case ir.Object:
		g.doc(named(d.Name, d.Doc, d.Name+" is declared in "+g.schema.File+"."), "", d.Deprecated)
		g.object(object{name: d.Name, fields: d.Fields, recursive: recursive(d)})
	case ir.Enum:
		g.enum(d)
	case ir.Union:
		g.union(d)
	default:
		g.fail("%s: there is no kind of type %q", d.Name, d.Kind)
	}
}

// object is a struct that reads and writes itself.
type object struct {
	name    string
	fields  []*ir.Field
	variant string    // of a union: the value of its member "type"
	failure *ir.Error // a declared error: it is written with its reason

	recursive bool // values of it may hold others of it: encoding counts how deep it is
}

// recursive reports whether values of a declared type may hold others of it.
func recursive(d *ir.Decl) bool {
	seen := make(map[*ir.Decl]bool)
	var reaches func(from *ir.Decl) bool
	reaches = func(from *ir.Decl) bool {
		fields := from.Fields
		for _, v := range from.Variants {
			fields = slices.Concat(fields, v.Fields)
		}
		for _, f := range fields {
			t := f.Type
			for t.Elem != nil {
				t = t.Elem
			}
			if t.Named == d {
				return true
			}
			if t.Named != nil && !seen[t.Named] {
				seen[t.Named] = true
				if reaches(t.Named) {
					return true
				}
			}
		}
		return false
	}
	return reaches(d)
}

// object writes a struct and its four methods.
func (g *generator) object(o object) {
	g.structure(o)
	g.appendJSON(o)
	g.decodeJSON(o)
	g.file.Comment("// MarshalJSON is AppendJSON for encoding/json.")
	g.file.Func().Params(jen.Id("v").Id(o.name)).Id("MarshalJSON").Params().
		Params(jen.Index().Byte(), jen.Error()).
		Block(jen.Return(jen.Id("v").Dot("AppendJSON").Call(jen.Nil())))
	g.file.Comment("// UnmarshalJSON is DecodeJSON for encoding/json.")
	g.file.Func().Params(jen.Id("v").Op("*").Id(o.name)).Id("UnmarshalJSON").Params(jen.Id("data").Index().Byte()).
		Error().
		Block(jen.Return(jen.Qual(pathCodec, "Unmarshal").Call(jen.Id("data"), jen.Id("v"))))
}

func (g *generator) structure(o object) {
	g.file.Type().Id(o.name).StructFunc(func(body *jen.Group) {
		for _, f := range o.fields {
			for _, line := range fieldDoc(f) {
				body.Add(line)
			}
			body.Id(names.Go(f.Name)).Add(g.fieldType(f))
		}
	})
}

func fieldDoc(f *ir.Field) []jen.Code {
	if f.Doc == "" && f.Deprecated == "" {
		return nil
	}
	return comment("", f.Doc, f.Deprecated)
}

// fieldType is the type of a field: a pointer only where nil is the one way to say that it is absent.
func (g *generator) fieldType(f *ir.Field) *jen.Statement {
	if pointer(f) {
		return jen.Op("*").Add(g.goType(f.Type))
	}
	return g.goType(f.Type)
}

// pointer reports whether a field is a pointer. A field with a default always has a value.
func pointer(f *ir.Field) bool {
	return f.Optional && f.Default == nil && !hasNil(f.Type)
}

// hasNil reports whether the Go type has a nil of its own, which stands for an optional value that is absent.
func hasNil(t *ir.Type) bool {
	switch t.Kind {
	case ir.List, ir.Map, ir.JSON, ir.Bytes:
		return true
	case ir.Named:
		return t.Named.Kind == ir.Union
	}
	return false
}

func (g *generator) goType(t *ir.Type) *jen.Statement {
	switch t.Kind {
	case ir.Bool:
		return jen.Bool()
	case ir.String, ir.UUID:
		return jen.String()
	case ir.Int, ir.Int64:
		return jen.Int64()
	case ir.Float:
		return jen.Float64()
	case ir.Timestamp:
		return jen.Qual("time", "Time")
	case ir.Duration:
		return jen.Qual("time", "Duration")
	case ir.Bytes:
		return jen.Index().Byte()
	case ir.JSON:
		return jen.Qual("encoding/json", "RawMessage")
	case ir.List:
		return jen.Index().Add(g.goType(t.Elem))
	case ir.Map:
		return jen.Map(jen.String()).Add(g.goType(t.Elem))
	case ir.Named:
		return jen.Id(t.Named.Name)
	}
	g.fail("there is no kind of type %q", t.Kind)
	return jen.Null()
}
