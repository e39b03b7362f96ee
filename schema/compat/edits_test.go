package compat_test

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/chgen/chgen/schema/ir"
)

// fieldSet is a place that has fields.
type fieldSet struct {
	name    string
	fields  *[]*ir.Field
	scalars bool // no other fields can stand there
}

func fieldSets(s *ir.Schema) []fieldSet {
	sets := []fieldSet{{name: "connect", fields: &s.Connect, scalars: true}}
	for _, d := range s.Types {
		if d.Kind == ir.Object {
			sets = append(sets, fieldSet{name: d.Name, fields: &d.Fields})
		}
		for _, v := range d.Variants {
			sets = append(sets, fieldSet{name: d.Name + "." + v.Name, fields: &v.Fields})
		}
	}
	for _, e := range s.Errors {
		sets = append(sets, fieldSet{name: e.Name, fields: &e.Fields})
	}
	for _, p := range payloads(s) {
		if p.Kind == ir.Inline {
			sets = append(sets, fieldSet{name: p.name, fields: &p.Fields})
		}
	}
	return sets
}

type namedPayload struct {
	*ir.Payload
	name  string
	event bool // may be json and bytes
}

func payloads(s *ir.Schema) []namedPayload {
	var list []namedPayload
	for _, ch := range s.Channels {
		list = append(list, namedPayload{&ch.Join.Params, ch.Name + " join", false}, namedPayload{&ch.Join.Reply, ch.Name + " join reply", false})
		for _, e := range ch.ClientEvents {
			list = append(list, namedPayload{&e.Payload, e.Name, true}, namedPayload{&e.Reply, e.Name + " reply", false})
		}
		for _, e := range ch.ServerEvents {
			list = append(list, namedPayload{&e.Payload, "server " + e.Name, true})
		}
		if ch.HasPresence {
			list = append(list, namedPayload{&ch.Presence, ch.Name + " presence", false})
		}
	}
	return list
}

// fieldEdits adds, removes and changes each field.
func fieldEdits(s *ir.Schema) []edit {
	var list []edit
	for i, set := range fieldSets(s) {
		add := func(name string, apply func(fields *[]*ir.Field)) {
			list = append(list, edit{set.name + " " + name, func(s *ir.Schema) { apply(fieldSets(s)[i].fields) }})
		}
		for _, f := range []*ir.Field{
			{Name: "added", Type: &ir.Type{Kind: ir.String}},
			{Name: "added", Type: &ir.Type{Kind: ir.Int}, Optional: true},
			{Name: "added", Type: &ir.Type{Kind: ir.Int}, Optional: true, Default: &ir.Value{JSON: "5"}},
		} {
			add(fmt.Sprintf("gains a field, optional %t, default %t", f.Optional, f.Default != nil), func(fields *[]*ir.Field) {
				*fields = append(slices.Clone(*fields), f)
			})
		}
		add("turns its fields round", func(fields *[]*ir.Field) {
			*fields = slices.Clone(*fields)
			slices.Reverse(*fields)
		})
		for at, f := range *set.fields {
			add(f.Name+" is removed", func(fields *[]*ir.Field) { *fields = slices.Delete(slices.Clone(*fields), at, at+1) })
			add(f.Name+" is renamed", func(fields *[]*ir.Field) { (*fields)[at].Name += "_2" })
			add(f.Name+" toggles", func(fields *[]*ir.Field) { (*fields)[at].Optional, (*fields)[at].Default = !f.Optional, nil })
			if f.Default != nil {
				add(f.Name+" has no default", func(fields *[]*ir.Field) { (*fields)[at].Default = nil })
			}
			for name := range typeEdits(s, f.Type, set.scalars) {
				list = append(list, edit{set.name + " " + f.Name + " " + name, func(s *ir.Schema) {
					f := (*fieldSets(s)[i].fields)[at]
					f.Type, f.Default = typeEdits(s, f.Type, set.scalars)[name], nil
				}})
			}
		}
	}
	return list
}

