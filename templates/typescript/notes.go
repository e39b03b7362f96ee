package typescript

import (
	"strings"

	"github.com/chgen/chgen/schema/ir"
)

// notes say what a field's TypeScript type leaves open: how its text is to be read, what the schema asks of it, and what
// stands for it where it is absent.
func notes(f *ir.Field) []string {
	all := typeNotes(f.Type)
	if f.Default != nil {
		all = append(all, "Default: "+f.Default.JSON)
	}
	return all
}

func typeNotes(t *ir.Type) []string {
	var all []string
	note := func(text string) {
		if text != "" {
			all = append(all, strings.ToUpper(text[:1])+text[1:]+".")
		}
	}
	switch t.Kind {
	case ir.String:
		note(quantity(t.MinLength, t.MaxLength, "character"))
	case ir.Int, ir.Float:
		note(between(t, ""))
	case ir.Int64:
		note("a whole number of 64 bits, in decimal" + prefixed(", ", between(t, "")))
	case ir.Duration:
		if note(between(t, " milliseconds")); len(all) == 0 {
			note("in milliseconds")
		}
	case ir.Timestamp:
		note("a time as in RFC 3339")
	case ir.UUID:
		note("a UUID")
	case ir.Bytes:
		note("bytes in base64" + prefixed(", ", quantity(t.MinLength, t.MaxLength, "byte")))
	case ir.List, ir.Map:
		note(quantity(t.MinItems, t.MaxItems, "item"))
		return append(all, typeNotes(t.Elem)...)
	}
	if t.Pattern != "" {
		all = append(all, "Matches: "+t.Pattern)
	}
	return all
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// quantity says how many there are, empty where that is open.
func quantity(least, most *int, unit string) string {
	if least != nil && *least == 0 {
		least = nil
	}
	if (most == nil && least != nil && *least != 1) || (most != nil && *most != 1) {
		unit += "s"
	}
	return span(counts(least, most), "", " "+unit, " to ")
}

// between says between which values a number is, empty where that is open.
func between(t *ir.Type, unit string) string {
	return span(bounds(t, ""), "from ", unit, " to ")
}

// span puts into words what limits has made.
func span(args []string, from, unit, to string) string {
	switch {
	case len(args) == 0:
		return ""
	case len(args) == 1:
		return "at least " + args[0] + unit
	case args[0] == "undefined":
		return "at most " + args[1] + unit
	case args[0] == args[1]:
		return args[0] + unit
	}
	return from + args[0] + to + args[1] + unit
}
