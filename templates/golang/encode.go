package golang

import (
	"github.com/dave/jennifer/jen"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

// writing is one place in an AppendJSON.
type writing struct {
	g       *generator
	pattern string
	depth   int  // in lists and maps
	inMaps  int  // the maps among them
	present bool // the value is known not to be nil
	counts  bool // the method has a parameter depth
	maps    *int // how many maps in maps the method has: it needs room for the keys of each
}

// appendJSON writes the method that appends an object to a buffer.
func (g *generator) appendJSON(o object) {
	g.patterns(o)
	maps := 0
	var members []jen.Code
	for _, f := range o.fields {
		w := writing{g: g, pattern: patternName(o, f), maps: &maps, counts: o.recursive}
		members = append(members, w.field(f)...)
	}
	g.file.Comment("// AppendJSON appends v to dst. The error is a *codec.Error.")
	method := func(id string, params ...jen.Code) *jen.Statement {
		return g.file.Func().Params(jen.Id("v").Op("*").Id(o.name)).Id(id).Params(params...).Params(jen.Index().Byte(), jen.Error())
	}
	id, params := "AppendJSON", []jen.Code{dstParam()}
	if o.recursive {
		method(id, params...).Block(jen.Return(jen.Id("v").Dot("appendJSON").Call(jen.Id("dst"), jen.Lit(0))))
		g.file.Comment("// appendJSON is AppendJSON for a value that is held by others, so many deep.")
		id, params = "appendJSON", append(params, depthParam())
	}
	method(id, params...).
		BlockFunc(func(body *jen.Group) {
			if o.recursive {
				body.If(jen.Id("depth").Op(">=").Qual(pathCodec, "MaxDepth")).Block(
					jen.Return(jen.Id("dst"), jen.Qual(pathCodec, "ErrTooDeep")))
			}
			for i := range maps {
				body.Var().Id(numbered("keys", i)).Index(jen.Qual(pathCodec, "SmallMap")).String()
			}
			body.Id("e").Op(":=").Qual(pathCodec, "NewEncoder").Call(jen.Id("dst"))
			body.Add(encoder("Object"))
			for _, m := range o.fixed() {
				body.Add(encoder("Name", jen.Lit(m[0])))
				body.Add(encoder("String", jen.Lit(m[1])))
			}
			for _, m := range members {
				body.Add(m)
			}
			body.Add(encoder("EndObject"))
			body.Return(jen.Id("e").Dot("Done").Call())
		})
}

func dstParam() *jen.Statement { return jen.Id("dst").Index().Byte() }

func depthParam() *jen.Statement { return jen.Id("depth").Int() }

// fixed are the members that every value of o has, with their values.
func (o object) fixed() [][2]string {
	switch {
	case o.variant != "":
		return [][2]string{{"type", o.variant}}
	case o.failure != nil && o.failure.Text != "":
		return [][2]string{{"reason", o.failure.Name}, {"message", o.failure.Text}}
	case o.failure != nil:
		return [][2]string{{"reason", o.failure.Name}}
	}
	return nil
}

func encoder(method string, args ...jen.Code) *jen.Statement {
	return jen.Id("e").Dot(method).Call(args...)
}

func (w writing) field(f *ir.Field) []jen.Code {
	field := jen.Id("v").Dot(names.Go(f.Name))
	value := field.Clone()
	if pointer(f) && !isObject(f.Type) {
		value = jen.Op("*").Add(field.Clone())
	}
	w.present = f.Optional && f.Default == nil
	code := append([]jen.Code{encoder("Name", jen.Lit(f.Name))}, w.value(value, f.Type)...)
	if w.present {
		return []jen.Code{jen.If(field.Clone().Op("!=").Nil()).Block(code...)}
	}
	return code
}

// value writes a value after its checks.
func (w writing) value(value *jen.Statement, t *ir.Type) []jen.Code {
	switch {
	case t.Kind == ir.List:
		return w.list(value, t)
	case t.Kind == ir.Map:
		return w.mapping(value, t)
	case t.Kind == ir.Named && t.Named.Kind != ir.Enum:
		return []jen.Code{w.put(value, t.Named)}
	}
	var code []jen.Code
	for _, check := range checks(t, value, w.pattern) {
		code = append(code, encoder("Check", check))
	}
	return append(code, w.scalar(value, t)...)
}

// put writes a value that writes itself. A union may be nil, which Present refuses where it is required.
func (w writing) put(value *jen.Statement, d *ir.Decl) jen.Code {
	if w.counts && recursive(d) {
		depth := jen.Id("depth").Op("+").Lit(w.depth + 1)
		if d.Kind == ir.Union {
			return encoder("Put", unionAppender(d).Call(value.Clone(), encoder("Buf"), depth))
		}
		return encoder("Put", value.Clone().Dot("appendJSON").Call(encoder("Buf"), depth))
	}
	if d.Kind == ir.Union && !w.present {
		value = jen.Qual(pathCodec, "Present").Call(value.Clone())
	}
	return encoder("Put", value.Clone().Dot("AppendJSON").Call(encoder("Buf")))
}

func (w writing) scalar(value *jen.Statement, t *ir.Type) []jen.Code {
	method, ok := map[ir.Kind]string{
		ir.Bool: "Bool", ir.String: "String", ir.Int: "Int", ir.Int64: "Int64", ir.Float: "Float",
		ir.Timestamp: "Timestamp", ir.Duration: "Duration", ir.UUID: "UUID", ir.Bytes: "Bytes", ir.JSON: "JSON",
	}[t.Kind]
	switch {
	case ok:
		return []jen.Code{encoder(method, value.Clone())}
	case t.Kind == ir.Named:
		return []jen.Code{
			encoder("Check", jen.Qual(pathCodec, "OneOf").Call(value.Clone(), enumTable(t.Named))),
			encoder("String", jen.String().Call(value.Clone())),
		}
	}
	w.g.fail("there is no kind of type %q", t.Kind)
	return nil
}

func (w writing) list(value *jen.Statement, t *ir.Type) []jen.Code {
	i := jen.Id(numbered("i", w.depth))
	inner := w
	inner.depth, inner.present = w.depth+1, false
	body := append([]jen.Code{encoder("Next")}, inner.value(value.Clone().Index(i.Clone()), t.Elem)...)
	return append(countChecks(t, value),
		encoder("Array"),
		jen.For(i.Clone().Op(":=").Range().Add(value.Clone())).Block(body...),
		encoder("EndArray"),
	)
}

func (w writing) mapping(value *jen.Statement, t *ir.Type) []jen.Code {
	keys, key, elem := numbered("keys", w.inMaps), numbered("key", w.depth), jen.Id(numbered("elem", w.depth))
	*w.maps = max(*w.maps, w.inMaps+1)
	inner := w
	inner.depth, inner.inMaps, inner.present = w.depth+1, w.inMaps+1, false
	body := []jen.Code{encoder("Key", jen.Id(key))}
	if entry := value.Clone().Index(jen.Id(key)); namedOnce(t.Elem) {
		elem = entry
	} else {
		body = append(body, elem.Clone().Op(":=").Add(entry))
	}
	body = append(body, inner.value(elem, t.Elem)...)
	sorted := jen.Qual(pathCodec, "SortedKeys").Call(jen.Id(keys).Index(jen.Empty(), jen.Lit(0)), value.Clone())
	return append(countChecks(t, value),
		encoder("Object"),
		jen.For(jen.List(jen.Id("_"), jen.Id(key)).Op(":=").Range().Add(sorted)).Block(body...),
		encoder("EndObject"),
	)
}

// namedOnce reports whether writing a value names it but once, and not its address.
func namedOnce(t *ir.Type) bool {
	if t.Kind == ir.Named {
		return t.Named.Kind == ir.Union
	}
	return t.Elem == nil && len(checks(t, jen.Null(), "")) == 0
}

func countChecks(t *ir.Type, value *jen.Statement) []jen.Code {
	if check := countCheck(t, value); check != nil {
		return []jen.Code{encoder("Check", check)}
	}
	return nil
}
