package asyncapi

import (
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/chgen/chgen/schema/ir"
)

// about is what a reader has to know of the protocol before the rest means anything.
const about = `This document describes the server: the operations whose action is receive are what clients send.

## Frames

Every message is a JSON array of five in one WebSocket text frame, as in version 2 of the protocol of Phoenix Channels:

` + "```" + `
[join_ref, ref, topic, event, payload]
` + "```" + `

The topic is the address of the channel, with its parameters filled in. The four elements before the payload are given
as headers. A client chooses a new ref for everything that it sends; the reply has the same ref and the event phx_reply.
The ref of the phx_join is the join_ref of all that follows on that topic.

A message whose content type is application/octet-stream is a binary frame. All lengths are one byte each:

` + "```" + `
client push:  0, len(join_ref), len(ref), len(topic), len(event), join_ref, ref, topic, event, data
server push:  0, len(join_ref), len(topic), len(event), join_ref, topic, event, data
broadcast:    2, len(topic), len(event), topic, event, data
` + "```" + `

## Order of things

Connect, join a topic with phx_join, and push once the join has been answered. Every push with a ref is answered once:
with the reply, an error that the event declares, or a system error. The server closes a
connection that has been silent for 60 seconds unless it is told otherwise: send heartbeats.`

// server is where the socket is; the schema does not know, so that it is left to variables.
func server() *yaml.Node {
	return mapping(
		m("host", "{host}"),
		m("pathname", "/{mount}/websocket"),
		m("protocol", "ws"),
		m("description", "The socket; wss where the server stands behind TLS. The same frames go over long-polling at /{mount}/longpoll."),
		m("variables", mapping(
			m("host", mapping(m("default", "localhost:4000"), m("description", "Host and port of the server."))),
			m("mount", mapping(m("default", "socket"), m("description", "Where the server mounts the socket."))),
		)),
	)
}

// binding is how a socket is opened: the query carries the connect params.
func (d *document) binding() *yaml.Node {
	version := required("vsn", m("type", "string"), m("const", "2.0.0"), m("description", "The version of the protocol."))
	return mapping(m("ws", mapping(
		m("method", "GET"),
		m("query", object(d.schema.Strict, nil, append([]property{version}, properties(d.schema.Connect)...)...)),
		m("bindingVersion", "0.1.0"),
	)))
}

// traits are the frames that there are.
func traits() *yaml.Node {
	return mapping(
		m("push", trait(true,
			"The ref of the phx_join that began this, the same as ref in phx_join itself. Without one the message is meant for whatever membership there is.",
			"Chosen by the client. Without one the reply has none either.")),
		m("reply", trait(true,
			"The join_ref of what is answered; null where the topic is not joined, and for the heartbeat.",
			"The ref of what is answered.")),
		m("event", trait(false,
			"The ref of the phx_join that began this; null in a broadcast.",
			"Null; in phx_close and phx_error the join_ref. Where a channel has a history, the clients that chgen generates get a position here.")),
	)
}

func trait(correlated bool, joinRef, ref string) *yaml.Node {
	reference := func(name, doc string) property {
		return required(name, m("type", texts([]string{"string", "null"})), m("description", doc))
	}
	n := mapping(
		m("headers", object(false, nil,
			reference("join_ref", joinRef),
			reference("ref", ref),
			required("topic", m("type", "string"), m("maxLength", 255), m("description", "The channel's address.")),
			required("event", m("type", "string")),
		)),
		m("x-frame", []string{"join_ref", "ref", "topic", "event", "payload"}),
	)
	if correlated {
		add(n, m("correlationId", component("correlationIds", "ref")))
	}
	return n
}

// message is a message with its frame.
func message(frame, event, title string, payload *yaml.Node, more ...member) *yaml.Node {
	n := mapping(m("name", event), m("title", title))
	add(n, more...)
	add(n,
		m("headers", object(false, nil, optional("event", m("const", event)))),
		m("payload", payload),
		m("traits", list(component("messageTraits", frame))),
	)
	return n
}

// reply is a message that answers with a status.
func reply(status, title string, response *yaml.Node, more ...member) *yaml.Node {
	return message("reply", "phx_reply", title, object(false, nil,
		required("status", m("type", "string"), m("const", status)),
		property{"response", true, response},
	), more...)
}

// The system errors, in the order of the documentation; invalid_payload has more members.
var systemErrors = []string{
	"unknown_event", "internal", "closed", "rate_limited", "timeout",
	"unmatched topic", "join crashed", "too many channels joined",
}

// protocol adds what is the same for every schema, with the channel that only heartbeats go over.
func (d *document) protocol() {
	empty := mapping(m("type", "object"))
	add(d.messages,
		m("heartbeat", message("push", "heartbeat", "heartbeat", empty)),
		m("leave", message("push", "phx_leave", "leave", empty)),
		m("ok", reply("ok", "ok", empty)),
		m("closed", message("event", "phx_close", "closed", empty,
			m("description", "The membership has ended, by a leave or by the server: do not join again."))),
		m("crashed", message("event", "phx_error", "crashed", object(false, nil, optional("reason", m("type", "string"))),
			m("description", "The membership has ended by a failure: join again, after a while."))),
		m("system_error", reply("error", "system error", component("schemas", "system_error"))),
	)
	add(d.schemas, m("system_error", mapping(
		m("description", "What the server itself answers with."),
		m("oneOf", list(
			object(false, []member{m("title", "invalid_payload"), m("description", "The payload is not what the schema says.")},
				required("reason", m("type", "string"), m("const", "invalid_payload")),
				required("path", m("type", "string"), m("description", "A JSON pointer to what is wrong or missing.")),
				required("message", m("type", "string"), m("description", "What is wrong with it, for people.")),
			),
			object(false, []member{m("title", "other")}, required("reason", m("type", "string"), m("enum", systemErrors))),
		)),
	)))
	c := &channel{document: d, name: "phoenix", messages: mapping()}
	c.share("heartbeat", "ok")
	add(d.channels, m(c.name, mapping(
		m("address", "phoenix"),
		m("title", "Heartbeats"),
		m("description", "The topic that belongs to the protocol."),
		m("messages", c.messages),
		m("bindings", component("channelBindings", "socket")),
	)))
	add(d.operations, m("heartbeat", c.receive("A client keeps its connection open; every 30 seconds is usual.", "", "heartbeat", []string{"ok"})))
}

// failure adds the schema of a declared error and the message that refuses with it.
func (d *document) failure(e *ir.Error) {
	reason := required("reason", m("type", "string"), m("const", e.Name))
	all := []property{reason}
	if e.Text != "" {
		all = append(all, required("message", m("type", "string"), m("examples", []string{e.Text})))
	}
	name := errorName(e)
	add(d.schemas, m(name, object(d.schema.Strict, described(e.Text, ""), slices.Concat(all, properties(e.Fields))...)))
	retry := ""
	if e.Retry {
		retry = "A join that is refused with this may be tried again."
	}
	add(d.messages, m("error."+e.Name, reply("error", e.Name, component("schemas", name),
		m("description", paragraphs(e.Text, retry)), m("x-retry", e.Retry))))
}
