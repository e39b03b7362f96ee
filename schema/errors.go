package schema

import (
	"fmt"
	"maps"
	"slices"

	"github.com/chgen/chgen/schema/ir"
)

// declareErrors makes every error known; n may be nil.
func (c *checker) declareErrors(n *node) {
	if n == nil {
		return
	}
	entries, _ := c.entries(n, "errors")
	for _, p := range entries {
		name, at := p.key.value, p.key.pos
		c.identifierName(name, at, "an error")
		c.reserved(name, at, "an error", "the runtime answers with it",
			"invalid_payload", "unknown_event", "internal", "closed", "rate_limited", "timeout")
		c.reserved(name, at, "an error", "clients report their own failures with it",
			"disconnected", "aborted", "left", "too_large")
		e := &ir.Error{Pos: at, Name: name}
		c.errors[name] = e
		c.schema.Errors = append(c.schema.Errors, e)
		if p.value.kind == text {
			e.Text = c.prose(p.value, "the text")
			continue
		}
		keys, ok := c.object(p.value, "an error", "doc", "fields", "retry")
		if !ok {
			continue
		}
		e.Text = c.prose(keys["doc"], "doc")
		e.Retry = c.boolean(keys["retry"], "retry")
		if fields := keys["fields"]; fields != nil {
			c.errorFields(e, fields)
		}
	}
}

// errorFields reads the fields once every type is known.
func (c *checker) errorFields(e *ir.Error, n *node) {
	c.afterTypes = append(c.afterTypes, func() {
		e.Fields = c.fields(n, "fields")
		for _, f := range e.Fields {
			at := f.Pos
			if n.kind == text {
				at = n.pos
			}
			c.reserved(f.Name, at, "a field of an error", "errors in Go and TypeScript have it already",
				"reason", "code", "message", "error", "name", "stack", "cause", "path")
		}
	})
}

func (c *checker) resolveErrors() {
	for _, resolve := range c.afterTypes {
		resolve()
	}
}

// errorList reads the names of declared errors; n may be nil.
func (c *checker) errorList(n *node) []*ir.Error {
	if n == nil {
		return nil
	}
	if n.kind != sequence {
		c.wrongShape(n, "errors (a list of declared errors)", "write [name, name]")
		return nil
	}
	var list []*ir.Error
	seen := map[string]ir.Pos{}
	for _, item := range n.items {
		if item.kind != text {
			c.wrongShape(item, "the name of an error", "errors are declared under errors at the top")
			continue
		}
		if first, ok := seen[item.value]; ok {
			c.clash(item.pos, ruleDuplicateItem, fmt.Sprintf("the error %q stands here twice", item.value), "", first, "the first one")
			continue
		}
		seen[item.value] = item.pos
		e := c.errors[item.value]
		if e == nil {
			hint := c.suggest(item.value, slices.Sorted(maps.Keys(c.errors)))
			if hint == "" {
				hint = "declare it under errors at the top"
			}
			c.report(item.pos, ruleUnknownError, fmt.Sprintf("there is no error %q", shorten(item.value)), hint)
			continue
		}
		list = append(list, e)
	}
	return list
}
