package schema

import (
	"fmt"
	"slices"
	"time"

	"github.com/chgen/chgen/schema/ir"
)

// handlerNames are the events that would be methods of the handler's optional interfaces.
var handlerNames = []string{"leave", "joined"}

// connect reads what a client presents when it opens a socket; n may be nil.
func (c *checker) connect(n *node) {
	keys, ok := c.optional(n, "connect", "params")
	if !ok {
		return
	}
	c.schema.Connect = c.fields(keys["params"], "params")
	for _, f := range c.schema.Connect {
		at := f.Pos
		if keys["params"].kind == text {
			at = keys["params"].pos
		}
		c.reserved(f.Name, at, "a connect param", "the protocol uses it", "vsn", "chgen")
		if f.Type == nil {
			continue
		}
		composed := f.Type.Kind == ir.List || f.Type.Kind == ir.Map
		if composed || f.Type.Kind == ir.Named && (f.Type.Named.Kind == ir.Object || f.Type.Named.Kind == ir.Union) {
			c.report(at, ruleConnectParam, fmt.Sprintf("a connect param arrives as query text: %q can only be a scalar or an enum", f.Name), "")
		}
	}
}

// channels reads every channel; n may be nil.
func (c *checker) channels(n *node) {
	if n == nil {
		return
	}
	entries, _ := c.entries(n, "channels")
	for _, p := range entries {
		c.upperCamelName(p.key, "channel")
		keys, ok := c.object(p.value, "a channel",
			"doc", "deprecated", "topic", "history", "join", "client_events", "server_events", "presence")
		if !ok {
			continue
		}
		ch := &ir.Channel{
			Pos: p.key.pos, Name: p.key.value,
			Doc: c.prose(keys["doc"], "doc"), Deprecated: c.deprecated(keys["deprecated"]),
		}
		c.schema.Channels = append(c.schema.Channels, ch)
		if keys["topic"] == nil {
			c.report(ch.Pos, ruleMissingKey, fmt.Sprintf("the channel %s does not say its topic", ch.Name), "add topic: name:{id}")
		} else {
			ch.Topic = c.topic(keys["topic"])
		}
		ch.History = c.history(keys["history"])
		ch.Join = c.join(keys["join"])
		c.clientEvents(ch, keys["client_events"])
		c.serverEvents(ch, keys["server_events"], keys["history"])
		if presence := keys["presence"]; presence != nil {
			ch.HasPresence = true
			ch.Presence = c.payload(presence, "presence", false)
			c.presenceFields(ch)
		}
	}
}

// presenceFields keeps the runtime's own members of a meta free.
func (c *checker) presenceFields(ch *ir.Channel) {
	for _, f := range ch.Presence.Fields {
		c.reserved(f.Name, f.Pos, "a field of presence", "the runtime writes it", "phx_ref", "phx_ref_prev")
	}
	if ch.Presence.Type == nil {
		return
	}
	fields := ch.Presence.Type.Fields
	for _, v := range ch.Presence.Type.Variants {
		fields = append(slices.Clip(fields), v.Fields...)
	}
	for _, f := range fields {
		c.reserved(f.Name, ch.Presence.Pos, "a field of presence", "the runtime writes it", "phx_ref", "phx_ref_prev")
	}
}

func (c *checker) history(n *node) *ir.History {
	keys, ok := c.optional(n, "history", "size", "ttl")
	if !ok {
		return nil
	}
	h := &ir.History{}
	for _, key := range []string{"size", "ttl"} {
		if keys[key] == nil {
			c.report(n.pos, ruleMissingKey, "history does not say its "+key, "write { size: 200, ttl: 10m }")
		}
	}
	if size := c.count(keys["size"], "size", 1); size != nil {
		h.Size = *size
	}
	if ttl := keys["ttl"]; ttl != nil && ttl.kind != bad {
		d, err := time.ParseDuration(ttl.value)
		if ttl.kind != text || err != nil || d <= 0 || d%time.Millisecond != 0 {
			c.report(ttl.pos, ruleBadValue, "ttl is a time in whole milliseconds, more than none", "write it as 90s, 10m or 1h30m")
		}
		h.TTLMillis = d.Milliseconds()
	}
	return h
}

func (c *checker) join(n *node) ir.Join {
	keys, ok := c.optional(n, "join", "doc", "params", "reply", "errors")
	if !ok {
		return ir.Join{}
	}
	return ir.Join{
		Doc:    c.prose(keys["doc"], "doc"),
		Params: c.payload(keys["params"], "params", false),
		Reply:  c.payload(keys["reply"], "reply", false),
		Errors: c.errorList(keys["errors"]),
	}
}

