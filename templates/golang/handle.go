package golang

import (
	"github.com/dave/jennifer/jen"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

// handle writes the function that serves a channel: how each event's payload and reply pass between the runtime and
// the handler.
func (g *generator) handle(r room) {
	handler := jen.Id(r.Name + "Handler")
	g.file.Comment("// Handle" + r.Name + " serves the topics " + r.Topic.Pattern + " with c. Call it before the server serves.")
	params := []jen.Code{serverParam(), jen.Id("c").Id(r.Name + "Channel")}
	var options jen.Code = jen.Null()
	if r.HasPresence {
		params = append(params, jen.Id("opts").Op("...").Qual(pathChannel, "HandleOption"))
		options = jen.Id("opts").Op("...")
	}
	g.file.Func().Id("Handle" + r.Name).Params(params...).Block(
		jen.Qual(pathGen, "Handle").Call(
			jen.Id("server"),
			jen.Op("&").Add(r.table()),
			jen.Qual(pathGen, "Handlers").Index(handler.Clone()).CustomFunc(lines, func(fields *jen.Group) {
				if codes := codes(r.Join.Errors); codes != nil {
					fields.Id("JoinErrors").Op(":").Add(codes)
				}
				fields.Id("Join").Op(":").Add(joinFunc(r))
				if len(r.ClientEvents) > 0 {
					fields.Id("Events").Op(":").Index().Qual(pathGen, "Handler").Index(handler.Clone()).
						CustomFunc(lines, func(events *jen.Group) {
							for _, e := range r.ClientEvents {
								events.CustomFunc(lines, r.eventEntry(e))
							}
						})
				}
				if len(intercepted(r)) > 0 {
					fields.Id("Intercepts").Op(":").Index().Qual(pathGen, "Intercept").Index(handler.Clone()).
						CustomFunc(lines, func(events *jen.Group) {
							for _, e := range intercepted(r) {
								events.CustomFunc(lines, r.interceptEntry(e))
							}
						})
				}
			}),
			options,
		),
	)
}

// codes is the list of the errors that may be returned, nil where there are none.
func codes(errors []*ir.Error) *jen.Statement {
	if len(errors) == 0 {
		return nil
	}
	return jen.Index().String().ValuesFunc(func(values *jen.Group) {
		for _, e := range errors {
			values.Lit(e.Name)
		}
	})
}

func joinFunc(r room) *jen.Statement {
	membership := jen.Id("m").Op("*").Qual(pathGen, "Membership")
	return jen.Func().Params(ctxParam(), membership, callParam()).Params(jen.Id(r.Name+"Handler"), jen.Error()).
		BlockFunc(func(body *jen.Group) {
			for _, code := range r.join.read("in", jen.Nil()) {
				body.Add(code)
			}
			body.Id("socket").Op(":=").Op("&").Id(r.Name+"Socket").Values(
				jen.Id("Socket").Op(":").Qual(pathGen, "Socket").Call(jen.Id("m")),
				jen.Id("m").Op(":").Id("m"),
				jen.Id("topic").Op(":").Add(topicOf(r)),
			)
			args := []jen.Code{jen.Id("ctx"), jen.Id("socket")}
			if !r.join.empty() {
				args = append(args, jen.Id("in"))
			}
			join := jen.Id("c").Dot("Join").Call(args...)
			if r.joined.empty() {
				body.Return(join)
				return
			}
			body.List(jen.Id("handler"), jen.Id("out"), jen.Err()).Op(":=").Add(join)
			body.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Nil(), jen.Err()))
			body.Return(jen.Id("handler"), r.joined.reply("out"))
		})
}

func callParam() *jen.Statement { return jen.Id("call").Op("*").Qual(pathGen, "Call") }

// eventEntry is the entry of a client event.
func (r room) eventEntry(e *ir.ClientEvent) func(*jen.Group) {
	return func(entry *jen.Group) {
		entry.Id("Event").Op(":").Lit(e.Name)
		if codes := codes(e.Errors); codes != nil {
			entry.Id("Errors").Op(":").Add(codes)
		}
		params := jen.Params(ctxParam(), jen.Id("h").Id(r.Name+"Handler"), callParam())
		if e.Concurrent {
			work := jen.Func().Params(ctxType()).Error()
			entry.Id("Concurrent").Op(":").Func().Add(params).Params(work, jen.Error()).BlockFunc(r.concurrent(e))
			return
		}
		entry.Id("Handle").Op(":").Func().Add(params).Error().BlockFunc(func(body *jen.Group) {
			for _, code := range r.in(e).read("in") {
				body.Add(code)
			}
			respond(body, r.reply(e), r.callHandler(e))
		})
	}
}

// callHandler calls the event's method.
func (r room) callHandler(e *ir.ClientEvent) *jen.Statement {
	args := []jen.Code{jen.Id("ctx")}
	if !r.in(e).empty() {
		args = append(args, jen.Id("in"))
	}
	return jen.Id("h").Dot(names.Go(e.Name)).Call(args...)
}

// respond returns from a function whose result is an error after a call whose result is the reply.
func respond(body *jen.Group, out payload, call *jen.Statement) {
	if out.empty() {
		body.Return(call)
		return
	}
	body.List(jen.Id("out"), jen.Err()).Op(":=").Add(call)
	body.If(jen.Err().Op("!=").Nil()).Block(jen.Return(jen.Err()))
	body.Return(out.reply("out"))
}

// concurrent is the body for an event whose method returns work: it returns that work and the reply after it.
func (r room) concurrent(e *ir.ClientEvent) func(*jen.Group) {
	return func(body *jen.Group) {
		for _, code := range r.in(e).read("in", jen.Nil()) {
			body.Add(code)
		}
		out := r.reply(e)
		if out.empty() {
			body.Return(r.callHandler(e))
			return
		}
		body.List(jen.Id("work"), jen.Err()).Op(":=").Add(r.callHandler(e))
		body.If(jen.Err().Op("!=").Nil().Op("||").Id("work").Op("==").Nil()).Block(jen.Return(jen.Nil(), jen.Err()))
		body.Return(jen.Func().Params(ctxParam()).Error().BlockFunc(func(inner *jen.Group) {
			respond(inner, out, jen.Id("work").Call(jen.Id("ctx")))
		}), jen.Nil())
	}
}

// interceptEntry is the entry of an intercepted server event.
func (r room) interceptEntry(e *ir.ServerEvent) func(*jen.Group) {
	return func(entry *jen.Group) {
		out := r.out(e)
		entry.Id("Event").Op(":").Lit(e.Name)
		entry.Id("Handle").Op(":").Func().
			Params(ctxParam(), jen.Id("h").Id(r.Name+"Handler"), callParam()).Params(jen.Bool(), jen.Error()).
			BlockFunc(func(body *jen.Group) {
				for _, code := range out.read("payload", jen.False()) {
					body.Add(code)
				}
				method := jen.Id("h").Dot("Intercept" + names.Go(e.Name))
				if out.empty() {
					body.Return(method.Call(jen.Id("ctx")))
					return
				}
				body.List(jen.Id("send"), jen.Err()).Op(":=").Add(method).Call(jen.Id("ctx"), jen.Op("&").Id("payload"))
				body.If(jen.Err().Op("!=").Nil().Op("||").Op("!").Id("send")).Block(jen.Return(jen.False(), jen.Err()))
				body.Return(jen.True(), out.reply("payload"))
			})
	}
}
