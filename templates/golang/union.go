package golang

import (
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

func variantName(d *ir.Decl, v *ir.Variant) string { return d.Name + names.Go(v.Name) }

// unionReader is the function that reads a union.
func unionReader(d *ir.Decl) *jen.Statement { return jen.Id(own(d.Name, "Decode")) }

func (g *generator) union(d *ir.Decl) {
	var all []string
	for _, v := range d.Variants {
		all = append(all, "*"+variantName(d, v))
	}
	about := d.Name + " is one of " + strings.Join(all, ", ") + "."
	g.doc(about, d.Doc, d.Deprecated)
	methods := []jen.Code{jen.Qual(pathCodec, "Marshaler"), jen.Id("is" + d.Name).Params()}
	if recursive(d) {
		methods = append(methods, jen.Id("appendJSON").Params(dstParam(), depthParam()).Params(jen.Index().Byte(), jen.Error()))
	}
	g.file.Type().Id(d.Name).Interface(methods...)
	g.unionReader(d)
	if recursive(d) {
		g.unionAppender(d)
	}
	for _, v := range d.Variants {
		name := variantName(d, v)
		g.doc(named(name, v.Doc, name+" is the "+d.Name+" whose type is "+v.Name+"."), "", "")
		g.object(object{name: name, fields: v.Fields, variant: v.Name, recursive: recursive(d)})
		g.file.Line()
		g.file.Func().Params(jen.Op("*").Id(name)).Id("is" + d.Name).Params().Block()
	}
}

// unionAppender is the function that writes a union at a depth.
func unionAppender(d *ir.Decl) *jen.Statement { return jen.Id(own(d.Name, "Append")) }

func (g *generator) unionAppender(d *ir.Decl) {
	g.file.Line()
	g.file.Func().Add(unionAppender(d)).Params(jen.Id("v").Id(d.Name), dstParam(), depthParam()).Params(jen.Index().Byte(), jen.Error()).Block(
		jen.If(jen.Id("v").Op("==").Nil()).Block(
			jen.Return(jen.Qual(pathCodec, "Present").Call(jen.Nil()).Dot("AppendJSON").Call(jen.Id("dst"))),
		),
		jen.Return(jen.Id("v").Dot("appendJSON").Call(jen.Id("dst"), jen.Id("depth"))),
	)
}

func (g *generator) unionReader(d *ir.Decl) {
	g.file.Func().Add(unionReader(d)).Params(decoderParam()).Id(d.Name).Block(
		jen.Switch(jen.String().Call(jen.Id("d").Dot("Variant").Call())).BlockFunc(func(cases *jen.Group) {
			for _, v := range d.Variants {
				cases.Case(jen.Lit(v.Name)).Block(
					jen.Id("v").Op(":=").New(jen.Id(variantName(d, v))),
					jen.Id("d").Dot("Value").Call(jen.Id("v")),
					jen.Return(jen.Id("v")),
				)
			}
		}),
		jen.Id("d").Dot("NoVariant").CallFunc(func(args *jen.Group) {
			for _, v := range d.Variants {
				args.Lit(v.Name)
			}
		}),
		jen.Return(jen.Nil()),
	)
}

func decoderParam() *jen.Statement { return jen.Id("d").Op("*").Qual(pathCodec, "Decoder") }
