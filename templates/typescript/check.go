package typescript

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/chgen/chgen/runtime/ts"
	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
	"github.com/chgen/chgen/templates"
)

// RenderCheck returns, as a single file called file (<schema>.check.ts where that is empty), a module that checks each
// payload of s with the verdict, the path and the message of the generated Go decoder. It imports nothing.
func RenderCheck(s *ir.Schema, file string) ([]templates.File, error) {
	if file == "" {
		file = s.Name + ".check.ts"
	}
	c := &checker{File: s.File, Strict: s.Strict}
	c.schema(s)
	c.Source = ts.CheckSource()
	if c.err != nil {
		return nil, fmt.Errorf("typescript: %s: %w", s.File, c.err)
	}
	return execute("check.ts.tmpl", file, c)
}

// checker is what the template of a checker renders.
type checker struct {
	File    string
	Strict  bool
	Source  string
	Readers []reader
	Checks  []entry
	err     error
}

// reader is the declaration of what reads one type.
type reader struct {
	Name, Expression string
}

// entry is a member of the table of checks: a check, or more members.
type entry struct {
	Indent, Name, Check string
	Entries             []entry
}

// checkName is what the reader of a type is called. Two types of the module itself stand in the way.
func checkName(name string) string {
	if name == "Check" || name == "Problem" {
		return name + "_"
	}
	return escape(name)
}

func (c *checker) add(name, expression string) string {
	c.Readers = append(c.Readers, reader{checkName(name), expression})
	return checkName(name)
}

func (c *checker) schema(s *ir.Schema) {
	types, errors, channels := entry{Name: "types"}, entry{Name: "errors"}, entry{Name: "channels"}
	for _, d := range s.Types {
		types.check(d.Name, c.add(d.Name, c.declared(d)))
	}
	for _, e := range s.Errors {
		errors.check(e.Name, c.add(errorName(e.Name), c.object(c.failure(e))))
	}
	connect := entry{Name: "connect", Check: c.add("ConnectParams", c.object(c.fields(s.Connect)))}
	for _, ch := range s.Channels {
		channels.Entries = append(channels.Entries, c.channel(ch))
	}
	root := entry{}
	root.group(connect, types, errors, channels)
	c.Checks = root.indented("").Entries
}

// check adds a member that is a check.
func (e *entry) check(name, reader string) {
	if reader != "" {
		e.Entries = append(e.Entries, entry{Name: property(name), Check: reader})
	}
}

// group adds the members that are not empty.
func (e *entry) group(members ...entry) {
	for _, m := range members {
		if m.Check != "" || len(m.Entries) > 0 {
			e.Entries = append(e.Entries, m)
		}
	}
}

func (e entry) indented(indent string) entry {
	e.Indent = indent
	for i, inner := range e.Entries {
		e.Entries[i] = inner.indented(indent + "  ")
	}
	return e
}

func (c *checker) channel(ch *ir.Channel) entry {
	join, pushes, events := entry{Name: "join"}, entry{Name: "pushes"}, entry{Name: "events"}
	join.check("payload", "$params("+c.payload(ch.Join.Params, ch.Name+"Join")+")")
	join.check("reply", c.payload(ch.Join.Reply, ch.Name+"Joined"))
	for _, e := range ch.ClientEvents {
		push, name := entry{Name: property(e.Name)}, ch.Name+names.Go(e.Name)
		push.check("payload", c.payload(e.Payload, name))
		push.check("reply", c.payload(e.Reply, name+"Reply"))
		pushes.group(push)
	}
	for _, e := range ch.ServerEvents {
		events.check(e.Name, c.payload(e.Payload, ch.Name+names.Go(e.Name)+"Event"))
	}
	v := entry{Name: ch.Name}
	v.group(join, pushes, events)
	if p := ch.Presence; ch.HasPresence {
		if p.Kind == ir.Empty { // presence: {} has metas, though there is nothing in them
			p.Kind = ir.Inline
		}
		v.check("presence", c.payload(p, ch.Name+"Presence"))
	}
	return v
}

