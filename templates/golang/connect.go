package golang

import (
	"github.com/dave/jennifer/jen"

	"github.com/chgen/chgen/schema/ir"
)

// connect writes the connect params and the function that sets the connect hook.
func (g *generator) connect() {
	g.file.Comment("// ConnectParams is what a client presents when it opens a socket.")
	g.object(object{name: "ConnectParams", fields: g.schema.Connect})
	g.decodeQuery()

	hook := func() *jen.Statement {
		return jen.Func().Params(ctxParam(), requestParam(), jen.Id("params").Id("ConnectParams")).
			Params(ctxType(), jen.Error())
	}
	g.file.Comment("// OnConnect sets the hook that every client passes when it opens a socket. The context that it returns gives the")
	g.file.Comment("// handlers their values; its error refuses the client. It is passed again, with the same request, where a client")
	g.file.Comment("// presents new params on the connection that it has. Call OnConnect before the server serves.")
	g.file.Func().Id("OnConnect").Params(serverParam(), jen.Id("connect").Add(hook())).Block(
		jen.Qual(pathGen, "OnConnect").Call(jen.Id("server"),
			jen.Func().Params(ctxParam(), requestParam(), queryParam()).Params(ctxType(), jen.Error()).Block(
				jen.Var().Id("params").Id("ConnectParams"),
				ifFails(jen.Id("params").Dot("decodeQuery").Call(jen.Id("q")), jen.Nil()),
				jen.Return(jen.Id("connect").Call(jen.Id("ctx"), jen.Id("r"), jen.Id("params"))),
			)),
	)
}

func requestParam() *jen.Statement { return jen.Id("r").Op("*").Qual("net/http", "Request") }

func queryParam() *jen.Statement { return jen.Id("q").Op("*").Qual(pathGen, "ConnectQuery") }

func (g *generator) decodeQuery() {
	g.file.Comment("// decodeQuery reads the params from the query of the request, with the constraints of the schema.")
	g.file.Func().Params(jen.Id("v").Op("*").Id("ConnectParams")).Id("decodeQuery").Params(queryParam()).Error().
		BlockFunc(func(body *jen.Group) {
			body.Var().Id("texts").Qual(pathCodec, "Texts")
			for _, f := range g.schema.Connect {
				body.If(
					jen.List(jen.Id("text"), jen.Id("ok")).Op(":=").Id("q").Dot("Get").Call(jen.Lit(f.Name)),
					jen.Id("ok"),
				).Block(jen.Id("texts").Dot(textMethod(f.Type)).Call(jen.Lit(f.Name), jen.Id("text")))
			}
			if g.schema.Strict {
				body.Comment("// Those that the schema does not have are for DecodeJSON to refuse.")
				body.For(jen.List(jen.Id("_"), jen.Id("name")).Op(":=").Range().Id("q").Dot("Names").Call()).
					Block(g.unknownQuery()...)
			}
			body.Return(jen.Id("texts").Dot("Decode").Call(jen.Id("v")))
		})
}

// unknownQuery adds the param called name unless it has been added.
func (g *generator) unknownQuery() []jen.Code {
	add := jen.Id("texts").Dot("String").Call(jen.Id("name"), jen.Lit(""))
	if len(g.schema.Connect) == 0 {
		return []jen.Code{add}
	}
	return []jen.Code{jen.Switch(jen.Id("name")).Block(
		jen.CaseFunc(func(known *jen.Group) {
			for _, f := range g.schema.Connect {
				known.Lit(f.Name)
			}
		}),
		jen.Default().Block(add),
	)}
}

// textMethod is how a param's text becomes JSON.
func textMethod(t *ir.Type) string {
	switch t.Kind {
	case ir.Bool, ir.Int, ir.Float, ir.Duration, ir.JSON:
		return "Value"
	}
	return "String"
}
