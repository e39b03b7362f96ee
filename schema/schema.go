// Package schema reads the schema language: YAML in, the resolved contract of package ir out, or everything that is
// wrong with it, each with its place.
//
// A file passes through four stages. The syntax stage turns YAML into nodes with positions and refuses what the
// language does not take from YAML (anchors, tags, a second document). The reading stage walks the nodes and builds
// the ir, reporting unknown keys and wrong shapes. Types may be used before they are declared, so whatever needs a
// whole type (defaults, examples, copied fields) is checked after all have been read. The last stage looks at the
// whole: recursion that cannot end, topics that match alike, names that end as one identifier.
//
// Each kind of problem is a rule with an id; Rules lists them all. Nothing here panics on any input, reads files or
// keeps state: everything may be called from several goroutines.
package schema

import (
	"path"
	"strings"

	"github.com/chgen/chgen/schema/ir"
)

// Parse reads one schema. File is the file's base name, which the ir carries. The schema is nil where there are
// problems; all of them are returned, in the order of the file.
func Parse(file string, src []byte) (*ir.Schema, Problems) {
	root, problems := parseSyntax(src)
	if root == nil {
		return nil, problems.sorted()
	}
	c := &checker{
		schema:   &ir.Schema{Name: strings.TrimSuffix(file, path.Ext(file)), File: file},
		decls:    map[string]*declaration{},
		errors:   map[string]*ir.Error{},
		bounds:   map[*ir.Type]map[string]ir.Pos{},
		fills:    map[*ir.Field]filling{},
		problems: problems,
		lines:    splitLines(src),
	}
	c.read(root)
	if len(c.problems) > 0 {
		return nil, c.problems.sorted()
	}
	return c.schema, nil
}

// checker builds a schema and collects what is wrong with it.
type checker struct {
	schema     *ir.Schema
	decls      map[string]*declaration
	typeNames  []string
	allTypes   []string // scalars and typeNames
	errors     map[string]*ir.Error
	bounds     map[*ir.Type]map[string]ir.Pos // where the constraints of a type stand
	defaults   []*ir.Field                    // those that have one
	fills      map[*ir.Field]filling
	afterTypes []func() // what needs every type to be read
	later      []func() // what needs everything to be read
	problems   Problems
	suggested  int
	lines      []string
}

func (c *checker) read(root *node) {
	top, ok := c.object(root, "a schema",
		"version", "strict", "doc", "options", "connect", "types", "errors", "channels")
	if !ok {
		return
	}
	c.version(root, top["version"])
	c.schema.Strict = c.boolean(top["strict"], "strict")
	c.schema.Doc = c.prose(top["doc"], "doc")
	c.options(top["options"])
	c.declareTypes(top["types"])
	c.declareErrors(top["errors"])
	c.resolveTypes()
	c.resolveErrors()
	c.connect(top["connect"])
	c.channels(top["channels"])
	for _, check := range c.later {
		check()
	}
	c.checkRecursion()
	c.checkDefaults()
	c.checkTopics()
	c.checkIdentifiers()
}

func (c *checker) version(root, n *node) {
	switch {
	case n == nil:
		c.report(root.pos, ruleMissingKey, "the schema does not say its version", "add: version: 1")
	case n.kind == bad:
	case n.kind != literal || n.value != "1":
		c.report(n.pos, ruleVersion, "this chgen knows version 1 of the language alone", "write: version: 1")
	}
}