// typeEdits are the other types and constraints that a field can have.
func typeEdits(s *ir.Schema, t *ir.Type, scalars bool) map[string]*ir.Type {
	edits := map[string]*ir.Type{}
	for _, kind := range []ir.Kind{ir.Bool, ir.String, ir.Int, ir.Int64, ir.Float, ir.Timestamp, ir.Duration, ir.UUID, ir.Bytes, ir.JSON} {
		edits["becomes "+string(kind)] = &ir.Type{Kind: kind}
	}
	for name, t := range map[string]*ir.Type{
		"uuid-long string": {Kind: ir.String, MinLength: new(36), MaxLength: new(36)}, "short string": {Kind: ir.String, MaxLength: new(12)},
		"patterned string": {Kind: ir.String, Pattern: "^[a-z]*$"}, "percentage": {Kind: ir.Int, Min: new("0"), Max: new("100")},
		"positive float": {Kind: ir.Float, Min: new("0.5")}, "any int as float": {Kind: ir.Float, Min: new("-9007199254740991"), Max: new("9007199254740991")},
		"small int64": {Kind: ir.Int64, Min: new("-100"), Max: new("100")}, "few bytes": {Kind: ir.Bytes, MinLength: new(1), MaxLength: new(3)},
		"some minutes": {Kind: ir.Duration, Min: new("0"), Max: new("600000")}, "wide string": {Kind: ir.String, MinLength: new(1)},
	} {
		edits["becomes "+name] = t
	}
	for _, d := range s.Types {
		if d.Kind == ir.Enum || !scalars {
			edits["becomes "+d.Name] = &ir.Type{Kind: ir.Named, Named: d}
		}
	}
	if !scalars {
		edits["becomes a list"] = &ir.Type{Kind: ir.List, Elem: t}
		edits["becomes a map"] = &ir.Type{Kind: ir.Map, Elem: t}
		edits["becomes a list of numbers"] = &ir.Type{Kind: ir.List, Elem: &ir.Type{Kind: ir.Float}}
	}
	for name, change := range constraintEdits(t) {
		edits[name] = change
	}
	if t.Elem != nil {
		for name, elem := range typeEdits(s, t.Elem, false) {
			if t.Elem.Elem == nil {
				change := *t
				change.Elem = elem
				edits["whose elements: "+name] = &change
			}
		}
	}
	return edits
}

func constraintEdits(t *ir.Type) map[string]*ir.Type {
	edits := map[string]*ir.Type{}
	with := func(name string, set func(*ir.Type)) {
		change := *t
		set(&change)
		edits[name] = &change
	}
	switch t.Kind {
	case ir.Int, ir.Int64, ir.Float, ir.Duration:
		for _, n := range near(t.Min, "-3", "2") {
			with("has min "+show(n), func(t *ir.Type) { t.Min = n })
		}
		for _, n := range near(t.Max, "3", "500000") {
			with("has max "+show(n), func(t *ir.Type) { t.Max = n })
		}
	case ir.String, ir.Bytes:
		for _, n := range []*int{nil, new(0), new(1), plus(t.MinLength, 1), plus(t.MinLength, -1)} {
			with("has min_length "+show(n), func(t *ir.Type) { t.MinLength = n })
		}
		for _, n := range []*int{nil, new(7), plus(t.MaxLength, 1), plus(t.MaxLength, -1)} {
			with("has max_length "+show(n), func(t *ir.Type) { t.MaxLength = n })
		}
		for _, pattern := range []string{"", "^[a-z]*$", "^[0-9a-f]*$", "^.{2,4}$"} {
			if t.Kind == ir.String {
				with("has the pattern "+pattern, func(t *ir.Type) { t.Pattern = pattern })
			}
		}
	case ir.List, ir.Map:
		for _, n := range []*int{nil, new(0), new(1), plus(t.MinItems, 1), plus(t.MinItems, -1)} {
			with("has min_items "+show(n), func(t *ir.Type) { t.MinItems = n })
		}
		for _, n := range []*int{nil, new(2), plus(t.MaxItems, 1), plus(t.MaxItems, -1)} {
			with("has max_items "+show(n), func(t *ir.Type) { t.MaxItems = n })
		}
	}
	for name, t := range edits { // no schema has these
		if least(t.MinLength) < 0 || least(t.MinItems) < 0 || least(t.MinLength) > most(t.MaxLength) || least(t.MinItems) > most(t.MaxItems) ||
			t.Min != nil && t.Max != nil && must(strconv.ParseFloat(*t.Min, 64)) > must(strconv.ParseFloat(*t.Max, 64)) {
			delete(edits, name)
		}
	}
	return edits
}

// near are no bound, the given ones, and those one off the present one.
func near(bound *string, more ...string) []*string {
	list := []*string{nil}
	for _, n := range more {
		list = append(list, &n)
	}
	if bound != nil {
		if n, err := strconv.ParseInt(*bound, 10, 53); err == nil {
			list = append(list, new(strconv.FormatInt(n+1, 10)), new(strconv.FormatInt(n-1, 10)))
		}
	}
	return list
}

