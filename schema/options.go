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
		o.Go.Dir = c.filled(golang["dir"], "dir")
		o.Go.Package = c.filled(golang["package"], "package")
		o.Go.Client = c.boolean(golang["client"], "client")
		if p := o.Go.Package; p != "" && (!token.IsIdentifier(p) || p == "_") {
			c.report(golang["package"].pos, ruleBadValue, fmt.Sprintf("%q cannot be the name of a Go package", p),
				"letters, digits and _, beginning with a letter, and no word that Go reserves")
		}
	}
	if ts, ok := c.optional(top["ts"], "options.ts", "file", "runtime", "react", "check"); ok {
		o.TS.File = c.filled(ts["file"], "file")
		o.TS.Runtime = c.filled(ts["runtime"], "runtime")
		o.TS.React = c.filled(ts["react"], "react")
		o.TS.Check = c.filled(ts["check"], "check")
	}
	if async, ok := c.optional(top["asyncapi"], "options.asyncapi", "file"); ok {
		o.AsyncAPI.File = c.filled(async["file"], "file")
	}
}

// optional is object for what may be absent.
func (c *checker) optional(n *node, what string, keys ...string) (map[string]*node, bool) {
	if n == nil {
		return nil, false
	}
	return c.object(n, what, keys...)
}
