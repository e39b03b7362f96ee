package golang

import (
	"github.com/dave/jennifer/jen"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

const pathClient = "github.com/chgen/chgen/runtime/client"

// client writes the second file: a client for each channel. It is a file of its own so that the first is the same
// whether or not clients are asked for, and so that who looks for the server's side finds nothing else there.
func (g *generator) client() {
	g.file.HeaderComment(headerLine(g.schema))
	g.file.Comment("// Fails to compile where the runtime is too old for this file: go get github.com/chgen/chgen@latest.")
	g.file.Const().Id("_").Op("=").Qual(pathClient, "SupportsGenerated1")
	if len(g.schema.Connect) > 0 {
		g.renewParams()
	}
	for _, ch := range g.schema.Channels {
		r := clientRoom{newRoom(ch)}
		g.clientType(r)
		g.clientJoin(r)
		g.clientLeave(r)
		for _, e := range r.ClientEvents {
			g.clientPush(r, e)
		}
		for _, e := range r.ServerEvents {
			g.clientListen(r, e)
		}
	}
}

// renewParams writes the function that presents new connect params.
func (g *generator) renewParams() {
	g.file.Comment("// RenewParams presents params on the connection that c has, and with every later attempt to connect: see its Renew.")
	g.file.Func().Id("RenewParams").Params(ctxParam(), clientParam(), jen.Id("params").Id("ConnectParams")).Error().Block(
		jen.Return(jen.Id("c").Dot("Renew").Call(jen.Id("ctx"), jen.Op("&").Id("params"))),
	)
}

// clientRoom is a channel on its way into the file of clients.
type clientRoom struct{ room }

func (r clientRoom) name() string { return r.Name + "Client" }

// method begins a method of the client.
func (g *generator) clientMethod(r clientRoom, id string) *jen.Statement {
	return g.file.Func().Params(jen.Id("r").Op("*").Id(r.name())).Id(id)
}

func (g *generator) clientType(r clientRoom) {
	name := r.name()
	g.doc(name+" is a client's view of one topic of the channel "+r.Name+".", r.Doc, r.Deprecated)
	g.file.Type().Id(name).StructFunc(func(fields *jen.Group) {
		fields.Id("channel").Op("*").Qual(pathClient, "Channel")
		if r.HasPresence {
			fields.Id("presence").Op("*").Add(r.presenceType())
		}
	})
	g.file.Comment("// New" + name + " returns the client of topic. It joins with Join; listen before that, so that nothing is missed.")
	g.file.Func().Id("New"+name).Params(clientParam(), jen.Id("topic").Id(r.Name+"Topic")).Op("*").Id(name).
		BlockFunc(func(body *jen.Group) {
			body.Id("channel").Op(":=").Qual(pathClient, "NewChannel").CallFunc(func(args *jen.Group) {
				args.Id("c")
				args.Add(r.spec())
				for _, p := range r.Topic.Params() {
					args.Add(paramText(p, jen.Id("topic")))
				}
			})
			body.Return(jen.Op("&").Id(name).ValuesFunc(func(fields *jen.Group) {
				fields.Id("channel").Op(":").Id("channel")
				if r.HasPresence {
					fields.Id("presence").Op(":").Qual(pathClient, "NewPresence").Call(jen.Id("channel"), r.presence.decoder())
				}
			}))
		})
	g.file.Comment("// Channel is what stands behind the client: its topic, its state, and pushes that the schema does not have.")
	g.clientMethod(r, "Channel").Params().Op("*").Qual(pathClient, "Channel").Block(jen.Return(jen.Id("r").Dot("channel")))
	if r.HasPresence {
		g.file.Comment("// Presence is who is on the topic.")
		g.clientMethod(r, "Presence").Params().Op("*").Add(r.presenceType()).Block(jen.Return(jen.Id("r").Dot("presence")))
	}
}

func clientParam() *jen.Statement { return jen.Id("c").Op("*").Qual(pathClient, "Client") }

func (r clientRoom) presenceType() *jen.Statement {
	return jen.Qual(pathClient, "Presence").Types(r.presence.goType())
}

// spec is what the runtime is told of the channel.
func (r clientRoom) spec() *jen.Statement {
	var retry []jen.Code
	for _, e := range r.Join.Errors {
		if e.Retry {
			retry = append(retry, jen.Lit(e.Name))
		}
	}
	return jen.Qual(pathClient, "Spec").ValuesFunc(func(fields *jen.Group) {
		fields.Id("Topic").Op(":").Lit(r.Topic.Pattern)
		if len(retry) > 0 {
			fields.Id("Retry").Op(":").Index().String().Values(retry...)
		}
	})
}

func (g *generator) clientJoin(r clientRoom) {
	g.clientJoinFunction(r)
	g.file.Comment("// Join joins the topic and keeps the membership up until Leave. " + failsWith(r.Join.Errors))
	if r.join.empty() {
		g.clientMethod(r, "Join").Params(ctxParam()).Add(results(r.joined)).BlockFunc(g.joinBody(r, jen.Nil()))
	} else {
		params := func() *jen.Statement {
			return jen.Func().Params(ctxType()).Params(r.join.goType(), jen.Error())
		}
		g.clientMethod(r, "Join").Params(ctxParam(), jen.Id("in").Add(r.join.goType())).Add(results(r.joined)).Block(
			jen.Return(jen.Id("r").Dot("JoinFunc").Call(jen.Id("ctx"), params().Block(jen.Return(jen.Id("in"), jen.Nil())))),
		)
		g.file.Comment("// JoinFunc is Join for params that may be others when the membership is lost and joined again.")
		marshaled := jen.Func().Params(ctxParam()).Params(jen.Qual(pathCodec, "Marshaler"), jen.Error()).Block(
			jen.List(jen.Id("in"), jen.Err()).Op(":=").Id("params").Call(jen.Id("ctx")),
			jen.Return(r.join.outgoing("in"), jen.Err()),
		)
		g.clientMethod(r, "JoinFunc").Params(ctxParam(), jen.Id("params").Add(jen.Func().Params(ctxParam()).
			Params(r.join.goType(), jen.Error()))).Add(results(r.joined)).BlockFunc(g.joinBody(r, marshaled))
	}
	g.clientRejoin(r)
}

// clientJoinFunction writes the function that makes a client and joins.
func (g *generator) clientJoinFunction(r clientRoom) {
	id := "Join" + r.Name
	g.file.Comment("// " + id + " is New" + r.name() + " and Join: for those who need not hear what comes before they listen.")
	args := []jen.Code{jen.Id("ctx")}
	g.file.Func().Id(id).ParamsFunc(func(params *jen.Group) {
		params.Add(ctxParam())
		params.Add(clientParam())
		params.Id("topic").Id(r.Name + "Topic")
		if !r.join.empty() {
			params.Id("in").Add(r.join.goType())
			args = append(args, jen.Id("in"))
		}
	}).ParamsFunc(func(results *jen.Group) {
		results.Op("*").Id(r.name())
		if !r.joined.empty() {
			results.Add(r.joined.goType())
		}
		results.Error()
	}).BlockFunc(func(body *jen.Group) {
		body.Id("r").Op(":=").Id("New"+r.name()).Call(jen.Id("c"), jen.Id("topic"))
		join := jen.Id("r").Dot("Join").Call(args...)
		if r.joined.empty() {
			body.If(jen.Err().Op(":=").Add(join), jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err()))
			body.Return(jen.Id("r"), jen.Nil())
			return
		}
		body.List(jen.Id("out"), jen.Err()).Op(":=").Add(join)
		body.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), r.joined.zero(), jen.Err()))
		body.Return(jen.Id("r"), jen.Id("out"), jen.Nil())
	})
}

