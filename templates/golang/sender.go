package golang

import (
	"github.com/dave/jennifer/jen"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

// sender writes the type with a method for each server event.
func (g *generator) sender(r room) {
	name := r.Name + "Sender"
	g.file.Comment("// " + name + " sends the events of the channel " + r.Name + " to one audience.")
	g.file.Type().Id(name).Struct(jen.Id("s").Qual(pathGen, "Sender"))
	for _, e := range r.ServerEvents {
		id := names.Go(e.Name)
		g.doc(id+" sends "+e.Name+"."+deliveryDoc(e), e.Doc, e.Deprecated)
		out := r.out(e)
		g.file.Func().Params(jen.Id("r").Id(name)).Id(id).ParamsFunc(func(params *jen.Group) {
			params.Add(ctxParam())
			if !out.empty() {
				params.Id("payload").Add(out.goType())
			}
		}).Error().Block(jen.Return(g.send(e, out)))
	}
}

func deliveryDoc(e *ir.ServerEvent) string {
	switch {
	case e.Delivery == ir.Volatile:
		return " It may be dropped on its way to a slow client."
	case e.Delivery == ir.Latest && e.LatestKey != "":
		return " A slow client gets the latest for each " + e.LatestKey + "."
	case e.Delivery == ir.Latest:
		return " A slow client gets the latest."
	}
	return ""
}

func (g *generator) send(e *ir.ServerEvent, out payload) *jen.Statement {
	method, args := "Send", []jen.Code{jen.Id("ctx"), g.event(e, out)}
	switch out.Kind {
	case ir.Empty:
		method = "SendEmpty"
	case ir.AnyJSON:
		method, args = "SendJSON", append(args, jen.Id("payload"))
	case ir.BinaryData:
		method, args = "SendBytes", append(args, jen.Id("payload"))
	default:
		args = append(args, out.marshaler("payload"))
	}
	return jen.Id("r").Dot("s").Dot(method).Call(args...)
}

// event is what the runtime is told of an event: its name and its delivery, unless that is the usual one.
func (g *generator) event(e *ir.ServerEvent, out payload) *jen.Statement {
	entries := []jen.Code{jen.Id("Name").Op(":").Lit(e.Name)}
	switch e.Delivery {
	case ir.Latest:
		entries = append(entries, jen.Id("Delivery").Op(":").Qual(pathGen, "Latest"))
	case ir.Volatile:
		entries = append(entries, jen.Id("Delivery").Op(":").Qual(pathGen, "Volatile"))
	}
	if e.LatestKey != "" {
		entries = append(entries, jen.Id("Key").Op(":").Add(g.latestKey(e, out)))
	}
	return jen.Qual(pathGen, "Event").Values(entries...)
}

// latestKey is the field after latest as text.
func (g *generator) latestKey(e *ir.ServerEvent, out payload) *jen.Statement {
	fields := out.Fields
	if out.Kind == ir.Reference {
		fields = out.Type.Fields
	}
	for _, f := range fields {
		if f.Name != e.LatestKey {
			continue
		}
		value := jen.Id("payload").Dot(names.Go(f.Name))
		switch f.Type.Kind {
		case ir.Int, ir.Int64:
			return jen.Qual("strconv", "FormatInt").Call(value, jen.Lit(10))
		case ir.Named:
			return jen.String().Call(value)
		}
		return value
	}
	g.fail("%s has no field %q", e.Name, e.LatestKey)
	return jen.Null()
}

// broadcast writes the function that sends from anywhere.
func (g *generator) broadcast(r room) {
	name, sender := "Broadcast"+r.Name, r.Name+"Sender"
	g.file.Comment("// " + name + " sends to everyone on topic, on every node, from anywhere. What is wrong with the topic is an error of")
	g.file.Comment("// the send.")
	g.file.Func().Id(name).Params(serverParam(), jen.Id("topic").Id(r.Name+"Topic")).Id(sender).Block(
		jen.Return(jen.Id(sender).Values(jen.Qual(pathGen, "Broadcast").CallFunc(func(args *jen.Group) {
			args.Id("server")
			args.Op("&").Add(r.table())
			for _, p := range r.Topic.Params() {
				args.Add(paramText(p, jen.Id("topic")))
			}
		}))),
	)
}
