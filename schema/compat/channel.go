package compat

import "github.com/chgen/chgen/schema/ir"

// channel compares what goes over a channel with what goes over the one that serves its topics now.
func (c *comparison) channel(old, now *ir.Channel) {
	at := func(what string) place { return place{what: what + " of " + old.Name, old: old.Pos, now: now.Pos} }
	c.payload(fromClient, old.Join.Params, now.Join.Params, at("the join params").payloads(old.Join.Params, now.Join.Params))
	c.payload(fromServer, old.Join.Reply, now.Join.Reply, at("the join reply").payloads(old.Join.Reply, now.Join.Reply))
	c.errors(old.Join.Errors, now.Join.Errors)
	c.clientEvents(old, now)
	c.serverEvents(old, now)
	switch {
	case !old.HasPresence:
	case !now.HasPresence:
		c.report(rulePresence, at(""), "the channel %s has no presence any more", old.Name)
	default:
		c.payload(fromServer, old.Presence, now.Presence, at("the presence").payloads(old.Presence, now.Presence))
	}
}

// payloads moves the place to where the payloads stand, if they do.
func (at place) payloads(old, now ir.Payload) place {
	if old.Pos != (ir.Pos{}) {
		at.old = old.Pos
	}
	if now.Pos != (ir.Pos{}) {
		at.now = now.Pos
	}
	return at
}

func (c *comparison) clientEvents(old, now *ir.Channel) {
	events := map[string]*ir.ClientEvent{}
	for _, e := range now.ClientEvents {
		events[e.Name] = e
	}
	for _, e := range old.ClientEvents {
		what := e.Name + " of " + old.Name
		same := events[e.Name]
		if same == nil {
			c.report(ruleClientEvent, place{old: e.Pos, now: now.Pos}, "the client event %s is removed", what)
			continue
		}
		c.payload(fromClient, e.Payload, same.Payload, place{what, e.Pos, same.Pos})
		c.payload(fromServer, e.Reply, same.Reply, place{"the reply to " + what, e.Pos, same.Pos})
		c.errors(e.Errors, same.Errors)
	}
}

func (c *comparison) serverEvents(old, now *ir.Channel) {
	events := map[string]*ir.ServerEvent{}
	for _, e := range now.ServerEvents {
		events[e.Name] = e
	}
	for _, e := range old.ServerEvents {
		what := e.Name + " of " + old.Name
		same := events[e.Name]
		if same == nil {
			c.report(ruleServerEvent, place{old: e.Pos, now: now.Pos}, "the server event %s is removed", what)
			continue
		}
		c.payload(fromServer, e.Payload, same.Payload, place{what, e.Pos, same.Pos})
	}
}

// errors compares the errors that both declare: one that is new has a code that old clients do not know, and one that is
// gone is never sent.
func (c *comparison) errors(old, now []*ir.Error) {
	for _, e := range old {
		for _, same := range now {
			if e.Name == same.Name {
				at := place{"the error " + e.Name, e.Pos, same.Pos}
				c.fields(fromServer, e.Fields, same.Fields, at, at.what)
			}
		}
	}
}

// anyObject is an empty payload's type: whoever reads it ignores what is in it, strict or not.
var anyObject = &ir.Decl{Kind: ir.Object}

func (c *comparison) payload(f flow, old, now ir.Payload, at place) {
	if old.Kind == ir.BinaryData && now.Kind == ir.BinaryData {
		return
	}
	if old.Kind == ir.BinaryData || now.Kind == ir.BinaryData {
		c.report(f.rule(ruleClientType, ruleServerType), at, "%s changes from %s to %s", at.what, payloadText(old), payloadText(now))
		return
	}
	c.values(f, payloadType(old), payloadType(now), at)
}

// payloadType is a JSON payload as a type. Fields written in place are an object without a name.
func payloadType(p ir.Payload) *ir.Type {
	switch p.Kind {
	case ir.AnyJSON:
		return &ir.Type{Kind: ir.JSON}
	case ir.Reference:
		return &ir.Type{Kind: ir.Named, Named: p.Type}
	case ir.Inline:
		return &ir.Type{Kind: ir.Named, Named: &ir.Decl{Kind: ir.Object, Fields: p.Fields}}
	}
	return &ir.Type{Kind: ir.Named, Named: anyObject}
}

func payloadText(p ir.Payload) string {
	if p.Kind == ir.BinaryData {
		return "bytes"
	}
	return typeText(payloadType(p))
}
