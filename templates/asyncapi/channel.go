package asyncapi

import (
	"fmt"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
)

// channel is one channel on its way into the document.
type channel struct {
	*document
	name     string
	messages *yaml.Node
}

// channel adds a channel with its messages and operations.
func (d *document) channel(ch *ir.Channel) {
	c := &channel{document: d, name: ch.Name, messages: mapping()}
	c.join(&ch.Join)
	c.share("leave", "ok", "system_error")
	c.operation("leave", c.receive("A client leaves.", "", "leave", []string{"ok"}))
	c.share(errorMessages(ch)...)
	for _, e := range ch.ClientEvents {
		c.clientEvent(e)
	}
	for _, e := range ch.ServerEvents {
		c.serverEvent(e)
	}
	if ch.HasPresence {
		c.presence(ch.Presence)
	}
	c.share("closed", "crashed")
	c.operation("end", c.send("The server ends a membership.", "", []string{"closed", "crashed"}))

	n := mapping(
		m("address", address(ch.Topic)),
		m("title", ch.Name),
		m("description", paragraphs(ch.Doc, historyNote(ch.History), deprecation(ch.Deprecated))),
		m("messages", c.messages),
	)
	if params := ch.Topic.Params(); len(params) > 0 {
		add(n, m("parameters", parameters(params)))
	}
	add(n, m("bindings", component("channelBindings", "socket")), m("x-deprecated", ch.Deprecated != ""))
	if h := ch.History; h != nil {
		add(n, m("x-history", mapping(m("size", h.Size), m("ttl_ms", int(h.TTLMillis)))))
	}
	add(d.channels, m(ch.Name, n))
}

// errorMessages are the keys of the declared errors of a channel, each once.
func errorMessages(ch *ir.Channel) []string {
	var keys []string
	seen := map[string]bool{}
	take := func(errors []*ir.Error) {
		for _, e := range errors {
			if !seen[e.Name] {
				seen[e.Name] = true
				keys = append(keys, "error."+e.Name)
			}
		}
	}
	take(ch.Join.Errors)
	for _, e := range ch.ClientEvents {
		take(e.Errors)
	}
	return keys
}

// address is a topic pattern without the types of its parameters.
func address(t ir.Topic) string {
	var parts []string
	for _, s := range t.Segments {
		if s.Param != "" {
			parts = append(parts, "{"+s.Param+"}")
			continue
		}
		parts = append(parts, s.Literal)
	}
	return strings.Join(parts, ":")
}

func parameters(params []ir.Segment) *yaml.Node {
	n := mapping()
	for _, p := range params {
		kind, about := string(p.Kind), "Any text without a colon, but not none."
		switch {
		case p.Rest:
			kind, about = "rest", "All that is left of the topic, colons included; may be empty."
		case p.Kind == ir.Int:
			about = "An integer in its shortest spelling."
		case p.Kind == ir.UUID:
			about = "A UUID in small letters."
		}
		add(n, m(p.Param, mapping(m("description", about), m("x-type", kind))))
	}
	return n
}

func historyNote(h *ir.History) string {
	if h == nil {
		return ""
	}
	return fmt.Sprintf("The last %d events are kept for clients that come back within %s.", h.Size, age(h.TTLMillis))
}

// age is a time as the schema writes it: 10m, not 10m0s.
func age(millis int64) string {
	s := (time.Duration(millis) * time.Millisecond).String()
	for _, nothing := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, nothing) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// payload is the schema of a payload; the schema of fields that are written in place becomes the component inline.
func (c *channel) payload(p ir.Payload, inline string) *yaml.Node {
	switch p.Kind {
	case ir.Empty:
		return mapping(m("type", "object"))
	case ir.Inline:
		add(c.schemas, m(inline, object(c.schema.Strict, nil, properties(p.Fields)...)))
		return component("schemas", inline)
	case ir.Reference:
		return component("schemas", p.Type.Name)
	case ir.AnyJSON:
		return mapping(m("description", "Any JSON value."))
	case ir.BinaryData:
		return mapping(m("type", "string"), m("format", "binary"))
	}
	panic(fmt.Sprintf("asyncapi: there is no kind of payload %q", p.Kind))
}

