package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chgen/chgen/schema/ir"
)

// checkRecursion refuses types of which no value can end: each needs another one of itself.
func (c *checker) checkRecursion() {
	c.findFinite()
	reported := map[*declaration]bool{}
	for _, name := range c.typeNames {
		c.reportCycle(c.decls[name], reported)
	}
}

// filling is a default on its way into what is decoded: where it stands, and the fields that their own defaults fill in.
type filling struct {
	at     ir.Pos
	absent []*ir.Field
}

// checkDefaults refuses a default that would have to hold itself, because it leaves out a field whose default leads back
// to it.
func (c *checker) checkDefaults() {
	state := map[*ir.Field]resolved{}
	var endless func(f *ir.Field) bool
	endless = func(f *ir.Field) bool {
		if state[f] != untouched {
			return state[f] == underway
		}
		state[f] = underway
		defer func() { state[f] = done }()
		return slices.ContainsFunc(c.fills[f].absent, endless)
	}
	for _, f := range c.defaults {
		if endless(f) {
			c.report(c.fills[f].at, ruleEndless, fmt.Sprintf("the default of %q cannot end: the fields that it leaves out have defaults that lead back to it", f.Name),
				"leave one of these defaults out")
		}
	}
}

// findFinite marks the types of which a value can end, until no more are found: each newly marked one is told to those
// that waited for it.
func (c *checker) findFinite() {
	waiting := map[*declaration][]*shape{}
	var ready []*declaration
	settle := func(d *declaration) {
		if !d.finite {
			d.finite = true
			ready = append(ready, d)
		}
	}
	for _, name := range c.typeNames {
		d := c.decls[name]
		shapes := d.shapes()
		if len(shapes) == 0 {
			settle(d)
		}
		for _, fields := range shapes {
			s := &shape{owner: d}
			for _, f := range fields {
				if needed := c.needs(f); needed != nil {
					s.pending++
					waiting[needed] = append(waiting[needed], s)
				}
			}
			if s.pending == 0 {
				settle(d)
			}
		}
	}
	for len(ready) > 0 {
		d := ready[0]
		ready = ready[1:]
		for _, s := range waiting[d] {
			if s.pending--; s.pending == 0 {
				settle(s.owner)
			}
		}
	}
}

// shape is one way in which a value of its owner can look: an object has one, a union as many as variants.
type shape struct {
	owner   *declaration
	pending int // fields whose types are not known to end
}

func (d *declaration) shapes() [][]*ir.Field {
	switch d.Kind {
	case ir.Object:
		return [][]*ir.Field{d.Fields}
	case ir.Union:
		var all [][]*ir.Field
		for _, v := range d.Variants {
			all = append(all, v.Fields)
		}
		return all
	}
	return nil
}

// needs returns the type that every value of the field holds one of, or nil.
func (c *checker) needs(f *ir.Field) *declaration {
	if f.Optional || f.Type == nil {
		return nil
	}
	t := f.Type
	for t.Kind == ir.List || t.Kind == ir.Map {
		if t.MinItems == nil || *t.MinItems == 0 {
			return nil
		}
		t = t.Elem
	}
	if t.Kind != ir.Named {
		return nil
	}
	return c.decls[t.Named.Name]
}

// reportCycle follows the fields that keep d from ending until they come back, and reports each circle once.
func (c *checker) reportCycle(d *declaration, reported map[*declaration]bool) {
	step := map[*declaration]int{}
	var path []*declaration
	var fields []*ir.Field
	for !d.finite && !reported[d] {
		if start, ok := step[d]; ok {
			c.reportEndless(path[start:], fields[start:])
			break
		}
		step[d] = len(path)
		path = append(path, d)
		f := c.endlessField(d)
		fields = append(fields, f)
		d = c.needs(f)
	}
	for _, d := range path {
		reported[d] = true
	}
}

func (c *checker) reportEndless(path []*declaration, fields []*ir.Field) {
	var names []string
	for i, d := range path {
		names = append(names, d.Name+"."+fields[i].Name)
	}
	c.report(fields[0].Pos, ruleEndless,
		fmt.Sprintf("no value of %s can end: %s -> %s", path[0].Name, shorten(strings.Join(names, " -> ")), path[0].Name),
		fmt.Sprintf("make a field optional (%s?:), a list or a map", fields[0].Name))
}

// endlessField returns the first field that keeps d from ending.
func (c *checker) endlessField(d *declaration) *ir.Field {
	for _, fields := range d.shapes() {
		for _, f := range fields {
			if needed := c.needs(f); needed != nil && !needed.finite {
				return f
			}
		}
	}
	return nil // cannot be: d would be finite
}