// joinBody joins with params, the expression of a function or nil.
func (g *generator) joinBody(r clientRoom, params *jen.Statement) func(*jen.Group) {
	return exchange(r.joined, func(out *jen.Statement) *jen.Statement {
		args := []jen.Code{jen.Id("ctx"), params, out}
		return jen.Id("r").Dot("channel").Dot("Join").Call(append(args, prototypes(r.Join.Errors)...)...)
	})
}

func (g *generator) clientRejoin(r clientRoom) {
	reply := jen.Struct()
	if !r.joined.empty() {
		reply = r.joined.goType()
	}
	rejoined := jen.Qual(pathClient, "Rejoined").Types(reply)
	g.file.Comment("// OnRejoin calls handle after each join that is not the first, before any event that follows it. It returns what")
	g.file.Comment("// ends that.")
	g.clientMethod(r, "OnRejoin").Params(jen.Id("handle").Func().Params(rejoined.Clone())).Params(stopResult()).Block(
		jen.Return(jen.Id("r").Dot("channel").Dot("OnRejoin").Call(
			jen.Func().Params(jen.Id("p").Qual(pathClient, "Payload"), jen.Id("recovered").Bool()).Error().
				BlockFunc(func(body *jen.Group) {
					fields := []jen.Code{jen.Id("Recovered").Op(":").Id("recovered")}
					if !r.joined.empty() {
						addAll(body, r.joined.incoming("reply"))
						fields = append([]jen.Code{jen.Id("Reply").Op(":").Id("reply")}, fields...)
					}
					body.Id("handle").Call(rejoined.Clone().Values(fields...))
					body.Return(jen.Nil())
				}))),
	)
}

func (g *generator) clientLeave(r clientRoom) {
	g.file.Comment("// Leave leaves the topic. Once it has returned no callback of an event is begun any more.")
	g.clientMethod(r, "Leave").Params(ctxParam()).Error().Block(
		jen.Return(jen.Id("r").Dot("channel").Dot("Leave").Call(jen.Id("ctx"))),
	)
}