// contentType tells binary frames from the others.
func contentType(p ir.Payload) member {
	if p.Kind == ir.BinaryData {
		return m("contentType", "application/octet-stream")
	}
	return member{}
}

func (c *channel) join(j *ir.Join) {
	add(c.messages,
		m("join", message("push", "phx_join", "join", c.payload(j.Params, c.name+"Join"))),
		m("joined", reply("ok", "joined", c.payload(j.Reply, c.name+"Joined"))),
	)
	c.operation("join", c.receive("A client joins.", j.Doc, "join", answers("joined", j.Errors)))
}

// answers are the keys of the messages that something is answered with.
func answers(ok string, errors []*ir.Error) []string {
	keys := []string{ok}
	for _, e := range errors {
		keys = append(keys, "error."+e.Name)
	}
	return append(keys, "system_error")
}

func (c *channel) clientEvent(e *ir.ClientEvent) {
	name := c.name + names.Go(e.Name)
	add(c.messages, m("push."+e.Name, message("push", e.Name, e.Name, c.payload(e.Payload, name),
		contentType(e.Payload), m("deprecated", e.Deprecated != ""))))
	ok := "ok"
	if e.Reply.Kind != ir.Empty {
		ok = "reply." + e.Name
		add(c.messages, m(ok, reply("ok", "reply to "+e.Name, c.payload(e.Reply, name+"Reply"))))
	}
	overtakes := ""
	if e.Concurrent {
		overtakes = "The reply may come before those to earlier pushes."
	}
	op := c.receive("A client pushes "+e.Name+".", paragraphs(e.Doc, overtakes, deprecation(e.Deprecated)), "push."+e.Name, answers(ok, e.Errors))
	add(op, m("x-concurrent", e.Concurrent), m("x-deprecated", e.Deprecated != ""))
	c.operation("push."+e.Name, op)
}

func (c *channel) serverEvent(e *ir.ServerEvent) {
	key := "event." + e.Name
	add(c.messages, m(key, message("event", e.Name, e.Name, c.payload(e.Payload, c.name+names.Go(e.Name)+"Event"),
		contentType(e.Payload), m("deprecated", e.Deprecated != ""))))
	op := c.send("The server sends "+e.Name+".", paragraphs(e.Doc, deliveryNote(e), deprecation(e.Deprecated)), []string{key})
	if e.Delivery != ir.Stream {
		add(op, m("x-delivery", string(e.Delivery)), m("x-latest-key", e.LatestKey))
	}
	add(op, m("x-deprecated", e.Deprecated != ""))
	c.operation(key, op)
}

func deliveryNote(e *ir.ServerEvent) string {
	switch {
	case e.Delivery == ir.Volatile:
		return "A client that is slow may miss some."
	case e.LatestKey != "":
		return "A client that is slow gets the latest for each " + e.LatestKey + "."
	case e.Delivery == ir.Latest:
		return "A client that is slow gets the latest."
	}
	return ""
}

// share puts messages that are components into the channel.
func (c *channel) share(keys ...string) {
	for _, key := range keys {
		add(c.messages, m(key, component("messages", key)))
	}
}

func (c *channel) ref() *yaml.Node { return mapping(m("$ref", "#/channels/"+c.name)) }

func (c *channel) refs(keys []string) *yaml.Node {
	n := list()
	for _, key := range keys {
		n.Content = append(n.Content, mapping(m("$ref", "#/channels/"+c.name+"/messages/"+key)))
	}
	return n
}

func (c *channel) operation(name string, op *yaml.Node) {
	add(c.operations, m(c.name+"."+name, op))
}

// receive is an operation of clients that is answered.
func (c *channel) receive(summary, doc, key string, answers []string) *yaml.Node {
	return mapping(
		m("action", "receive"),
		m("channel", c.ref()),
		m("summary", summary),
		m("description", doc),
		m("messages", c.refs([]string{key})),
		m("reply", mapping(m("channel", c.ref()), m("messages", c.refs(answers)))),
	)
}

// send is an operation of the server.
func (c *channel) send(summary, doc string, keys []string) *yaml.Node {
	return mapping(
		m("action", "send"),
		m("channel", c.ref()),
		m("summary", summary),
		m("description", doc),
		m("messages", c.refs(keys)),
	)
}

func errorName(e *ir.Error) string { return names.Go(e.Name) + "Error" }
