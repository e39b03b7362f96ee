package asyncapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/testdata/golang/kitchen"
)

// contract is a document and the names of its schemas.
type contract struct {
	document *jsonschema.Compiler
	tree     map[string]any
	names    []string
}

// undecoded are schemas of which Go has no decoder to compare with: errors and presences go to clients only, and
// Single is used nowhere.
func undecoded(name string) bool {
	return name == "Single" || name == "system_error" || strings.Contains(name, ".") || strings.HasSuffix(name, "Error")
}

func load(t *testing.T, file string) contract {
	t.Helper()
	parsed := parse(t, file)
	var tree map[string]any
	if err := yaml.Unmarshal(render(t, parsed), &tree); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.AssertFormat()
	c.RegisterFormat(&jsonschema.Format{Name: "int64", Validate: validInt64})
	c.RegisterFormat(&jsonschema.Format{Name: "double", Validate: validDouble})
	if err := c.AddResource("document", document); err != nil {
		t.Fatal(err)
	}
	components := document.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any)
	return contract{c, tree, slices.Sorted(maps.Keys(components))}
}

func validInt64(v any) error {
	if s, ok := v.(string); ok {
		_, err := strconv.ParseInt(s, 10, 64)
		return err
	}
	return nil
}

func validDouble(v any) error {
	if n, ok := v.(json.Number); ok {
		if f, err := n.Float64(); err != nil && math.IsInf(f, 0) {
			return err
		}
	}
	return nil
}

func (c contract) schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	return c.at(t, "/components/schemas/"+name)
}

func (c contract) at(t *testing.T, pointer string) *jsonschema.Schema {
	t.Helper()
	compiled, err := c.document.Compile("document#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func allows(t *testing.T, s *jsonschema.Schema, payload []byte) bool {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	return s.Validate(v) == nil
}

// What JSON Schema cannot say of these, so that the decoder alone refuses.
var unsaid = []codec.Error{
	{Path: "/big", Message: "must be at least 10"},
	{Path: "/key", Message: "must have 1 to 2 bytes"},
}

func TestSchemasAllowWhatTheDecoderTakes(t *testing.T) {
	t.Parallel()
	for file, types := range map[string]map[string]subject{
		schemas[0]: chatTypes(),
		schemas[1]: kitchenTypes(),
		"../../testdata/golang/strict/strict.yaml": strictTypes(),
	} {
		c := load(t, file)
		for _, name := range c.names {
			if _, ok := types[name]; !ok && !undecoded(name) {
				t.Errorf("%s: the test has no payloads for the schema %s", file, name)
			}
		}
		for name, s := range types {
			compiled := c.schema(t, name) // here: a compiler is for one goroutine
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				agree(t, compiled, s)
			})
		}
	}
}

// The query is text, which the decoder sees as JSON once it has been read by the types of the schema.
func TestQueryAllowsWhatTheConnectDecoderTakes(t *testing.T) {
	t.Parallel()
	query := of[kitchen.ConnectParams](`{"vsn":"2.0.0","name":"ann"}`, `{"vsn":"2.0.0","name":"ann","age":5,"role":"low","debug":true,`+
		`"since":"2026-01-02T03:04:05Z","token":"aGk=","device":"01234567-89ab-cdef-0123-456789abcdef","budget":"1","ratio":1,`+
		`"patience":1,"extra":[1]}`)
	agree(t, load(t, schemas[1]).at(t, "/components/channelBindings/socket/ws/query"), subject{
		decode: func(data []byte) (codec.Marshaler, error) {
			var version struct{ VSN any }
			if err := json.Unmarshal(data, &version); err != nil || version.VSN != "2.0.0" {
				return nil, errors.New("another version of the protocol")
			}
			v, err := query.decode(data)
			return withVersion{v}, err
		},
		seeds: query.seeds,
	})
}

// withVersion adds to connect params what every client adds.
type withVersion struct{ codec.Marshaler }

func (v withVersion) AppendJSON(dst []byte) ([]byte, error) {
	dst, err := v.Marshaler.AppendJSON(dst)
	return append(dst[:len(dst)-1], `,"vsn":"2.0.0"}`...), err
}

