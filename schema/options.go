package schema

import (
	"fmt"
	"go/token"
)

// options reads where outputs go; n may be nil.
func (c *checker) options(n *node) {
	if n == nil {
		return
	}
	top, ok := c.object(n, "options", "go", "ts", "asyncapi")
	if !ok {
		return
	}
	o := &c.schema.Options
	if golang, ok := c.optional(top["go"], "options.go", "dir", "package", "client"); ok {
		o.Go.Dir = c.path(golang["dir"], "dir")
		o.Go.Package = c.path(golang["package"], "package")
		o.Go.Client = c.boolean(golang["client"], "client")
		if p := o.Go.Package; p != "" && (!token.IsIdentifier(p) || p == "_") {
			c.report(golang["package"].pos, ruleBadValue, fmt.Sprintf("%q cannot be the name of a Go package", p),
				"letters, digits and _, beginning with a letter, and no word that Go reserves")
		}
	}
	if ts, ok := c.optional(top["ts"], "options.ts", "file", "runtime", "react", "check"); ok {
		o.TS.File = c.path(ts["file"], "file")
		o.TS.Runtime = c.path(ts["runtime"], "runtime")
		o.TS.React = c.path(ts["react"], "react")
		o.TS.Check = c.path(ts["check"], "check")
	}
	if async, ok := c.optional(top["asyncapi"], "options.asyncapi", "file"); ok {
		o.AsyncAPI.File = c.path(async["file"], "file")
	}
}

// optional is object for what may be absent.
func (c *checker) optional(n *node, what string, keys ...string) (map[string]*node, bool) {
	if n == nil {
		return nil, false
	}
	return c.object(n, what, keys...)
}

// path reads a text that is not empty.
func (c *checker) path(n *node, what string) string {
	if n != nil && n.kind == text && n.value == "" {
		c.report(n.pos, ruleBadValue, what+" is empty", "leave the key out")
	}
	return c.text(n, what)
}
