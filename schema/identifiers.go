package schema

import (
	"fmt"
	"slices"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

// claim is what a name of the schema ends as: an identifier in one scope.
type claim struct {
	at   ir.Pos
	what string // for the message: "the type Role"
}

// scope is where an identifier can stand but once: a package, a struct, an interface.
type scope struct {
	c      *checker
	where  string // for the message: "in Go"
	claims map[string]claim
}

func (c *checker) scope(where string) *scope {
	return &scope{c: c, where: where, claims: map[string]claim{}}
}

// claim takes an identifier; whoever comes second is reported, and the answer is false.
func (s *scope) claim(id string, at ir.Pos, format string, args ...any) bool {
	what := fmt.Sprintf(format, args...)
	first, taken := s.claims[id]
	switch {
	case !taken:
		s.claims[id] = claim{at, what}
		return true
	case first.at == (ir.Pos{}):
		s.c.report(at, ruleNameCollision, fmt.Sprintf("%s becomes %s %s, which is %s", what, id, s.where, first.what), "choose another name")
	default:
		s.c.clash(at, ruleNameCollision, fmt.Sprintf("%s and %s both become %s %s", first.what, what, id, s.where),
			"choose another name", first.at, first.what)
	}
	return false
}

// keep takes identifiers that generated code uses itself.
func (s *scope) keep(what string, ids ...string) {
	for _, id := range ids {
		s.claims[id] = claim{what: what}
	}
}

// outputs are the two scopes that generated declarations stand in.
type outputs struct {
	pkg, module *scope
}

// claim takes an identifier in both.
func (o outputs) claim(id string, at ir.Pos, format string, args ...any) {
	if o.pkg.claim(id, at, format, args...) {
		o.module.claim(id, at, format, args...)
	}
}

// checkIdentifiers refuses two names that end as one identifier in Go or TypeScript, generated ones included. Those of
// Go clients count whether or not these are asked for: a flag of the command may do so later, and a schema must not
// become wrong by that.
func (c *checker) checkIdentifiers() {
	o := outputs{c.scope("in Go"), c.scope("in TypeScript")}
	o.pkg.keep("what connect makes", "ConnectParams", "OnConnect", "RenewParams")
	o.module.keep("what connect makes", "ConnectParams")
	o.module.keep("what every client exports", "Socket", "SocketOptions", "SocketState", "Channel", "ChannelDefinition",
		"ChannelError", "ChannelPresence", "ChannelState", "JoinOptions", "PresenceChange", "PresenceEntry", "PushOptions",
		"PushResult", "Rejoined", "ValueStore", "storeOf", "EventsOptions", "FakeCall",
		"FakeChannel", "FakeHandlers", "FakeSocket", "FallbackTransport", "OnceOptions", "fakeSocket", "longPoll")
	for _, d := range c.schema.Types {
		c.typeIdentifiers(o, d)
	}
	for _, e := range c.schema.Errors {
		c.errorIdentifiers(o, e)
	}
	c.payloadMembers(c.schema.Connect)
	for _, ch := range c.schema.Channels {
		c.channelIdentifiers(o, ch)
		c.eventIdentifiers(o, ch)
	}
}

func (c *checker) typeIdentifiers(o outputs, d *ir.Decl) {
	o.claim(d.Name, d.Pos, "the type %s", d.Name)
	switch d.Kind {
	case ir.Object:
		c.payloadMembers(d.Fields)
	case ir.Enum:
		o.claim(d.Name+"Values", d.Pos, "the list of the enum %s", d.Name)
		for _, v := range d.Values {
			o.pkg.claim(names.EnumConst(d.Name, v.Wire), v.Pos, "the value %q of %s", shorten(v.Wire), d.Name)
		}
	case ir.Union:
		for _, v := range d.Variants {
			o.claim(d.Name+names.Go(v.Name), v.Pos, "the variant %s of %s", v.Name, d.Name)
			c.payloadMembers(v.Fields)
		}
	}
}

// errorIdentifiers: in Go an error without fields is a value, in TypeScript every error is a type.
func (c *checker) errorIdentifiers(o outputs, e *ir.Error) {
	name := names.Go(e.Name)
	if len(e.Fields) > 0 {
		o.claim(name+"Error", e.Pos, "the error %s", e.Name)
		c.memberIdentifiers(e.Fields, "Error", "Code", "AppendJSON", "DecodeJSON")
		return
	}
	if o.pkg.claim("Err"+name, e.Pos, "the error %s", e.Name) {
		o.module.claim(name+"Error", e.Pos, "the error %s", e.Name)
	}
}

func (c *checker) channelIdentifiers(o outputs, ch *ir.Channel) {
	what := "the channel " + ch.Name
	for _, suffix := range []string{"Topic", "Channel"} {
		o.claim(ch.Name+suffix, ch.Pos, "%s", what)
	}
	for _, id := range []string{
		ch.Name + "Handler", "Unimplemented" + ch.Name + "Handler", ch.Name + "Socket", ch.Name + "Sender",
		"Handle" + ch.Name, "Broadcast" + ch.Name, ch.Name + "Client", "New" + ch.Name + "Client", "Join" + ch.Name,
	} {
		o.pkg.claim(id, ch.Pos, "%s", what)
	}
	o.module.claim(names.LowerCamel(ch.Name), ch.Pos, "%s", what)
	if ch.HasPresence {
		for _, id := range []string{
			ch.Name + "Presences", "List" + ch.Name + "Presences", "Count" + ch.Name + "Presences", "Fetch" + ch.Name + "Presences",
		} {
			o.pkg.claim(id, ch.Pos, "the presence of %s", ch.Name)
		}
		if ch.Presence.Kind == ir.Empty {
			o.pkg.claim(ch.Name+"Presence", ch.Pos, "the presence of %s", ch.Name)
		}
		c.payloadIdentifier(o, ch.Name+"Presence", ch.Presence, "the presence of "+ch.Name)
	}
	c.payloadIdentifier(o, ch.Name+"Join", ch.Join.Params, "what joins "+ch.Name)
	c.payloadIdentifier(o, ch.Name+"Joined", ch.Join.Reply, "what a join to "+ch.Name+" gets")
}

func (c *checker) eventIdentifiers(o outputs, ch *ir.Channel) {
	handler, sender, client := c.scope("in Go"), c.scope("in Go"), c.scope("in a Go client")
	handler.keep("a method of the handler's optional interfaces", "Leave", "Joined")
	for _, e := range ch.ClientEvents {
		name := names.Go(e.Name)
		if !slices.Contains(handlerNames, e.Name) {
			if handler.claim(name, e.Pos, "the client event %s", e.Name) {
				client.claim(names.ClientMethod(e.Name), e.Pos, "the client event %s", e.Name)
			}
		}
		c.payloadIdentifier(o, ch.Name+name, e.Payload, "the client event "+e.Name)
		c.payloadIdentifier(o, ch.Name+name+"Reply", e.Reply, "the reply to "+e.Name)
	}
	for _, e := range ch.ServerEvents {
		name := names.Go(e.Name)
		if sender.claim(name, e.Pos, "the server event %s", e.Name) {
			client.claim(names.ClientHandler(e.Name), e.Pos, "the server event %s", e.Name)
		}
		c.payloadIdentifier(o, ch.Name+name+"Event", e.Payload, "the server event "+e.Name)
		if e.Intercept {
			handler.claim("Intercept"+name, e.Pos, "the intercepted event %s", e.Name)
		}
	}
}

// payloadIdentifier takes the name of the type that is generated for fields written in place.
func (c *checker) payloadIdentifier(o outputs, id string, p ir.Payload, what string) {
	if p.Kind == ir.Inline {
		o.claim(id, p.Pos, "%s", what)
		c.payloadMembers(p.Fields)
	}
}

func (c *checker) payloadMembers(fields []*ir.Field) {
	c.memberIdentifiers(fields, "AppendJSON", "DecodeJSON", "MarshalJSON", "UnmarshalJSON")
}

func (c *checker) memberIdentifiers(fields []*ir.Field, methods ...string) {
	members := c.scope("in Go")
	members.keep("a method of its type", methods...)
	for _, f := range fields {
		members.claim(names.Go(f.Name), f.Pos, "the field %s", f.Name)
	}
}
