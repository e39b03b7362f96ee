package golang

import "github.com/dave/jennifer/jen"

// socket writes the handler's view of its client: whom it can send to.
func (g *generator) socket(r room) {
	name, sender := r.Name+"Socket", r.Name+"Sender"
	g.file.Comment("// " + name + " is one client on one topic of the channel " + r.Name + ".")
	g.file.Type().Id(name).Struct(
		jen.Qual(pathChannel, "Socket"),
		jen.Id("m").Op("*").Qual(pathGen, "Membership"),
		jen.Id("topic").Id(r.Name+"Topic"),
	)
	g.file.Comment("// Topic is the topic that the client has joined.")
	g.method(name, "Topic", r.Name+"Topic", jen.Id("s").Dot("topic"))
	for _, audience := range [][2]string{
		{"Push", "sends to this client."},
		{"Broadcast", "sends to everyone on the topic, on every node, this client included."},
		{"BroadcastFrom", "sends to everyone on the topic but this client."},
	} {
		g.file.Comment("// " + audience[0] + " " + audience[1])
		g.method(name, audience[0], sender, jen.Id(sender).Values(jen.Id("s").Dot("m").Dot(audience[0]).Call()))
	}
	if r.HasPresence {
		presences := r.Name + "Presences"
		g.file.Comment("// Presence is who is on the topic.")
		g.method(name, "Presence", presences, jen.Id(presences).Values(jen.Id("s").Dot("m")))
	}
}

func (g *generator) method(receiver, name, result string, value *jen.Statement) {
	g.file.Func().Params(jen.Id("s").Op("*").Id(receiver)).Id(name).Params().Id(result).Block(jen.Return(value))
}
