package golang

import (
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/chgen/chgen/schema/ir"
)

// checks are the calls that find out what is wrong with a scalar of type t; the decoder and the encoder share them.
func checks(t *ir.Type, value *jen.Statement, pattern string) []jen.Code {
	var calls []jen.Code
	call := func(name string, args ...jen.Code) {
		calls = append(calls, jen.Qual(pathCodec, name).Call(args...))
	}
	if t.MinLength != nil || t.MaxLength != nil {
		name := "Length"
		if t.Kind == ir.Bytes {
			name = "Size"
		}
		call(name, value.Clone(), atLeast(t.MinLength), atMost(t.MaxLength))
	}
	if t.Pattern != "" {
		call("Match", value.Clone(), jen.Id(pattern))
	}
	if t.Min != nil {
		call("AtLeast", value.Clone(), bound(t, *t.Min))
	}
	if t.Max != nil {
		call("AtMost", value.Clone(), bound(t, *t.Max))
	}
	return calls
}

func bound(t *ir.Type, text string) jen.Code {
	if t.Kind == ir.Duration {
		return duration(text)
	}
	return jen.Id(text)
}

// countCheck is the call that checks how many elements a list or map has, nil where nothing is asked.
func countCheck(t *ir.Type, value *jen.Statement) jen.Code {
	if t.MinItems == nil && t.MaxItems == nil {
		return nil
	}
	return jen.Qual(pathCodec, "Items").Call(jen.Len(value.Clone()), atLeast(t.MinItems), atMost(t.MaxItems))
}

func atLeast(n *int) jen.Code {
	if n == nil {
		return jen.Lit(0)
	}
	return jen.Lit(*n)
}

func atMost(n *int) jen.Code {
	if n == nil {
		return jen.Qual(pathCodec, "NoLimit")
	}
	return jen.Lit(*n)
}

// patterns declares the compiled patterns of an object, one for each field that has one.
func (g *generator) patterns(o object) {
	for _, f := range o.fields {
		if p := patternOf(f.Type); p != "" {
			g.file.Var().Id(patternName(o, f)).Op("=").Qual("regexp", "MustCompile").Call(literalText(p))
		}
	}
}

// patternOf is the pattern within a type; lists and maps have it on their elements.
func patternOf(t *ir.Type) string {
	for t.Elem != nil {
		t = t.Elem
	}
	return t.Pattern
}

// literalText is a string literal, a raw one where that can be.
func literalText(s string) *jen.Statement {
	if strconv.CanBackquote(s) {
		return jen.Id("`" + s + "`")
	}
	return jen.Lit(s)
}
