package golang

import (
	"github.com/dave/jennifer/jen"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

// topic writes the type whose values are the topics of a channel.
func (g *generator) topic(r room) {
	name := r.Name + "Topic"
	g.file.Comment("// " + name + " is a topic of the channel " + r.Name + ": " + r.Topic.Pattern + ".")
	g.file.Type().Id(name).StructFunc(func(fields *jen.Group) {
		for _, p := range r.Topic.Params() {
			fields.Id(names.Go(p.Param)).Add(paramType(p))
		}
	})
	g.file.Comment("// String is the topic as it stands on the wire.")
	g.file.Func().Params(jen.Id("t").Id(name)).Id("String").Params().String().
		Block(jen.Return(topicText(r.Topic)))
}

func paramType(p ir.Segment) *jen.Statement {
	if p.Kind == ir.Int {
		return jen.Int64()
	}
	return jen.String()
}

// topicText joins literals and parameters: "room:" + t.RoomID.
func topicText(t ir.Topic) *jen.Statement {
	var parts []*jen.Statement
	literal := ""
	for i, s := range t.Segments {
		if i > 0 {
			literal += ":"
		}
		if s.Param == "" {
			literal += s.Literal
			continue
		}
		if literal != "" {
			parts = append(parts, jen.Lit(literal))
			literal = ""
		}
		parts = append(parts, paramText(s, jen.Id("t")))
	}
	if literal != "" || len(parts) == 0 {
		parts = append(parts, jen.Lit(literal))
	}
	text := parts[0]
	for _, p := range parts[1:] {
		text = text.Op("+").Add(p)
	}
	return text
}

// paramText is a parameter of a topic as text.
func paramText(p ir.Segment, topic *jen.Statement) *jen.Statement {
	value := topic.Dot(names.Go(p.Param))
	if p.Kind == ir.Int {
		return jen.Qual("strconv", "FormatInt").Call(value, jen.Lit(10))
	}
	return value
}

// topicOf is the topic of the membership m.
func topicOf(r room) *jen.Statement {
	return jen.Id(r.Name + "Topic").ValuesFunc(func(values *jen.Group) {
		for i, p := range r.Topic.Params() {
			method := "Param"
			if p.Kind == ir.Int {
				method = "IntParam"
			}
			values.Id(names.Go(p.Param)).Op(":").Id("m").Dot(method).Call(jen.Lit(i))
		}
	})
}
