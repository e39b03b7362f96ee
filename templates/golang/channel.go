package golang

import (
	"strconv"

	"github.com/dave/jennifer/jen"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

// room is a channel on its way into the file, with the payloads that it names.
type room struct {
	*ir.Channel
	join, joined, presence payload
}

func newRoom(ch *ir.Channel) room {
	r := room{
		Channel:  ch,
		join:     carried(ch.Join.Params, ch.Name+"Join"),
		joined:   carried(ch.Join.Reply, ch.Name+"Joined"),
		presence: carried(ch.Presence, ch.Name+"Presence"),
	}
	if ch.HasPresence && r.presence.empty() { // presence: {} says that somebody is here, and no more
		r.presence = payload{ir.Payload{Kind: ir.Inline}, ch.Name + "Presence"}
	}
	return r
}

func (r room) in(e *ir.ClientEvent) payload {
	return carried(e.Payload, r.Name+names.Go(e.Name))
}

func (r room) reply(e *ir.ClientEvent) payload {
	return carried(e.Reply, r.Name+names.Go(e.Name)+"Reply")
}

func (r room) out(e *ir.ServerEvent) payload {
	return carried(e.Payload, r.Name+names.Go(e.Name)+"Event")
}

// table is the variable that describes the channel to the runtime.
func (r room) table() *jen.Statement { return jen.Id("chgen" + r.Name) }

func (g *generator) channel(ch *ir.Channel) {
	r := newRoom(ch)
	g.table(r)
	g.topic(r)
	g.payloads(r)
	g.channelInterface(r)
	g.handlerInterface(r)
	g.unimplemented(r)
	g.socket(r)
	g.sender(r)
	if r.HasPresence {
		g.presences(r)
	}
	g.handle(r)
	g.broadcast(r)
	if r.HasPresence {
		g.presencesAnywhere(r)
	}
}

func (g *generator) table(r room) {
	entries := []jen.Code{
		jen.Id("Name").Op(":").Lit(r.Name),
		jen.Id("Topic").Op(":").Lit(r.Topic.Pattern),
	}
	if h := r.History; h != nil {
		entries = append(entries, jen.Id("History").Op(":").Qual(pathGen, "History").Values(
			jen.Id("Size").Op(":").Lit(h.Size), jen.Id("TTL").Op(":").Add(duration(strconv.FormatInt(h.TTLMillis, 10)))))
	}
	if r.HasPresence {
		entries = append(entries, jen.Id("Presence").Op(":").True())
	}
	g.file.Comment("// chgen" + r.Name + " is what the runtime knows of " + r.Name + ".")
	g.file.Var().Add(r.table()).Op("=").Qual(pathGen, "Channel").Custom(lines, entries...)
}

// payloads writes the types of payloads that the channel's parts hold in place.
func (g *generator) payloads(r room) {
	g.inline(r.join, "what a client presents to join "+r.Topic.Pattern+".")
	g.inline(r.joined, "what a client gets that has joined "+r.Topic.Pattern+".")
	for _, e := range r.ClientEvents {
		g.inline(r.in(e), "the payload of "+e.Name+".")
		g.inline(r.reply(e), "the reply to "+e.Name+".")
	}
	for _, e := range r.ServerEvents {
		g.inline(r.out(e), "the payload of "+e.Name+".")
	}
	if r.HasPresence {
		g.inline(r.presence, "what others see of somebody who is on "+r.Topic.Pattern+".")
	}
}

func (g *generator) channelInterface(r room) {
	name := r.Name + "Channel"
	g.doc(name+" accepts joins to "+r.Topic.Pattern+".", r.Doc, r.Deprecated)
	g.file.Type().Id(name).InterfaceFunc(func(methods *jen.Group) {
		about := "Join returns the handler that serves this client on this topic, or the error that refuses it."
		for _, line := range comment(about, r.Join.Doc, "") {
			methods.Add(line)
		}
		methods.Id("Join").ParamsFunc(func(params *jen.Group) {
			params.Add(ctxParam())
			params.Id("socket").Op("*").Id(r.Name + "Socket")
			if !r.join.empty() {
				params.Id("in").Add(r.join.goType())
			}
		}).ParamsFunc(func(results *jen.Group) {
			results.Id(r.Name + "Handler")
			if !r.joined.empty() {
				results.Add(r.joined.goType())
			}
			results.Error()
		})
	})
}
