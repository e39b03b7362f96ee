package golang

import (
	"github.com/dave/jennifer/jen"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

// declaredError writes a value for an error without fields, a type for one with.
func (g *generator) declaredError(e *ir.Error) {
	if len(e.Fields) > 0 {
		g.errorType(e)
		return
	}
	name := "Err" + names.Go(e.Name)
	g.doc(named(name, e.Text, name+" is the error "+e.Name+"."), "", "")
	g.file.Var().Id(name).Op("=").Qual(pathChannel, "NewError").Call(jen.Lit(e.Name), jen.Lit(e.Text))
}

func (g *generator) errorType(e *ir.Error) {
	o := object{name: names.Go(e.Name) + "Error", fields: e.Fields, failure: e}
	g.doc(named(o.name, e.Text, o.name+" is the error "+e.Name+"."), "", "")
	g.structure(o)

	text := e.Name
	if e.Text != "" {
		text += ": " + e.Text
	}
	g.file.Comment("// Error is the error's code and text.")
	g.file.Func().Params(jen.Id("v").Op("*").Id(o.name)).Id("Error").Params().String().Block(jen.Return(jen.Lit(text)))
	g.file.Comment("// Code is what the client gets as the reason.")
	g.file.Func().Params(jen.Id("v").Op("*").Id(o.name)).Id("Code").Params().String().Block(jen.Return(jen.Lit(e.Name)))
	g.appendJSON(o)
	g.decodeJSON(o)
}
