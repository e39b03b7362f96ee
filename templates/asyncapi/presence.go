package asyncapi

import (
	"gopkg.in/yaml.v3"

	"github.com/chgen/chgen/schema/ir"
)

// presence adds who is here: the whole of it once, then what changes.
func (c *channel) presence(p ir.Payload) {
	meta := c.name + "Presence.meta"
	add(c.schemas, m(meta, presenceMeta(p)))
	entries := mapping(
		m("type", "object"),
		m("additionalProperties", object(false, nil,
			required("metas", m("type", "array"), m("minItems", 1), m("items", component("schemas", meta))))),
	)
	add(c.schemas, m(c.name+"Presence.entries", entries))
	all := component("schemas", c.name+"Presence.entries")
	add(c.messages,
		m("presence_state", message("event", "presence_state", "presence state", all,
			m("description", "Everyone who is here, under the keys that the server gives them, once after the join."))),
		m("presence_diff", message("event", "presence_diff", "presence diff", object(false, nil,
			property{"joins", true, all}, property{"leaves", true, all}),
			m("description", "Who has come and gone since. What is both is an update: joins has the new meta, leaves the old."))),
	)
	c.operation("presence", c.send("The server says who is here.", "", []string{"presence_state", "presence_diff"}))
}

// presenceMeta is what the server tracks of one member with the refs that it adds.
func presenceMeta(p ir.Payload) *yaml.Node {
	refs := []property{
		required("phx_ref", m("type", "string"), m("description", "Tells this meta from others; changes with every update.")),
		optional("phx_ref_prev", m("type", "string"), m("description", "The phx_ref that an update has replaced.")),
	}
	if p.Kind == ir.Reference && p.Type.Kind == ir.Union {
		var variants []*yaml.Node
		for _, v := range p.Type.Variants {
			variants = append(variants, object(false, described(v.Doc, ""), append(variant(v), refs...)...))
		}
		return mapping(m("type", "object"), m("oneOf", variants))
	}
	fields := p.Fields
	if p.Kind == ir.Reference {
		fields = p.Type.Fields
	}
	return object(false, nil, append(properties(fields), refs...)...)
}
