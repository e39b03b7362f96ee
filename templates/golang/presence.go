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

// presencesAnywhere writes what needs no membership: who is on a topic, and what is added to that on its way to clients.
func (g *generator) presencesAnywhere(r room) {
	meta := r.presence
	lists := func() *jen.Statement { return jen.Map(jen.String()).Index().Add(meta.goType()) }
	topic := func(args *jen.Group) {
		args.Op("&").Add(r.table())
		for _, p := range r.Topic.Params() {
			args.Add(paramText(p, jen.Id("topic")))
		}
	}
	list, count, fetch := "List"+r.Name+"Presences", "Count"+r.Name+"Presences", "Fetch"+r.Name+"Presences"
	g.file.Comment("// " + list + " returns everyone on topic by key, the oldest of each key first, from anywhere.")
	g.file.Func().Id(list).Params(ctxParam(), serverParam(), jen.Id("topic").Id(r.Name+"Topic")).Params(lists(), jen.Error()).Block(
		jen.Return(jen.Qual(pathGen, "Presences").CallFunc(func(args *jen.Group) {
			args.Id("ctx")
			args.Id("server")
			args.Add(meta.decoder())
			topic(args)
		})))
	g.file.Comment("// " + count + " returns how many keys there are on topic, from anywhere.")
	g.file.Func().Id(count).Params(serverParam(), jen.Id("topic").Id(r.Name+"Topic")).Params(jen.Int(), jen.Error()).Block(
		jen.Return(jen.Qual(pathGen, "CountPresences").CallFunc(func(args *jen.Group) {
			args.Id("server")
			topic(args)
		})))
	g.file.Comment("// " + fetch + " is an option of Handle" + r.Name + ": fetch changes what clients get of those who are on a topic, and what lists of")
	g.file.Comment("// them have, by changing the elements of who. It is called once for all of a change or state, and not by the handlers'")
	g.file.Comment("// turns. Where it fails, or leaves what the schema forbids, that is logged and clients get what was tracked.")
	g.file.Func().Id(fetch).Params(jen.Id("fetch").Add(jen.Func().
		Params(ctxParam(), jen.Id("topic").Id(r.Name+"Topic"), jen.Id("who").Add(lists())).Error())).
		Qual(pathChannel, "HandleOption").Block(
		jen.Return(jen.Qual(pathGen, "FetchPresences").Call(
			meta.decoder(),
			jen.Func().Params(jen.Id("v").Op("*").Add(meta.goType())).Qual(pathCodec, "Marshaler").Block(jen.Return(meta.pointed("v"))),
			jen.Func().Params(ctxParam(), jen.Id("m").Qual(pathGen, "TopicParams"), jen.Id("who").Add(lists())).Error().Block(
				jen.Return(jen.Id("fetch").Call(jen.Id("ctx"), topicOf(r), jen.Id("who"))),
			),
		)))
}

// pointed is the payload that the variable name points to as a codec.Marshaler.
func (p payload) pointed(name string) *jen.Statement {
	if p.union() {
		return jen.Qual(pathCodec, "Present").Call(jen.Op("*").Id(name))
	}
	return jen.Id(name)
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
