package schema

import (
	"fmt"

	"github.com/chgen/chgen/schema/ir"
)

var deliveries = []string{string(ir.Stream), string(ir.Latest), string(ir.Volatile)}

// delivery reads stream, latest, volatile or { latest: FIELD }; n may be nil.
func (c *checker) delivery(e *ir.ServerEvent, n *node) {
	const hint = "stream, latest, volatile or { latest: field }"
	switch {
	case n == nil:
	case n.kind == mapping:
		if keys, ok := c.object(n, "delivery", "latest"); ok && keys["latest"] != nil {
			e.Delivery = ir.Latest
			c.latestKey(e, keys["latest"])
		} else if ok {
			c.report(n.pos, ruleMissingKey, "delivery does not say the latest of what", "write { latest: field }")
		}
	case n.kind == text:
		for _, d := range deliveries {
			if n.value == d {
				e.Delivery = ir.Delivery(d)
				return
			}
		}
		suggestion := c.suggest(n.value, deliveries)
		if suggestion == "" {
			suggestion = hint
		}
		c.report(n.pos, ruleBadValue, fmt.Sprintf("there is no delivery %q", shorten(n.value)), suggestion)
	default:
		c.wrongShape(n, "delivery", hint)
	}
}

// latestKey checks that every payload has the field and that its value is a text or a whole number.
func (c *checker) latestKey(e *ir.ServerEvent, n *node) {
	e.LatestKey = c.filled(n, "latest")
	if e.LatestKey == "" {
		return
	}
	c.later = append(c.later, func() {
		fields := e.Payload.Fields
		if t := e.Payload.Type; t != nil {
			if t.Kind == "" {
				return
			}
			fields = t.Fields
		}
		var names []string
		for _, f := range fields {
			if f.Name == e.LatestKey {
				if f.Optional || f.Type != nil && !canBeKey(f.Type) {
					c.clash(n.pos, ruleLatestField, "the field after latest is required and a string, uuid, int, int64 or enum", "",
						f.Pos, "the field")
				}
				return
			}
			names = append(names, f.Name)
		}
		c.report(n.pos, ruleLatestField, fmt.Sprintf("the payload of %q has no field %q", e.Name, shorten(e.LatestKey)),
			c.suggest(e.LatestKey, names))
	})
}

func canBeKey(t *ir.Type) bool {
	switch t.Kind {
	case ir.String, ir.UUID, ir.Int, ir.Int64:
		return true
	case ir.Named:
		return t.Named.Kind == ir.Enum || t.Named.Kind == ""
	}
	return false
}