func (c *checker) clientEvents(ch *ir.Channel, n *node) {
	for _, p := range c.events(n, "client_events") {
		e := &ir.ClientEvent{Pos: p.key.pos, Name: p.key.value}
		ch.ClientEvents = append(ch.ClientEvents, e)
		c.reserved(e.Name, e.Pos, "a client event", "the handler's optional methods have this name", handlerNames...)
		if p.value.kind == text {
			e.Payload = c.payload(p.value, "an event", true)
			continue
		}
		keys, ok := c.event(p.value, "a client event", "payload", "reply", "errors", "doc", "deprecated", "concurrent")
		if !ok {
			continue
		}
		e.Doc, e.Deprecated = c.prose(keys["doc"], "doc"), c.deprecated(keys["deprecated"])
		e.Payload = c.payload(keys["payload"], "payload", true)
		e.Reply = c.payload(keys["reply"], "reply", false)
		e.Errors = c.errorList(keys["errors"])
		e.Concurrent = c.boolean(keys["concurrent"], "concurrent")
	}
}

// serverEvents reads the events that the server sends; n and history may be nil.
func (c *checker) serverEvents(ch *ir.Channel, n, history *node) {
	for _, p := range c.events(n, "server_events") {
		e := &ir.ServerEvent{Pos: p.key.pos, Name: p.key.value, Delivery: ir.Stream}
		ch.ServerEvents = append(ch.ServerEvents, e)
		if p.value.kind == text {
			e.Payload = c.payload(p.value, "an event", true)
		} else if keys, ok := c.event(p.value, "a server event", "payload", "doc", "deprecated", "delivery", "intercept"); ok {
			e.Doc, e.Deprecated = c.prose(keys["doc"], "doc"), c.deprecated(keys["deprecated"])
			e.Payload = c.payload(keys["payload"], "payload", true)
			e.Intercept = c.boolean(keys["intercept"], "intercept")
			c.delivery(e, keys["delivery"])
		}
		if ch.History != nil && e.Payload.Kind == ir.BinaryData && e.Delivery == ir.Stream {
			c.clash(e.Pos, ruleBinaryHistory, fmt.Sprintf("%q is binary, and a binary frame has no place for a position in the history", e.Name),
				"write delivery: latest or volatile, or make it a bytes field of an object",
				history.pos, "the history")
		}
	}
}

func (c *checker) events(n *node, what string) []pair {
	if n == nil {
		return nil
	}
	entries, _ := c.entries(n, what)
	for _, p := range entries {
		c.eventName(p.key)
	}
	return entries
}

func (c *checker) event(n *node, what string, keys ...string) (map[string]*node, bool) {
	if n.kind == null {
		c.wrongShape(n, what, "write {} for an event without a payload")
		return nil, false
	}
	return c.object(n, what, keys...)
}

// payload reads the name of an object or union, or fields; whole also allows json and bytes. N may be nil.
func (c *checker) payload(n *node, what string, whole bool) ir.Payload {
	switch {
	case n == nil:
		return ir.Payload{}
	case n.kind == mapping:
		p := ir.Payload{Pos: n.pos, Kind: ir.Inline, Fields: c.fields(n, what)}
		if len(p.Fields) == 0 {
			p.Kind, p.Fields = ir.Empty, nil
		}
		return p
	case n.kind != text:
		c.wrongShape(n, what+" (a type's name or fields)", "")
		return ir.Payload{}
	case n.value == "json" && whole:
		return ir.Payload{Pos: n.pos, Kind: ir.AnyJSON}
	case n.value == "bytes" && whole:
		return ir.Payload{Pos: n.pos, Kind: ir.BinaryData}
	}
	return c.reference(n, what)
}

func (c *checker) reference(n *node, what string) ir.Payload {
	if slices.Contains(scalars, ir.Kind(n.value)) || !identifier.MatchString(n.value) {
		hint := "put it into a field: { value: " + shorten(n.value) + " }"
		c.report(n.pos, ruleObjectWanted, fmt.Sprintf("%s is an object: a type's name or fields", what), hint)
		return ir.Payload{}
	}
	d := c.lookup(n.value, n.pos)
	if d == nil {
		return ir.Payload{}
	}
	if d.Kind == ir.Enum {
		c.clash(n.pos, ruleObjectWanted, fmt.Sprintf("%s is an object, and %s is an enum", what, d.Name),
			"put it into a field: { value: "+d.Name+" }", d.at, "the enum "+d.Name)
	}
	return ir.Payload{Pos: n.pos, Kind: ir.Reference, Type: d.Decl}
}