func (g *generator) clientPush(r clientRoom, e *ir.ClientEvent) {
	id := names.ClientMethod(e.Name)
	in, out := r.in(e), r.reply(e)
	g.doc(id+" pushes "+e.Name+" and waits for the reply. "+failsWith(e.Errors), e.Doc, e.Deprecated)
	g.clientMethod(r, id).ParamsFunc(r.eventParams(e, true)).Add(results(out)).BlockFunc(
		exchange(out, func(target *jen.Statement) *jen.Statement {
			args := []jen.Code{jen.Id("ctx"), jen.Lit(e.Name), in.outgoing("in"), target}
			return jen.Id("r").Dot("channel").Dot("Push").Call(append(args, prototypes(e.Errors)...)...)
		}))
}

func (g *generator) clientListen(r clientRoom, e *ir.ServerEvent) {
	id := names.ClientHandler(e.Name)
	p := r.out(e)
	g.doc(id+" calls handle for each "+e.Name+", in order. It returns what ends that.", e.Doc, e.Deprecated)
	var params, args []jen.Code
	payload := jen.Qual(pathClient, "Payload")
	if !p.empty() {
		params, args = []jen.Code{p.goType()}, []jen.Code{jen.Id("payload")}
		payload = jen.Id("p").Add(payload)
	}
	g.clientMethod(r, id).Params(jen.Id("handle").Func().Params(params...)).Params(stopResult()).Block(
		jen.Return(jen.Id("r").Dot("channel").Dot("On").Call(jen.Lit(e.Name),
			jen.Func().Params(payload).Error().BlockFunc(func(body *jen.Group) {
				if !p.empty() {
					addAll(body, p.incoming("payload"))
				}
				body.Id("handle").Call(args...)
				body.Return(jen.Nil())
			}))),
	)
}

func stopResult() *jen.Statement { return jen.Id("stop").Func().Params() }

// failsWith says which errors of the schema a call may return.
func failsWith(errors []*ir.Error) string {
	if len(errors) == 0 {
		return "The schema declares no errors for it."
	}
	text := "Its errors in the schema: "
	for i, e := range errors {
		if i > 0 {
			text += ", "
		}
		if len(e.Fields) > 0 {
			text += "*" + names.Go(e.Name) + "Error"
		} else {
			text += "Err" + names.Go(e.Name)
		}
	}
	return text + "."
}

// prototypes are the errors that a call may return: the value of one without fields, a new one to decode into of one
// with.
func prototypes(errors []*ir.Error) []jen.Code {
	var codes []jen.Code
	for _, e := range errors {
		if len(e.Fields) > 0 {
			codes = append(codes, jen.New(jen.Id(names.Go(e.Name)+"Error")))
		} else {
			codes = append(codes, jen.Id("Err"+names.Go(e.Name)))
		}
	}
	return codes
}

// results are those of a call that is answered with p.
func results(p payload) *jen.Statement {
	if p.empty() {
		return jen.Error()
	}
	return jen.Params(p.goType(), jen.Error())
}

// exchange is the body of a function that makes a call and returns its reply, which goes into the target that the call
// is given.
func exchange(reply payload, call func(target *jen.Statement) *jen.Statement) func(*jen.Group) {
	return func(body *jen.Group) {
		if reply.empty() {
			body.Return(call(jen.Nil()))
			return
		}
		body.Var().Id("out").Add(reply.goType())
		body.Err().Op(":=").Add(call(reply.target("out")))
		body.Return(jen.Id("out"), jen.Err())
	}
}

// outgoing is the payload in the variable name as a codec.Marshaler, nil where there is none.
func (p payload) outgoing(name string) *jen.Statement {
	switch p.Kind {
	case ir.Empty:
		return jen.Nil()
	case ir.AnyJSON:
		return converted("JSON", name)
	case ir.BinaryData:
		return converted("Bytes", name)
	}
	return p.marshaler(name)
}

// target is the variable name as the codec.Unmarshaler that the payload is read with.
func (p payload) target(name string) *jen.Statement {
	switch {
	case p.Kind == ir.AnyJSON:
		return converted("JSON", name)
	case p.Kind == ir.BinaryData:
		return converted("Bytes", name)
	case p.union():
		return jen.Qual(pathCodec, "Union").Call(jen.Op("&").Id(name), unionReader(p.Type))
	}
	return jen.Op("&").Id(name)
}

// converted is the address of a variable as that of one of the client's types: (*client.JSON)(&in).
func converted(kind, name string) *jen.Statement {
	return jen.Parens(jen.Op("*").Qual(pathClient, kind)).Call(jen.Op("&").Id(name))
}

// incoming declares the variable name and reads the payload p into it.
func (p payload) incoming(name string) []jen.Code {
	return []jen.Code{
		jen.Var().Id(name).Add(p.goType()),
		ifFails(jen.Id("p").Dot("Decode").Call(p.target(name))),
	}
}

func addAll(body *jen.Group, code []jen.Code) {
	for _, c := range code {
		body.Add(c)
	}
}
