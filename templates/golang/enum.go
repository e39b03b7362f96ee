package golang

import (
	"github.com/dave/jennifer/jen"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

// enumTable is the list of an enum's values that its type, its reading and its writing share.
func enumTable(d *ir.Decl) *jen.Statement { return jen.Id(own(d.Name, "Values")) }

func (g *generator) enum(d *ir.Decl) {
	g.doc(named(d.Name, d.Doc, d.Name+" is one of "+d.Name+"Values."), "", d.Deprecated)
	g.file.Type().Id(d.Name).String()

	g.file.Comment("// The values of " + d.Name + ".")
	g.file.Const().DefsFunc(func(defs *jen.Group) {
		for _, v := range d.Values {
			defs.Id(names.EnumConst(d.Name, v.Wire)).Id(d.Name).Op("=").Lit(v.Wire)
		}
	})
	g.file.Var().Add(enumTable(d)).Op("=").Index().Id(d.Name).CustomFunc(lines, func(values *jen.Group) {
		for _, v := range d.Values {
			values.Id(names.EnumConst(d.Name, v.Wire))
		}
	})

	g.file.Comment("// " + d.Name + "Values lists the values of " + d.Name + " in the order of the schema.")
	g.file.Func().Id(d.Name + "Values").Params().Index().Id(d.Name).
		Block(jen.Return(jen.Qual("slices", "Clone").Call(enumTable(d))))

	g.file.Comment("// Valid reports whether v is one of " + d.Name + "Values.")
	g.file.Func().Params(jen.Id("v").Id(d.Name)).Id("Valid").Params().Bool().
		Block(jen.Return(jen.Qual("slices", "Contains").Call(enumTable(d), jen.Id("v"))))
}

// lines is a composite literal with one element a line.
var lines = jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true}
