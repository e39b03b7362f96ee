package golang

import (
	"github.com/dave/jennifer/jen"

	"github.com/chgen/chgen/schema/ir"
)

// payload is what an event, a reply, join params or presence carries, with the name of its type in Go.
type payload struct {
	ir.Payload
	name string // of a type; empty where there is none
}

// carried gives a payload the name inline if its fields are written in place.
func carried(p ir.Payload, inline string) payload {
	switch p.Kind {
	case ir.Inline:
		return payload{p, inline}
	case ir.Reference:
		return payload{p, p.Type.Name}
	}
	return payload{p, ""}
}

func (p payload) empty() bool { return p.Kind == ir.Empty }

func (p payload) union() bool { return p.Kind == ir.Reference && p.Type.Kind == ir.Union }

// goType is the type of a parameter or result.
func (p payload) goType() *jen.Statement {
	switch p.Kind {
	case ir.AnyJSON:
		return jen.Qual("encoding/json", "RawMessage")
	case ir.BinaryData:
		return jen.Index().Byte()
	}
	return jen.Id(p.name)
}

// zero is the value to return beside an error.
func (p payload) zero() *jen.Statement {
	if p.union() || p.Kind == ir.AnyJSON || p.Kind == ir.BinaryData {
		return jen.Nil()
	}
	return jen.Id(p.name).Values()
}

// marshaler is the payload in the variable name as a codec.Marshaler.
func (p payload) marshaler(name string) *jen.Statement {
	if p.union() {
		return jen.Qual(pathCodec, "Present").Call(jen.Id(name))
	}
	return jen.Op("&").Id(name)
}

// inline writes the type of a payload whose fields are written in place.
func (g *generator) inline(p payload, about string) {
	if p.Kind != ir.Inline {
		return
	}
	g.doc(p.name+" is "+about, "", "")
	g.object(object{name: p.name, fields: p.Fields})
}

// read declares the variable name and reads the payload of call into it. Failed is what to return beside the error.
func (p payload) read(name string, failed ...jen.Code) []jen.Code {
	call := jen.Id("call")
	returns := jen.If(jen.Err().Op("!=").Nil()).Block(jen.Return(append(failed, jen.Err())...))
	switch p.Kind {
	case ir.AnyJSON:
		return []jen.Code{jen.List(jen.Id(name), jen.Err()).Op(":=").Add(call).Dot("JSON").Call(), returns}
	case ir.BinaryData:
		return []jen.Code{jen.List(jen.Id(name), jen.Err()).Op(":=").Add(call).Dot("Bytes").Call(), returns}
	case ir.Empty:
		return []jen.Code{ifFails(call.Dot("Empty").Call(), failed...)}
	}
	var decode *jen.Statement
	if p.union() {
		decode = call.Clone().Dot("Decode").Call(jen.Qual(pathCodec, "Union").Call(jen.Op("&").Id(name), unionReader(p.Type)))
	} else { // the value stays where it is: nothing takes it for an interface
		decode = call.Clone().Dot("Decoded").Call(jen.Id(name).Dot("DecodeJSON").Call(call.Clone().Dot("Decoder").Call()))
	}
	return []jen.Code{jen.Var().Id(name).Id(p.name), ifFails(decode, failed...)}
}

// ifFails returns the error of an expression if it has one.
func ifFails(expression *jen.Statement, failed ...jen.Code) *jen.Statement {
	return jen.If(jen.Err().Op(":=").Add(expression), jen.Err().Op("!=").Nil()).
		Block(jen.Return(append(failed, jen.Err())...))
}

// reply is the expression that makes the variable name the response of call.
func (p payload) reply(name string) *jen.Statement {
	switch p.Kind {
	case ir.AnyJSON:
		return jen.Id("call").Dot("ReplyJSON").Call(jen.Id(name))
	case ir.BinaryData:
		return jen.Id("call").Dot("ReplyBytes").Call(jen.Id(name))
	}
	if p.union() {
		return jen.Id("call").Dot("Reply").Call(p.marshaler(name))
	}
	return jen.Id("call").Dot("Replied").Call(jen.Id(name).Dot("AppendJSON").Call(jen.Id("call").Dot("Scratch").Call()))
}

// Pieces of signatures.

func ctxType() *jen.Statement { return jen.Qual("context", "Context") }

func ctxParam() *jen.Statement { return jen.Id("ctx").Add(ctxType()) }

func serverParam() *jen.Statement { return jen.Id("server").Op("*").Qual(pathChannel, "Server") }
