package golang

import (
	"github.com/dave/jennifer/jen"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

// handlerInterface writes the interface with a method for each client event and each intercepted server event.
func (g *generator) handlerInterface(r room) {
	name := r.Name + "Handler"
	g.file.Comment("// " + name + " serves one client on one topic: its fields are its state, its methods never run concurrently.")
	g.file.Comment("// It may also be a channel.Leaver and a channel.Joiner.")
	g.file.Type().Id(name).InterfaceFunc(func(methods *jen.Group) {
		for _, e := range r.ClientEvents {
			for _, line := range comment(eventDoc(e), e.Doc, e.Deprecated) {
				methods.Add(line)
			}
			methods.Id(names.Go(e.Name)).ParamsFunc(r.eventParams(e, true)).Add(r.eventResults(e))
		}
		for _, e := range intercepted(r) {
			id := "Intercept" + names.Go(e.Name)
			methods.Comment("// " + id + " sees " + e.Name + " before it goes to this client, and may change it or keep it back.")
			methods.Id(id).ParamsFunc(r.interceptParams(e, true)).Add(interceptResults(true))
		}
	})
}

func eventDoc(e *ir.ClientEvent) string {
	about := names.Go(e.Name) + " handles " + e.Name + "."
	if e.Concurrent {
		about += " The function that it returns runs beside what comes next."
	}
	return about
}

// eventParams are the parameters of an event's method.
func (r room) eventParams(e *ir.ClientEvent, named bool) func(*jen.Group) {
	return func(params *jen.Group) {
		param(params, named, "ctx", ctxType())
		if in := r.in(e); !in.empty() {
			param(params, named, "in", in.goType())
		}
	}
}

func param(params *jen.Group, named bool, name string, t *jen.Statement) {
	if named {
		params.Id(name).Add(t)
		return
	}
	params.Add(t)
}

// eventResults are the results of an event's method; those of one that is concurrent are a function's.
func (r room) eventResults(e *ir.ClientEvent) *jen.Statement {
	results := jen.Error()
	if out := r.reply(e); !out.empty() {
		results = jen.Params(out.goType(), jen.Error())
	}
	if e.Concurrent {
		return jen.Params(jen.Func().Params(ctxType()).Add(results), jen.Error())
	}
	return results
}

func intercepted(r room) []*ir.ServerEvent {
	var events []*ir.ServerEvent
	for _, e := range r.ServerEvents {
		if e.Intercept {
			events = append(events, e)
		}
	}
	return events
}

// interceptParams are the parameters of an intercept's method: the payload can be changed through its pointer.
func (r room) interceptParams(e *ir.ServerEvent, named bool) func(*jen.Group) {
	return func(params *jen.Group) {
		param(params, named, "ctx", ctxType())
		if out := r.out(e); !out.empty() {
			param(params, named, "payload", jen.Op("*").Add(out.goType()))
		}
	}
}

func interceptResults(named bool) *jen.Statement {
	if named {
		return jen.Params(jen.Id("send").Bool(), jen.Err().Error())
	}
	return jen.Params(jen.Bool(), jen.Error())
}

// unimplemented writes the handler to embed for those who do not want to handle every event.
func (g *generator) unimplemented(r room) {
	name := "Unimplemented" + r.Name + "Handler"
	g.file.Comment("// " + name + " answers every event with the system error unknown_event; embed it to be spared")
	g.file.Comment("// compile errors on new events.")
	g.file.Type().Id(name).Struct()
	for _, e := range r.ClientEvents {
		result := []jen.Code{jen.Qual(pathGen, "ErrUnknownEvent")}
		out := r.reply(e)
		switch {
		case e.Concurrent:
			result = append([]jen.Code{jen.Nil()}, result...)
		case !out.empty():
			result = append([]jen.Code{out.zero()}, result...)
		}
		g.file.Comment("// " + names.Go(e.Name) + " answers unknown_event.")
		g.file.Func().Params(jen.Id(name)).Id(names.Go(e.Name)).ParamsFunc(r.eventParams(e, false)).
			Add(r.eventResults(e)).Block(jen.Return(result...))
	}
	for _, e := range intercepted(r) {
		id := "Intercept" + names.Go(e.Name)
		g.file.Comment("// " + id + " sends " + e.Name + " as it is.")
		g.file.Func().Params(jen.Id(name)).Id(id).ParamsFunc(r.interceptParams(e, false)).
			Add(interceptResults(false)).Block(jen.Return(jen.True(), jen.Nil()))
	}
}