func plus(n *int, more int) *int {
	if n == nil {
		return nil
	}
	return new(*n + more)
}

func show[T any](v *T) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprint(*v)
}

// declEdits changes enums, unions and the names of types, and turns strict on or off.
func declEdits(s *ir.Schema) []edit {
	list := []edit{{"strict toggles", func(s *ir.Schema) { s.Strict = !s.Strict }}}
	for i, d := range s.Types {
		add := func(name string, apply func(d *ir.Decl)) {
			list = append(list, edit{d.Name + " " + name, func(s *ir.Schema) { apply(s.Types[i]) }})
		}
		add("is renamed", func(d *ir.Decl) { d.Name += "Again" })
		switch d.Kind {
		case ir.Enum:
			add("gains a value", func(d *ir.Decl) { d.Values = append(d.Values, ir.EnumValue{Wire: "added"}) })
			add("is turned round", func(d *ir.Decl) { slices.Reverse(d.Values) })
			for at, v := range d.Values {
				if len(d.Values) > 1 {
					add(v.Wire+" is removed", func(d *ir.Decl) { d.Values = slices.Delete(d.Values, at, at+1) })
				}
			}
		case ir.Union:
			add("gains a variant", func(d *ir.Decl) { d.Variants = append(d.Variants, &ir.Variant{Name: "added"}) })
			add("is turned round", func(d *ir.Decl) { slices.Reverse(d.Variants) })
			for at, v := range d.Variants {
				if len(d.Variants) > 1 {
					add(v.Name+" is removed", func(d *ir.Decl) { d.Variants = slices.Delete(d.Variants, at, at+1) })
				}
				add(v.Name+" is renamed", func(d *ir.Decl) { d.Variants[at].Name += "_2" })
			}
		}
	}
	return list
}

// payloadEdits gives each payload every other kind.
func payloadEdits(s *ir.Schema) []edit {
	var list []edit
	for i, p := range payloads(s) {
		for name := range otherPayloads(s, p) {
			list = append(list, edit{p.name + " carries " + name, func(s *ir.Schema) {
				p := payloads(s)[i]
				*p.Payload = otherPayloads(s, p)[name]
			}})
		}
	}
	return list
}

func otherPayloads(s *ir.Schema, p namedPayload) map[string]ir.Payload {
	kinds := map[string]ir.Payload{
		"nothing":     {},
		"other":       {Kind: ir.Inline, Fields: []*ir.Field{{Name: "other", Type: &ir.Type{Kind: ir.Int}}}},
		"maybe other": {Kind: ir.Inline, Fields: []*ir.Field{{Name: "other", Type: &ir.Type{Kind: ir.Int}, Optional: true}}},
	}
	if p.Kind == ir.Reference && p.Type.Kind == ir.Object {
		kinds["the same in place"] = ir.Payload{Kind: ir.Inline, Fields: p.Type.Fields}
	}
	for _, d := range s.Types {
		if d.Kind != ir.Enum {
			kinds[d.Name] = ir.Payload{Kind: ir.Reference, Type: d}
		}
	}
	if p.event {
		kinds["json"], kinds["bytes"] = ir.Payload{Kind: ir.AnyJSON}, ir.Payload{Kind: ir.BinaryData}
	}
	return kinds
}

// errorEdits declares errors and does not, where they are returned.
func errorEdits(s *ir.Schema) []edit {
	var list []edit
	for i, e := range s.Errors {
		list = append(list, edit{e.Name + " has another retry and text", func(s *ir.Schema) {
			s.Errors[i].Retry, s.Errors[i].Text = !e.Retry, "another"
		}})
		for j, errors := range errorLists(s) {
			list = append(list, edit{fmt.Sprintf("%s toggles at place %d", e.Name, j), func(s *ir.Schema) {
				to := errorLists(s)[j]
				if at := slices.Index(*errors, e); at >= 0 {
					*to = slices.Delete(slices.Clone(*to), at, at+1)
					return
				}
				*to = append(slices.Clone(*to), s.Errors[i])
			}})
		}
	}
	return list
}

func errorLists(s *ir.Schema) []*[]*ir.Error {
	var lists []*[]*ir.Error
	for _, ch := range s.Channels {
		lists = append(lists, &ch.Join.Errors)
		for _, e := range ch.ClientEvents {
			lists = append(lists, &e.Errors)
		}
	}
	return lists
}
