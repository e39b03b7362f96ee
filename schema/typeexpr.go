package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/chgen/chgen/schema/ir"
)

var scalars = []ir.Kind{
	ir.Bool, ir.String, ir.Int, ir.Int64, ir.Float, ir.Timestamp, ir.Duration, ir.UUID, ir.Bytes, ir.JSON,
}

// otherNames are what scalars are called elsewhere.
var otherNames = map[string]ir.Kind{
	"boolean": ir.Bool, "str": ir.String, "text": ir.String, "integer": ir.Int, "int32": ir.Int, "uint": ir.Int,
	"number": ir.Float, "double": ir.Float, "float64": ir.Float, "float32": ir.Float, "decimal": ir.Float,
	"long": ir.Int64, "bigint": ir.Int64, "uint64": ir.Int64, "datetime": ir.Timestamp, "date": ir.Timestamp,
	"time": ir.Timestamp, "any": ir.JSON, "object": ir.JSON, "binary": ir.Bytes, "blob": ir.Bytes, "guid": ir.UUID,
}

// These are the shapes of types in other languages.
var (
	foreignList = regexp.MustCompile(`^\[\]\s*([A-Za-z0-9]+)$|^([A-Za-z0-9]+)\[\]$|^(?:list|array|Array)\s*[<\[]\s*([A-Za-z0-9]+)\s*[>\]]$`)
	foreignMap  = regexp.MustCompile(`^(?:map|Map|Record|dict)\s*[<\[(]\s*string\s*[,\]]\s*([A-Za-z0-9]+)\s*[>\])]?$`)
	typeName    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*`)
)

// typeExpr reads list(map(T)) and the like; nil where it is none.
func (c *checker) typeExpr(n *node) *ir.Type {
	e := &expression{c: c, node: n, rest: n.value}
	t := e.read(1)
	if t != nil && strings.TrimSpace(e.rest) != "" {
		return e.fail()
	}
	return t
}

// expression is a type expression that is being read.
type expression struct {
	c    *checker
	node *node
	rest string
}

func (e *expression) read(depth int) *ir.Type {
	e.space()
	name := typeName.FindString(e.rest)
	at := e.c.within(e.node, len(e.node.value)-len(e.rest))
	if name == "" {
		return e.fail()
	}
	e.rest = e.rest[len(name):]
	if !e.accept("(") {
		if e.rest != "" && !strings.HasPrefix(strings.TrimSpace(e.rest), ")") {
			return e.fail()
		}
		return e.named(name, at)
	}
	switch {
	case name != "list" && name != "map":
		return e.fail()
	case depth > maxNesting:
		e.c.report(at, ruleNesting, fmt.Sprintf("nested more than %d deep", maxNesting), "declare a type instead")
		return nil
	}
	elem := e.read(depth + 1)
	if elem == nil {
		return nil
	}
	if !e.accept(")") {
		return e.fail()
	}
	return &ir.Type{Kind: ir.Kind(name), Elem: elem}
}

func (e *expression) named(name string, at ir.Pos) *ir.Type {
	if slices.Contains(scalars, ir.Kind(name)) {
		return &ir.Type{Kind: ir.Kind(name)}
	}
	if name == "list" || name == "map" {
		return e.fail()
	}
	if d := e.c.lookup(name, at); d != nil {
		return &ir.Type{Kind: ir.Named, Named: d.Decl}
	}
	return nil
}

func (e *expression) accept(token string) bool {
	e.space()
	rest, ok := strings.CutPrefix(e.rest, token)
	e.rest = rest
	return ok
}

func (e *expression) space() { e.rest = strings.TrimLeft(e.rest, " ") }

// fail reports the whole expression: what stands where it breaks off is rarely what is wrong.
func (e *expression) fail() *ir.Type {
	value := strings.TrimSpace(e.node.value)
	hint := "a type is a scalar, a declared type, list(T) or map(T)"
	if m := foreignList.FindStringSubmatch(value); m != nil {
		hint = fmt.Sprintf("write list(%s)", m[1]+m[2]+m[3])
	} else if m := foreignMap.FindStringSubmatch(value); m != nil {
		hint = fmt.Sprintf("write map(%s): keys are always strings", m[1])
	} else if name, ok := strings.CutSuffix(value, "?"); ok {
		hint = "? marks the key: name?: " + name
	}
	e.c.report(e.node.pos, ruleTypeSyntax, fmt.Sprintf("%q is no type", shorten(value)), hint)
	return nil
}

func (c *checker) unknownType(name string, at ir.Pos) {
	hint := ""
	if scalar, ok := otherNames[strings.ToLower(name)]; ok {
		hint = fmt.Sprintf("did you mean %q?", scalar)
	}
	if hint == "" {
		hint = c.suggest(name, c.allTypes)
	}
	c.report(at, ruleUnknownType, fmt.Sprintf("there is no type %q", shorten(name)), hint)
}

func shorten(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
