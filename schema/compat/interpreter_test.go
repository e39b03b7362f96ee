package compat_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/testdata/golang/chat"
	"github.com/chgen/chgen/testdata/golang/frame"
	"github.com/chgen/chgen/testdata/golang/kitchen"
	"github.com/chgen/chgen/testdata/golang/strict"
)

// generated are the types of testdata/golang that the reader is held to.
var generated = []struct {
	schema string
	types  map[string]codec.Unmarshaler
}{
	{"../../testdata/golang/kitchen/kitchen.yaml", map[string]codec.Unmarshaler{
		"Scalars": new(kitchen.Scalars), "Optionals": new(kitchen.Optionals), "Limits": new(kitchen.Limits),
		"Defaults": new(kitchen.Defaults), "Point": new(kitchen.Point), "Tree": new(kitchen.Tree),
		"Nested": new(kitchen.Nested), "Nothing": new(kitchen.Nothing), "Odd": new(kitchen.Odd),
	}},
	{"../../examples/chat/chat.yaml", map[string]codec.Unmarshaler{"Author": new(chat.Author), "Message": new(chat.Message)}},
	{"../../testdata/golang/frame/frame.yaml", map[string]codec.Unmarshaler{"Message": new(frame.Message)}},
	{"../../testdata/golang/strict/strict.yaml", map[string]codec.Unmarshaler{"Item": new(strict.Item)}},
}

// What stands on the reader of this test stands on the decoders that chgen generates: both say the same of every payload
// that the writer makes and of many that are no longer sound.
func TestReaderAgreesWithGeneratedCode(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	good, bad := 0, 0
	for _, g := range generated {
		s := parse(t, g.schema)
		for _, d := range s.Types {
			into := g.types[d.Name]
			if into == nil {
				continue
			}
			delete(g.types, d.Name)
			typ := &ir.Type{Kind: ir.Named, Named: d}
			for _, text := range (&writer{strict: s.Strict}).values(typ) {
				for i := range 8 {
					if i > 0 {
						text = mutated(t, text, random)
					}
					got := codec.Unmarshal([]byte(text), &reader{strict: s.Strict, read: readType(typ)})
					want := codec.Unmarshal([]byte(text), into)
					if said(got) != said(want) {
						t.Errorf("%s from %s: the reader says %q, generated code %q", d.Name, text, said(got), said(want))
					}
					if want == nil {
						good++
					} else {
						bad++
					}
					if i == 0 && want != nil {
						t.Errorf("%s: the writer makes %s, and generated code says: %v", d.Name, text, want)
					}
				}
			}
		}
		for name := range g.types {
			t.Errorf("%s has no type %s", g.schema, name)
		}
	}
	if good < 1000 || bad < 1000 {
		t.Errorf("%d sound payloads and %d others are too few", good, bad)
	}
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// mutated changes one value somewhere inside, or takes one away.
func mutated(t *testing.T, text string, random *rand.Rand) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	mutated, err := json.Marshal(mutate(v, random))
	if err != nil {
		t.Fatal(err)
	}
	return string(mutated)
}

var strangers = []any{nil, true, 0.5, -1.0, 1e15, "", "text", "-5", "0", []any{}, map[string]any{}, []any{1.0}, map[string]any{"type": "circle"}}

func mutate(v any, random *rand.Rand) any {
	if random.IntN(4) == 0 {
		return strangers[random.IntN(len(strangers))]
	}
	switch v := v.(type) {
	case []any:
		if len(v) > 0 {
			i := random.IntN(len(v))
			v[i] = mutate(v[i], random)
		}
	case map[string]any:
		if len(v) == 0 {
			return nil
		}
		name := slices.Sorted(maps.Keys(v))[random.IntN(len(v))]
		if random.IntN(4) == 0 {
			delete(v, name)
		} else {
			v[name] = mutate(v[name], random)
		}
	case string:
		return v + "x"
	case float64:
		return v/2 + 3
	}
	return v
}
