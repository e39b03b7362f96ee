package golang

import "github.com/dave/jennifer/jen"

// presences writes the typed view of who is on a topic.
func (g *generator) presences(r room) {
	name, meta := r.Name+"Presences", r.presence
	g.file.Comment("// " + name + " is who is on a topic of the channel " + r.Name + ", by key. One key may be there several times.")
	g.file.Type().Id(name).Struct(jen.Id("m").Op("*").Qual(pathGen, "Membership"))
	method := func(id, about string, params []jen.Code, args ...jen.Code) {
		g.file.Comment("// " + id + " " + about)
		g.file.Func().Params(jen.Id("p").Id(name)).Id(id).
			Params(append([]jen.Code{ctxParam(), jen.Id("key").String()}, params...)...).Error().
			Block(jen.Return(jen.Id("p").Dot("m").Dot(id).Call(append([]jen.Code{jen.Id("ctx"), jen.Id("key")}, args...)...)))
	}
	params := []jen.Code{jen.Id("meta").Add(meta.goType())}
	method("Track", "makes this client present under key.", params, meta.marshaler("meta"))
	method("Update", "changes what others see of this client under key.", params, meta.marshaler("meta"))
	method("Untrack", "takes this client's presence under key away.", nil)
	g.presenceList(name, meta)
}

func (g *generator) presenceList(name string, meta payload) {
	lists := jen.Map(jen.String()).Index().Add(meta.goType())
	g.file.Comment("// List returns everyone on the topic, the oldest of each key first.")
	g.file.Func().Params(jen.Id("p").Id(name)).Id("List").Params(ctxParam()).Params(lists, jen.Error()).Block(
		jen.List(jen.Id("metas"), jen.Err()).Op(":=").Id("p").Dot("m").Dot("Presences").Call(jen.Id("ctx")),
		jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err())),
		jen.Return(jen.Qual(pathCodec, "UnmarshalLists").Call(jen.Id("metas"), meta.decoder())),
	)
}

// decoder is the function that reads a payload: func(*T, *codec.Decoder) error.
func (p payload) decoder() *jen.Statement {
	if !p.union() {
		return jen.Parens(jen.Op("*").Id(p.name)).Dot("DecodeJSON")
	}
	return jen.Func().Params(jen.Id("v").Op("*").Id(p.name), decoderParam()).Error().Block(
		jen.Op("*").Id("v").Op("=").Add(unionReader(p.Type)).Call(jen.Id("d")),
		jen.Return(jen.Id("d").Dot("Err").Call()),
	)
}
