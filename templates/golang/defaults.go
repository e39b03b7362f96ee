package golang

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/dave/jennifer/jen"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

// initial is the value that an object has before it is read: its defaults.
func (g *generator) initial(o object) *jen.Statement {
	var defaults []jen.Code
	for _, f := range o.fields {
		if f.Default != nil {
			defaults = append(defaults, jen.Id(names.Go(f.Name)).Op(":").Add(g.constant(f.Type, f.Default.JSON)))
		}
	}
	if len(defaults) == 0 {
		return jen.Id(o.name).Values()
	}
	return jen.Id(o.name).Custom(lines, defaults...)
}

// constant is the Go expression for a value that stands in the schema, which is JSON as on the wire.
func (g *generator) constant(t *ir.Type, text string) *jen.Statement {
	switch t.Kind {
	case ir.Bool, ir.Int, ir.Float:
		return jen.Id(text)
	case ir.Duration:
		return duration(text)
	case ir.Int64:
		return jen.Id(g.unquote(text))
	case ir.String, ir.UUID:
		return jen.Lit(g.unquote(text))
	case ir.Timestamp:
		return g.timestamp(g.unquote(text))
	case ir.Bytes:
		var decoded []byte
		g.unmarshal(text, &decoded)
		return jen.Index().Byte().Call(jen.Lit(string(decoded)))
	case ir.JSON:
		return jen.Qual("encoding/json", "RawMessage").Call(literalText(text))
	case ir.List:
		return g.goType(t).Values(g.constants(t.Elem, text)...)
	case ir.Map:
		return g.goType(t).Values(g.constantEntries(t.Elem, text)...)
	case ir.Named:
		return g.namedConstant(t.Named, text)
	}
	g.fail("there is no kind of type %q", t.Kind)
	return jen.Null()
}

func (g *generator) namedConstant(d *ir.Decl, text string) *jen.Statement {
	switch d.Kind {
	case ir.Enum:
		return jen.Id(names.EnumConst(d.Name, g.unquote(text)))
	case ir.Object:
		return jen.Id(d.Name).Values(g.constantFields(d.Fields, text)...)
	}
	var head struct{ Type string }
	g.unmarshal(text, &head)
	for _, v := range d.Variants {
		if v.Name == head.Type {
			return jen.Op("&").Id(variantName(d, v)).Values(g.constantFields(v.Fields, text)...)
		}
	}
	g.fail("%s has no variant %q", d.Name, head.Type)
	return jen.Null()
}

func (g *generator) constants(t *ir.Type, text string) []jen.Code {
	var elems []json.RawMessage
	g.unmarshal(text, &elems)
	var code []jen.Code
	for _, elem := range elems {
		code = append(code, g.constant(t, string(elem)))
	}
	return code
}

func (g *generator) constantEntries(t *ir.Type, text string) []jen.Code {
	var entries map[string]json.RawMessage
	g.unmarshal(text, &entries)
	var code []jen.Code
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		code = append(code, jen.Lit(key).Op(":").Add(g.constant(t, string(entries[key]))))
	}
	return code
}

func (g *generator) constantFields(fields []*ir.Field, text string) []jen.Code {
	var members map[string]json.RawMessage
	g.unmarshal(text, &members)
	var code []jen.Code
	for _, f := range fields {
		member, ok := string(members[f.Name]), members[f.Name] != nil
		if !ok && f.Default != nil {
			member, ok = f.Default.JSON, true
		}
		if !ok {
			continue
		}
		value := g.constant(f.Type, member)
		if pointer(f) {
			value = g.pointerTo(f.Type, value)
		}
		code = append(code, jen.Id(names.Go(f.Name)).Op(":").Add(value))
	}
	return code
}

// pointerTo is a pointer to a new variable with that value.
func (g *generator) pointerTo(t *ir.Type, value *jen.Statement) *jen.Statement {
	switch t.Kind {
	case ir.Int, ir.Int64, ir.Float, ir.Duration: // whose constants have no type, or the wrong one
		return jen.New(g.goType(t).Call(value))
	}
	return jen.New(value)
}

// duration is milliseconds as people write them: in the largest unit that leaves none over.
func duration(millis string) *jen.Statement {
	if millis == "0" {
		return jen.Lit(0)
	}
	for _, u := range []struct {
		millis int64
		name   string
	}{{3_600_000, "Hour"}, {60_000, "Minute"}, {1000, "Second"}} {
		n, err := strconv.ParseInt(millis, 10, 64)
		if err == nil && n == u.millis {
			return jen.Qual("time", u.name)
		}
		if err == nil && n%u.millis == 0 {
			return jen.Id(strconv.FormatInt(n/u.millis, 10)).Op("*").Qual("time", u.name)
		}
	}
	return jen.Id(millis).Op("*").Qual("time", "Millisecond")
}

func (g *generator) timestamp(text string) *jen.Statement {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		g.fail("default %s: %w", text, err)
	}
	zone := jen.Qual("time", "UTC")
	if _, offset := t.Zone(); offset != 0 {
		zone = jen.Qual("time", "FixedZone").Call(jen.Lit(""), jen.Lit(offset))
	}
	return jen.Qual("time", "Date").Call(
		jen.Lit(t.Year()), jen.Lit(int(t.Month())), jen.Lit(t.Day()),
		jen.Lit(t.Hour()), jen.Lit(t.Minute()), jen.Lit(t.Second()), jen.Lit(t.Nanosecond()), zone)
}

func (g *generator) unquote(text string) string {
	var s string
	g.unmarshal(text, &s)
	return s
}

func (g *generator) unmarshal(text string, v any) {
	if err := json.Unmarshal([]byte(text), v); err != nil {
		g.fail("default %s: %w", text, err)
	}
}
