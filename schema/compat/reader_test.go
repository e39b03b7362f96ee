package compat_test

import (
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/schema/ir"
)

// reader reads what a schema describes with the decoder that generated code stands on, in the calls that generated code
// makes. TestReaderAgreesWithGeneratedCode holds it to that.
type reader struct {
	strict bool
	read   func(r *reader, d *codec.Decoder)
	seen   map[string]bool // the members that were there, if wanted: those of objects in lists and maps as one
}

// DecodeJSON reads one value.
func (r *reader) DecodeJSON(d *codec.Decoder) error {
	r.read(r, d)
	return d.Err()
}

func readType(t *ir.Type) func(*reader, *codec.Decoder) {
	return func(r *reader, d *codec.Decoder) { r.value(d, t, "") }
}

// readError reads what the client gets for a declared error.
func readError(fields []*ir.Field) func(*reader, *codec.Decoder) {
	return func(r *reader, d *codec.Decoder) {
		r.object(d, fields, "", []string{"reason", "message"}, func(int) { d.Skip() })
	}
}

func (r *reader) value(d *codec.Decoder, t *ir.Type, path string) {
	switch t.Kind {
	case ir.Bool:
		d.Bool()
	case ir.String:
		s := d.String()
		if t.MinLength != nil || t.MaxLength != nil {
			d.Check(codec.Length(s, least(t.MinLength), most(t.MaxLength)))
		}
		if t.Pattern != "" {
			d.Check(codec.Match(s, compiled(t.Pattern)))
		}
	case ir.Int:
		n := d.Int()
		checkBounds(d, t, n, wholeBound)
	case ir.Int64:
		n := d.Int64()
		checkBounds(d, t, n, wholeBound)
	case ir.Float:
		n := d.Float()
		checkBounds(d, t, n, func(s string) float64 { return must(strconv.ParseFloat(s, 64)) })
	case ir.Duration:
		n := d.Duration()
		checkBounds(d, t, n, func(s string) time.Duration { return time.Duration(wholeBound(s)) * time.Millisecond })
	case ir.Timestamp:
		d.Timestamp()
	case ir.UUID:
		d.UUID()
	case ir.Bytes:
		b := d.Bytes()
		if t.MinLength != nil || t.MaxLength != nil {
			d.Check(codec.Size(b, least(t.MinLength), most(t.MaxLength)))
		}
	case ir.JSON:
		d.JSON()
	case ir.List:
		r.list(d, t, path)
	case ir.Map:
		r.mapping(d, t, path)
	case ir.Named:
		r.named(d, t.Named, path)
	}
}

func (r *reader) list(d *codec.Decoder, t *ir.Type, path string) {
	n := 0
	list := d.Array()
	for list.Next(d) {
		r.value(d, t.Elem, path+"/*")
		n++
	}
	if t.MinItems != nil || t.MaxItems != nil {
		list.Check(d, codec.Items(n, least(t.MinItems), most(t.MaxItems)))
	}
}

func (r *reader) mapping(d *codec.Decoder, t *ir.Type, path string) {
	keys := map[string]bool{}
	entries := d.Object()
	for entries.Next(d) {
		key := codec.Key(d, &entries, keys)
		r.value(d, t.Elem, path+"/*")
		keys[key] = true
	}
	if t.MinItems != nil || t.MaxItems != nil {
		entries.Check(d, codec.Items(len(keys), least(t.MinItems), most(t.MaxItems)))
	}
}

func (r *reader) named(d *codec.Decoder, decl *ir.Decl, path string) {
	switch decl.Kind {
	case ir.Enum:
		var values []string
		for _, v := range decl.Values {
			values = append(values, v.Wire)
		}
		codec.Enum(d, values)
	case ir.Object:
		r.object(d, decl.Fields, path, nil, nil)
	case ir.Union:
		name := string(d.Variant())
		var names []string
		for _, v := range decl.Variants {
			if v.Name == name {
				r.object(d, v.Fields, path+"<"+name+">", []string{"type"}, func(int) { d.Literal(name) })
				return
			}
			names = append(names, v.Name)
		}
		d.NoVariant(names...)
	}
}

// object reads an object; ignored are members that are no fields, which come first and are read by skip.
func (r *reader) object(d *codec.Decoder, fields []*ir.Field, path string, ignored []string, skip func(int)) {
	r.see(path)
	obj := d.Object()
	for obj.Next(d) {
		name := string(obj.Name())
		if i := slices.Index(ignored, name); i >= 0 {
			obj.Once(d, i)
			skip(i)
			continue
		}
		i := slices.IndexFunc(fields, func(f *ir.Field) bool { return f.Name == name })
		switch {
		case i >= 0:
			obj.Once(d, len(ignored)+i)
			if !fields[i].Optional || !d.Null() {
				r.see(path + "/" + name)
				r.value(d, fields[i].Type, path+"/"+name)
			}
		case r.strict:
			obj.Refuse(d)
		default:
			obj.Skip(d)
		}
	}
	if slices.Contains(ignored, "type") {
		obj.Require(d, 0, "type")
	}
	for i, f := range fields {
		if !f.Optional {
			obj.Require(d, len(ignored)+i, f.Name)
		}
	}
}

func (r *reader) see(path string) {
	if r.seen != nil {
		r.seen[path] = true
	}
}

func checkBounds[T int64 | float64 | time.Duration](d *codec.Decoder, t *ir.Type, n T, bound func(string) T) {
	if t.Min != nil {
		d.Check(codec.AtLeast(n, bound(*t.Min)))
	}
	if t.Max != nil {
		d.Check(codec.AtMost(n, bound(*t.Max)))
	}
}

func wholeBound(s string) int64 { return must(strconv.ParseInt(s, 10, 64)) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func least(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

func most(n *int) int {
	if n == nil {
		return codec.NoLimit
	}
	return *n
}

var patterns sync.Map // of *regexp.Regexp by their text

func compiled(pattern string) *regexp.Regexp {
	if p, ok := patterns.Load(pattern); ok {
		return p.(*regexp.Regexp)
	}
	p := regexp.MustCompile(pattern)
	patterns.Store(pattern, p)
	return p
}
