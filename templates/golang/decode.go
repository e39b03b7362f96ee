package golang

import (
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

// reading is one place in a DecodeJSON: what pattern its strings match, and how deep in lists and maps it is.
type reading struct {
	g       *generator
	pattern string
	depth   int
}

func patternName(o object, f *ir.Field) string {
	return own(o.name, names.Go(f.Name)+"Pattern")
}

// decodeJSON writes the method that reads an object in one pass.
func (g *generator) decodeJSON(o object) {
	ignored := o.ignored()
	g.file.Comment("// DecodeJSON reads v. The error is a *codec.Error.")
	g.file.Func().Params(jen.Id("v").Op("*").Id(o.name)).Id("DecodeJSON").Params(decoderParam()).Error().
		BlockFunc(func(body *jen.Group) {
			body.Op("*").Id("v").Op("=").Add(g.initial(o))
			body.Id("obj").Op(":=").Id("d").Dot("Object").Call()
			body.For(jen.Id("obj").Dot("Next").Call(jen.Id("d"))).Block(
				g.readMember(o, ignored),
			)
			if o.variant != "" {
				body.Add(require(0, "type"))
			}
			for i, f := range o.fields {
				if !f.Optional {
					body.Add(require(len(ignored)+i, f.Name))
				}
			}
			body.Return(jen.Id("d").Dot("Err").Call())
		})
}

// readMember reads the member that obj is at, by its name. Those that are ignored have the first numbers.
func (g *generator) readMember(o object, ignored []string) jen.Code {
	unknown := jen.Id("obj").Dot("Skip").Call(jen.Id("d"))
	if g.schema.Strict {
		unknown = jen.Id("obj").Dot("Refuse").Call(jen.Id("d"))
	}
	if len(ignored)+len(o.fields) == 0 {
		return unknown
	}
	return jen.Switch(jen.String().Call(jen.Id("obj").Dot("Name").Call())).BlockFunc(func(cases *jen.Group) {
		for i, name := range ignored {
			cases.Case(jen.Lit(name)).Block(once(i), o.readIgnored())
		}
		for i, f := range o.fields {
			cases.Case(jen.Lit(f.Name)).Block(append([]jen.Code{once(len(ignored) + i)}, g.readField(o, f)...)...)
		}
		cases.Default().Block(unknown)
	})
}

// ignored are the members that stand in the JSON of o but not in the struct.
func (o object) ignored() []string {
	switch {
	case o.variant != "":
		return []string{"type"}
	case o.failure != nil:
		return []string{"reason", "message"}
	}
	return nil
}

func (o object) readIgnored() jen.Code {
	if o.variant != "" {
		return jen.Id("d").Dot("Literal").Call(jen.Lit(o.variant))
	}
	return jen.Id("d").Dot("Skip").Call()
}

func once(i int) jen.Code { return jen.Id("obj").Dot("Once").Call(jen.Id("d"), jen.Lit(i)) }

func require(i int, name string) jen.Code {
	return jen.Id("obj").Dot("Require").Call(jen.Id("d"), jen.Lit(i), jen.Lit(name))
}

func (g *generator) readField(o object, f *ir.Field) []jen.Code {
	r := reading{g: g, pattern: patternName(o, f)}
	field := jen.Id("v").Dot(names.Go(f.Name))
	if !f.Optional {
		return r.into(field, f.Type)
	}
	read := r.into(field, f.Type)
	if pointer(f) {
		read = r.intoNew(field, f.Type)
	}
	return []jen.Code{jen.If(jen.Op("!").Id("d").Dot("Null").Call()).Block(read...)}
}

// intoNew reads a value into a pointer that is nil so far.
func (r reading) intoNew(place *jen.Statement, t *ir.Type) []jen.Code {
	if isObject(t) {
		return []jen.Code{
			place.Clone().Op("=").New(jen.Id(t.Named.Name)),
			jen.Id("d").Dot("Value").Call(place.Clone()),
		}
	}
	value := jen.Op("*").Add(place.Clone())
	return append([]jen.Code{place.Clone().Op("=").New(r.scalar(t))}, r.checks(t, value)...)
}

// into reads a value into a place that can be assigned to.
func (r reading) into(place *jen.Statement, t *ir.Type) []jen.Code {
	switch {
	case t.Kind == ir.List:
		return r.list(place, "=", t)
	case t.Kind == ir.Map:
		return r.mapping(place, "=", t)
	case isObject(t):
		return []jen.Code{jen.Id("d").Dot("Value").Call(jen.Op("&").Add(place.Clone()))}
	}
	return append([]jen.Code{place.Clone().Op("=").Add(r.scalar(t))}, r.checks(t, place)...)
}

func isObject(t *ir.Type) bool { return t.Kind == ir.Named && t.Named.Kind == ir.Object }

// scalar is the expression that reads whatever one expression reads.
func (r reading) scalar(t *ir.Type) *jen.Statement {
	d := jen.Id("d")
	switch t.Kind {
	case ir.Bool:
		return d.Dot("Bool").Call()
	case ir.String:
		return d.Dot("String").Call()
	case ir.Int:
		return d.Dot("Int").Call()
	case ir.Int64:
		return d.Dot("Int64").Call()
	case ir.Float:
		return d.Dot("Float").Call()
	case ir.Timestamp:
		return d.Dot("Timestamp").Call()
	case ir.Duration:
		return d.Dot("Duration").Call()
	case ir.UUID:
		return d.Dot("UUID").Call()
	case ir.Bytes:
		return d.Dot("Bytes").Call()
	case ir.JSON:
		return d.Dot("JSON").Call()
	case ir.Named:
		if t.Named.Kind == ir.Enum {
			return jen.Qual(pathCodec, "Enum").Call(d, enumTable(t.Named))
		}
		return unionReader(t.Named).Call(d)
	}
	r.g.fail("there is no kind of type %q", t.Kind)
	return jen.Null()
}

func (r reading) checks(t *ir.Type, value *jen.Statement) []jen.Code {
	var code []jen.Code
	for _, check := range checks(t, value, r.pattern) {
		code = append(code, jen.Id("d").Dot("Check").Call(check))
	}
	return code
}

// list reads an array into a place that the operator assigns to or declares.
func (r reading) list(place *jen.Statement, op string, t *ir.Type) []jen.Code {
	list := r.local("list")
	code := []jen.Code{
		place.Clone().Op(op).Add(r.g.goType(t)).Values(),
		jen.Id(list).Op(":=").Id("d").Dot("Array").Call(),
		jen.For(jen.Id(list).Dot("Next").Call(jen.Id("d"))).Block(r.appendTo(place, t.Elem)...),
	}
	return append(code, countCheckOf(list, t, place)...)
}

// appendTo reads one element of a list.
func (r reading) appendTo(place *jen.Statement, t *ir.Type) []jen.Code {
	grow := func(elem jen.Code) jen.Code {
		return place.Clone().Op("=").Append(place.Clone(), elem)
	}
	if isObject(t) {
		last := place.Clone().Index(jen.Len(place.Clone()).Op("-").Lit(1))
		return []jen.Code{
			grow(jen.Id(t.Named.Name).Values()),
			jen.Id("d").Dot("Value").Call(jen.Op("&").Add(last)),
		}
	}
	return r.element(t, grow)
}

// element reads an element and stores it.
func (r reading) element(t *ir.Type, store func(jen.Code) jen.Code) []jen.Code {
	elem := jen.Id(r.local("elem"))
	inner := r
	inner.depth++
	var code []jen.Code
	switch {
	case t.Kind == ir.List:
		code = inner.list(elem, ":=", t)
	case t.Kind == ir.Map:
		code = inner.mapping(elem, ":=", t)
	case isObject(t):
		code = append(code, jen.Var().Add(elem.Clone()).Id(t.Named.Name))
		code = append(code, inner.into(elem, t)...)
	default:
		checks := r.checks(t, elem)
		if len(checks) == 0 {
			return []jen.Code{store(r.scalar(t))}
		}
		code = append([]jen.Code{elem.Clone().Op(":=").Add(r.scalar(t))}, checks...)
	}
	return append(code, store(elem))
}

// mapping reads an object into a map, as list does.
func (r reading) mapping(place *jen.Statement, op string, t *ir.Type) []jen.Code {
	entries, key := r.local("entries"), r.local("key")
	body := []jen.Code{
		jen.Id(key).Op(":=").Qual(pathCodec, "Key").Call(jen.Id("d"), jen.Op("&").Id(entries), place.Clone()),
	}
	body = append(body, r.element(t.Elem, func(elem jen.Code) jen.Code {
		return place.Clone().Index(jen.Id(key)).Op("=").Add(elem)
	})...)
	code := []jen.Code{
		place.Clone().Op(op).Add(r.g.goType(t)).Values(),
		jen.Id(entries).Op(":=").Id("d").Dot("Object").Call(),
		jen.For(jen.Id(entries).Dot("Next").Call(jen.Id("d"))).Block(body...),
	}
	return append(code, countCheckOf(entries, t, place)...)
}

func countCheckOf(container string, t *ir.Type, place *jen.Statement) []jen.Code {
	check := countCheck(t, place)
	if check == nil {
		return nil
	}
	return []jen.Code{jen.Id(container).Dot("Check").Call(jen.Id("d"), check)}
}

// local is a variable's name, with a number in lists and maps that are inside others.
func (r reading) local(name string) string {
	return numbered(name, r.depth)
}

func numbered(name string, depth int) string {
	if depth == 0 {
		return name
	}
	return name + strconv.Itoa(depth+1)
}