func TestSchemasAllowTheErrorsThatAreSent(t *testing.T) {
	t.Parallel()
	c := load(t, schemas[1])
	level := kitchen.LevelHigh
	for name, e := range map[string]codec.Marshaler{
		"WithFieldsError":   &kitchen.WithFieldsError{RetryAfterMs: 1, Level: &level},
		"SilentFieldsError": &kitchen.SilentFieldsError{Count: 1},
	} {
		encoded, err := e.AppendJSON(nil)
		if err != nil || !allows(t, c.schema(t, name), encoded) {
			t.Errorf("%s is written as %s, %v, which the schema does not allow", name, encoded, err)
		}
		if allows(t, c.schema(t, "PlainError"), encoded) {
			t.Errorf("%s is written as %s, which is no plain", name, encoded)
		}
	}
}

// docs/asyncapi.md has this list.
func TestWhereSchemaAndDecoderDiffer(t *testing.T) {
	t.Parallel()
	types, c := kitchenTypes(), load(t, schemas[1])
	for _, d := range []struct {
		what, schema, payload string
		allowed, taken        bool
	}{
		{"null is read as absent", "Point", `{"x":1,"y":null}`, false, true},
		{"numbers are read in double precision", "KitchenNumberedEvent", `{"n":9007199254740991.2}`, false, true},
		{"bounds of int64", "Limits", limits(`"big":"9"`), true, false},
		{"bytes are counted in threes", "Limits", limits(`"key":"AAAA"`), true, false},
		{"leap seconds", "KitchenJoin", `{"since":"1998-12-31T23:59:60Z"}`, true, false},
		{"small letters in timestamps", "KitchenJoin", `{"since":"2026-01-02t03:04:05z"}`, true, false},
		{"names that come twice", "KitchenTaggedEvent", `{"tag":"a","tag":"b"}`, true, false},
		{"half a surrogate pair", "KitchenTaggedEvent", `{"tag":"\ud800"}`, true, false},
		{"nesting", "Optionals", `{"json":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, true, false},
	} {
		_, err := types[d.schema].decode([]byte(d.payload))
		if taken := err == nil; taken != d.taken {
			t.Errorf("%s: the decoder takes it: %t, want %t (%v)", d.what, taken, d.taken, err)
		}
		if allowed := allows(t, c.schema(t, d.schema), []byte(d.payload)); allowed != d.allowed {
			t.Errorf("%s: the schema allows it: %t, want %t", d.what, allowed, d.allowed)
		}
	}
}

// agree compares the verdicts on the seeds of a type and everything that they are mutated to.
func agree(t *testing.T, schema *jsonschema.Schema, s subject) {
	taken, refused := 0, 0
	judge := func(payload []byte) {
		v, err := s.decode(payload)
		allowed := allows(t, schema, payload)
		switch {
		case err == nil && !allowed && allows(t, schema, withoutNulls(t, payload)):
			// A null where a member may be absent: the document does not invite it.
		case err == nil != allowed && !slices.ContainsFunc(unsaid, func(e codec.Error) bool { return isError(err, e) }):
			t.Errorf("%s: the schema allows it: %t; the decoder: %v", payload, allowed, err)
		case err != nil:
			refused++
		default:
			taken++
			encoded, err := v.AppendJSON(nil)
			if err != nil || !allows(t, schema, encoded) {
				t.Errorf("%s is written as %s, %v, which the schema does not allow", payload, encoded, err)
			}
		}
	}
	for _, seed := range s.seeds {
		if _, err := s.decode([]byte(seed)); err != nil || !allows(t, schema, []byte(seed)) {
			t.Fatalf("%s is not valid: %v", seed, err)
		}
		mutate(parsed(t, seed), func(v any) {
			payload, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			judge(payload)
		})
	}
	if taken == 0 || refused == 0 {
		t.Errorf("%d payloads were taken and %d refused: the mutations prove nothing", taken, refused)
	}
}

func isError(err error, want codec.Error) bool {
	var got *codec.Error
	return errors.As(err, &got) && *got == want
}

func parsed(t *testing.T, text string) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}