// payload is what reads a payload, declared under the given name where its fields are written in place; empty for bytes.
func (c *checker) payload(p ir.Payload, name string) string {
	switch p.Kind {
	case ir.Inline:
		return c.add(name, c.object(c.fields(p.Fields)))
	case ir.Reference:
		return checkName(p.Type.Name)
	case ir.AnyJSON:
		return "$json()"
	case ir.BinaryData:
		return ""
	default:
		return "$empty()"
	}
}

func (c *checker) declared(d *ir.Decl) string {
	switch d.Kind {
	case ir.Enum:
		var values []string
		for _, v := range d.Values {
			values = append(values, c.quote(v.Wire))
		}
		return "$oneOf(" + strings.Join(values, ", ") + ")"
	case ir.Union:
		var b strings.Builder
		for _, v := range d.Variants {
			fmt.Fprintf(&b, "  %s: %s,\n", v.Name, strings.ReplaceAll(braced(c.fields(v.Fields)), "\n", "\n  "))
		}
		return "$union({\n" + b.String() + "})"
	default:
		return c.object(c.fields(d.Fields))
	}
}

// failure is an error as it stands on the wire. Of what the runtime adds, anything is let pass.
func (c *checker) failure(e *ir.Error) []string {
	return append([]string{`"reason?": $json()`, `"message?": $json()`}, c.fields(e.Fields)...)
}

func (c *checker) object(fields []string) string { return "$object(" + braced(fields) + ")" }

// fields are the members that read an object's fields.
func (c *checker) fields(fields []*ir.Field) []string {
	var members []string
	for _, f := range fields {
		name := f.Name
		if f.Optional {
			name = `"` + name + `?"`
		}
		members = append(members, name+": "+c.reader(f.Type))
	}
	return members
}

func braced(members []string) string {
	if len(members) == 0 {
		return "{}"
	}
	return "{\n  " + strings.Join(members, ",\n  ") + ",\n}"
}

// reader is the expression that makes what reads a type. Types of the schema may be declared further down.
func (c *checker) reader(t *ir.Type) string {
	switch t.Kind {
	case ir.Named:
		// With its type, for TypeScript takes a member called constructor or toString for the one that all objects have.
		return "(d: $Decoder) => " + checkName(t.Named.Name) + "(d)"
	case ir.List, ir.Map:
		return call(string(t.Kind), append([]string{c.reader(t.Elem)}, counts(t.MinItems, t.MaxItems)...))
	case ir.String:
		return call("string", c.texts(t))
	case ir.Bytes:
		return call("bytes", counts(t.MinLength, t.MaxLength))
	case ir.Int64:
		return call("int64", bounds(t, "n"))
	default:
		return call(string(t.Kind), bounds(t, ""))
	}
}

func (c *checker) texts(t *ir.Type) []string {
	args := counts(t.MinLength, t.MaxLength)
	if t.Pattern == "" {
		return args
	}
	pattern, err := jsPattern(t.Pattern)
	if err != nil && c.err == nil {
		c.err = err
	}
	for len(args) < 2 {
		args = append(args, "undefined")
	}
	return append(args, "/"+pattern+"/u", c.quote(t.Pattern))
}

func (c *checker) quote(text string) string {
	quoted, err := quote(text)
	if err != nil && c.err == nil {
		c.err = err
	}
	return quoted
}

// call calls a function of the runtime.
func call(name string, args []string) string {
	return "$" + name + "(" + strings.Join(args, ", ") + ")"
}

// counts are the arguments that say how long something is, none where nothing is asked.
func counts(least, most *int) []string {
	number := func(n *int) string {
		if n == nil {
			return ""
		}
		return strconv.Itoa(*n)
	}
	return limits(number(least), number(most))
}

// bounds are the arguments that say how large a number is.
func bounds(t *ir.Type, suffix string) []string {
	literal := func(text *string) string {
		if text == nil {
			return ""
		}
		return *text + suffix
	}
	return limits(literal(t.Min), literal(t.Max))
}

// limits are a least and a largest value as arguments; an empty one is none.
func limits(least, most string) []string {
	switch {
	case least == "" && most == "":
		return nil
	case most == "":
		return []string{least}
	case least == "":
		return []string{"undefined", most}
	}
	return []string{least, most}
}
