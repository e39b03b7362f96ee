package typescript

import (
	"slices"
	"strings"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

// module is what the template renders.
type module struct {
	File    string // the schema's, for the header
	Doc     string
	Source  string // the runtime's text, or
	Runtime string // where to import it from
	Types   []declaration
	Errors  []declaration
	Params  declaration
	// HasEmpty, HasPresence and HasBinary say which parts of the runtime are used.
	HasEmpty, HasPresence, HasBinary bool
	Channels                         []channelView
}

// declaration is an interface, an enum or a union, as Values and Variants say.
type declaration struct {
	Doc      string
	Name     string
	Code     string // the code of an error, the "type" of a variant
	Members  []member
	Values   []string
	Variants []declaration
}

// member is a property of an interface.
type member struct {
	Doc      string
	Name     string
	Optional bool
	Type     string
}

// channelView is a channel's contract and its definition.
type channelView struct {
	Doc          string
	Const        string
	Contract     string
	Topic        declaration
	Pattern      string
	Join         pushView
	History      bool
	Presence     string // the type of the metas; empty: none
	HasBinary    bool
	Retry        []string
	Pushes       []pushView
	Events       []eventView
	Declarations []declaration // of the payloads written in place
}

// pushView is a client event, or the join.
type pushView struct {
	Doc                           string
	Name, Payload, Reply, Failure string
}

// eventView is a server event.
type eventView struct {
	Doc           string
	Name, Payload string
}

// RuntimeTypes are the types of the runtime that clients export; those with a $ are for what else is generated.
func (m *module) RuntimeTypes() []string {
	return []string{
		"$Argument", "$Contract", "$ErrorOf", "$Push", "$SocketArgument", "$Source", "Channel", "ChannelDefinition",
		"ChannelPresence", "ChannelState", "EventsOptions", "FakeCall", "FakeChannel", "FakeHandlers", "FakeSocket",
		"FallbackTransport", "JoinOptions", "OnceOptions", "PresenceChange", "PresenceEntry", "PushOptions", "PushResult", "Rejoined", "SocketOptions", "SocketState",
		"ValueStore",
	}
}

// RuntimeValues are the values of the runtime that clients export, their classes apart.
func (m *module) RuntimeValues() []string { return []string{"fakeSocket", "longPoll", "storeOf"} }

// DocLines is the schema's documentation as line comments.
func (m *module) DocLines() []string {
	lines := strings.Split(strings.TrimSpace(m.Doc), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight("// "+line, " \r")
	}
	return lines
}

func newModule(s *ir.Schema) *module {
	m := &module{File: s.File, Doc: s.Doc}
	for _, d := range s.Types {
		m.Types = append(m.Types, typeDeclaration(d))
	}
	for _, e := range s.Errors {
		m.Errors = append(m.Errors, declaration{
			Doc: e.Text, Name: errorName(e.Name), Code: e.Name, Members: members(e.Fields),
		})
	}
	m.Params = declaration{
		Doc: "What a client presents when it opens a socket.", Name: "ConnectParams", Members: members(s.Connect),
	}
	for _, ch := range s.Channels {
		m.Channels = append(m.Channels, m.channel(ch))
	}
	return m
}

func typeDeclaration(d *ir.Decl) declaration {
	out := declaration{Doc: doc(d.Doc, d.Deprecated), Name: escape(d.Name), Members: members(d.Fields)}
	for _, v := range d.Values {
		out.Values = append(out.Values, v.Wire)
	}
	for _, v := range d.Variants {
		out.Variants = append(out.Variants, declaration{
			Doc: v.Doc, Name: escape(d.Name + names.Go(v.Name)), Code: v.Name, Members: members(v.Fields),
		})
	}
	return out
}

func members(fields []*ir.Field) []member {
	var out []member
	for _, f := range fields {
		out = append(out, member{
			Doc: doc(f.Doc, f.Deprecated, notes(f)...), Name: f.Name, Optional: f.Optional, Type: typeOf(f.Type),
		})
	}
	return out
}

func (m *module) channel(ch *ir.Channel) channelView {
	v := channelView{
		Doc:      doc(ch.Doc, ch.Deprecated),
		Const:    escape(names.LowerCamel(ch.Name)),
		Contract: escape(ch.Name + "Channel"),
		Topic:    topic(ch),
		Pattern:  ch.Topic.Pattern,
		History:  ch.History != nil,
	}
	v.Join = pushView{
		Doc:     ch.Join.Doc,
		Payload: m.payload(&v, ch.Join.Params, ch.Name+"Join", "What a client presents to join."),
		Reply:   m.payload(&v, ch.Join.Reply, ch.Name+"Joined", "What a client gets when it has joined."),
		Failure: failure(ch.Join.Errors),
	}
	for _, e := range ch.Join.Errors {
		if e.Retry {
			v.Retry = append(v.Retry, e.Name)
		}
	}
	for _, e := range ch.ClientEvents {
		name := ch.Name + names.Go(e.Name)
		v.Pushes = append(v.Pushes, pushView{
			Doc:     doc(e.Doc, e.Deprecated),
			Name:    property(e.Name),
			Payload: m.payload(&v, e.Payload, name, "What a client sends with "+e.Name+"."),
			Reply:   m.payload(&v, e.Reply, name+"Reply", "The reply to "+e.Name+"."),
			Failure: failure(e.Errors),
		})
	}
	for _, e := range ch.ServerEvents {
		name := ch.Name + names.Go(e.Name) + "Event"
		v.Events = append(v.Events, eventView{
			Doc:     doc(e.Doc, e.Deprecated),
			Name:    property(e.Name),
			Payload: m.payload(&v, e.Payload, name, "What the server sends with "+e.Name+"."),
		})
	}
	if ch.HasPresence {
		m.HasPresence = true
		v.Presence = m.payload(&v, ch.Presence, ch.Name+"Presence", "What presence says of everyone on the channel.")
	}
	return v
}

// payload returns the type of what p carries. Where it is written in place that is a new type of the given name.
func (m *module) payload(v *channelView, p ir.Payload, name, about string) string {
	switch p.Kind {
	case ir.Inline:
		v.Declarations = append(v.Declarations, declaration{Doc: about, Name: escape(name), Members: members(p.Fields)})
		return escape(name)
	case ir.Reference:
		return escape(p.Type.Name)
	case ir.AnyJSON:
		return "unknown"
	case ir.BinaryData:
		m.HasBinary, v.HasBinary = true, true
		return "Uint8Array"
	default:
		m.HasEmpty = true
		return "$Empty"
	}
}

func topic(ch *ir.Channel) declaration {
	d := declaration{
		Doc:  "The parameters of the topic " + ch.Topic.Pattern + ".",
		Name: escape(ch.Name + "Topic"),
	}
	for _, p := range ch.Topic.Params() {
		t := "string"
		if p.Kind == ir.Int {
			t = "number"
		}
		d.Members = append(d.Members, member{Name: p.Param, Type: t})
	}
	return d
}

func failure(errors []*ir.Error) string {
	var all []string
	for _, e := range errors {
		if name := errorName(e.Name); !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	if all == nil {
		return "never"
	}
	return strings.Join(all, " | ")
}
