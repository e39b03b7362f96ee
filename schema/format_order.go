package schema

import (
	"slices"
	"strings"
)

// form says in which order the keys of a mapping stand and what stands under them.
type form struct {
	keys   []string         // empty where people name the keys
	values map[string]*form // what stands under a key; may lack some
	each   *form            // what stands under every key where people name them
}

// named is a mapping whose keys people name.
func named(each *form) *form { return &form{each: each} }

func keyed(values map[string]*form, keys ...string) *form { return &form{keys: keys, values: values} }

var (
	fieldForm  = keyed(nil, "type", "doc", "min", "max", "min_length", "max_length", "pattern", "min_items", "max_items", "default", "example", "deprecated")
	fieldsForm = named(fieldForm)
	typeForm   = keyed(map[string]*form{"fields": fieldsForm, "union": named(fieldsForm)},
		"doc", "deprecated", "fields", "enum", "union")
	errorForm       = keyed(map[string]*form{"fields": fieldsForm}, "doc", "fields", "retry")
	joinForm        = keyed(map[string]*form{"params": fieldsForm, "reply": fieldsForm}, "doc", "params", "reply", "errors")
	clientEventForm = keyed(map[string]*form{"payload": fieldsForm, "reply": fieldsForm},
		"doc", "deprecated", "payload", "reply", "errors", "concurrent")
	serverEventForm = keyed(map[string]*form{"payload": fieldsForm, "delivery": keyed(nil, "latest")},
		"doc", "deprecated", "payload", "delivery", "intercept")
	channelForm = keyed(map[string]*form{
		"history": keyed(nil, "size", "ttl"), "join": joinForm, "presence": fieldsForm,
		"client_events": named(clientEventForm), "server_events": named(serverEventForm),
	}, "doc", "deprecated", "topic", "history", "join", "client_events", "server_events", "presence")
	optionsForm = keyed(map[string]*form{
		"go": keyed(nil, "dir", "package", "client"), "ts": keyed(nil, "file", "runtime", "react", "check"), "asyncapi": keyed(nil, "file"),
	}, "go", "ts", "asyncapi")
	schemaForm = keyed(map[string]*form{
		"options": optionsForm, "connect": keyed(map[string]*form{"params": fieldsForm}, "params"),
		"types": named(typeForm), "errors": named(errorForm), "channels": named(channelForm),
	}, "version", "strict", "doc", "options", "connect", "types", "errors", "channels")
)

// arrange puts the keys into their order, here and below.
func (p *piece) arrange(f *form) {
	if f == nil || p.kind != mapping {
		return
	}
	if len(f.keys) > 0 {
		place := func(e *entry) int {
			if i := slices.Index(f.keys, e.key.value); i >= 0 {
				return i
			}
			return len(f.keys) // free keys, in their order
		}
		slices.SortStableFunc(p.entries, func(a, b *entry) int { return place(a) - place(b) })
	}
	for _, e := range p.entries {
		switch {
		case strings.HasPrefix(e.key.value, "x-"):
		case len(f.keys) > 0:
			e.value.arrange(f.values[e.key.value])
		default:
			e.value.arrange(f.each)
		}
	}
}
