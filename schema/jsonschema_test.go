package schema_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/chgen/chgen/schema"
)

// shapeRules are the rules that the JSON Schema holds a file to. The others are about YAML, or about two places.
var shapeRules = []string{
	"version", "unknown-key", "missing-key", "wrong-shape", "bad-name", "type-body", "empty-type", "constraint-place", "default-required",
}

func TestJSONSchemaAcceptsWhatTheParserAccepts(t *testing.T) {
	t.Parallel()
	editor := compile(t)
	for _, file := range schemas(t) {
		src := read(t, file)
		if _, problems := schema.Parse("x.yaml", src); len(problems) > 0 {
			continue
		}
		if err := editor.Validate(instance(t, src)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestJSONSchemaRefusesTheCases holds that the case of a rule is refused where it is a matter of shape. Of other rules
// some cases are.
func TestJSONSchemaRefusesTheCases(t *testing.T) {
	t.Parallel()
	editor := compile(t)
	var refused []string
	for _, rule := range schema.Rules() {
		var doc yaml.Node
		src := ruleCase(t, rule.ID)
		if err := yaml.Unmarshal(src, &doc); err != nil || len(doc.Content) == 0 || strings.HasPrefix(rule.ID, "yaml-") || rule.ID == "duplicate-key" {
			continue
		}
		if editor.Validate(plainYAML(t, doc.Content[0])) != nil {
			refused = append(refused, rule.ID)
		}
	}
	want := append(slices.Clone(shapeRules), "bad-value", "duplicate-item", "object-wanted", "pattern", "reserved-name", "topic", "type-syntax", "unknown-type")
	slices.Sort(want)
	slices.Sort(refused)
	if diff := cmp.Diff(want, refused); diff != "" {
		t.Errorf("the refused cases differ (-want +got):\n%s", diff)
	}
}

// FuzzJSONSchema changes one place of a valid schema at a time. The JSON Schema may let pass what is wrong for another
// reason than its shape, and nothing else.
func FuzzJSONSchema(f *testing.F) {
	editor := compile(f)
	src := read(f, filepath.Join(cases, "valid", "everything.yaml"))
	all := mutants(f, src)
	if len(all) < 4500 {
		f.Fatalf("%d mutants are too few", len(all))
	}
	for i := 0; i < len(all); i += 11 {
		f.Add(uint(i))
	}
	f.Fuzz(func(t *testing.T, i uint) {
		m := all[i%uint(len(all))]
		mutant := m.make()
		_, problems := schema.Parse("x.yaml", mutant)
		err := editor.Validate(instance(t, mutant))
		shape := slices.ContainsFunc(problems, func(p schema.Problem) bool { return slices.Contains(shapeRules, p.Rule) })
		switch {
		case len(problems) == 0 && err != nil:
			t.Errorf("%s: the parser accepts it, but %v", m.what, err)
		case shape && err == nil:
			t.Errorf("%s: the JSON Schema accepts it, but %v", m.what, problems)
		}
	})
}

func TestTheJSONSchemaSaysSomethingAboutEveryKey(t *testing.T) {
	t.Parallel()
	var tree any
	if err := json.Unmarshal(schema.JSONSchema(), &tree); err != nil {
		t.Fatal(err)
	}
	var visit func(path string, node any)
	described := func(node map[string]any) bool {
		for node["$ref"] != nil {
			name := strings.TrimPrefix(node["$ref"].(string), "#/definitions/")
			node = tree.(map[string]any)["definitions"].(map[string]any)[name].(map[string]any)
		}
		return node["description"] != nil || node["not"] != nil
	}
	visit = func(path string, node any) {
		switch node := node.(type) {
		case map[string]any:
			for name, property := range node {
				if properties, ok := property.(map[string]any); ok && name == "properties" && !strings.HasSuffix(path, "/if") && !strings.HasSuffix(path, "/then") {
					for key, value := range properties {
						if !described(value.(map[string]any)) {
							t.Errorf("%s: %s has no description", path, key)
						}
					}
				}
				visit(path+"/"+name, property)
			}
		case []any:
			for i, item := range node {
				visit(fmt.Sprintf("%s/%d", path, i), item)
			}
		}
	}
	visit("", tree)
}

// mutant is a schema with one place changed.
type mutant struct {
	what string
	make func() []byte
}

// mutants lists every mutant of a schema: each value replaced by others, each key removed, renamed or given a neighbour.
func mutants(t testing.TB, src []byte) (all []mutant) {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		t.Fatal(err)
	}
	// with makes a mutant in which n is another node.
	with := func(n *yaml.Node, other yaml.Node, format string, args ...any) {
		all = append(all, mutant{fmt.Sprintf(format, args...), func() []byte {
			was := *n
			*n = other
			defer func() { *n = was }()
			mutant, err := yaml.Marshal(&doc)
			if err != nil {
				t.Fatal(err)
			}
			return mutant
		}})
	}
	var walk func(path string, n *yaml.Node)
	walk = func(path string, n *yaml.Node) {
		if path != "" {
			for _, r := range replacements {
				with(n, *r, "%s: %s %q %d", path, r.Tag, r.Value, len(r.Content))
			}
		}
		if n.Kind != yaml.MappingNode {
			return
		}
		more := *n
		more.Content = append(slices.Clone(n.Content), scalar("unknown_key", "!!str"), scalar("string", "!!str"))
		with(n, more, "%s: one more key", path)
		for i := 0; i < len(n.Content); i += 2 {
			at := path + "/" + n.Content[i].Value
			less := *n
			less.Content = slices.Delete(slices.Clone(n.Content), i, i+2)
			with(n, less, "%s: removed", at)
			for _, name := range []string{"renamed", "Renamed", "x-free", "phx_x", "type", "a b", "optional?", "default", strings.Repeat("a", 101)} {
				renamed := *n
				renamed.Content = slices.Clone(n.Content)
				renamed.Content[i] = scalar(name, "!!str")
				if !hasTwice(&renamed) {
					with(n, renamed, "%s: renamed %s", at, name)
				}
			}
			walk(at, n.Content[i+1])
		}
	}
	walk("", doc.Content[0])
	return all
}

func scalar(value, tag string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Value: value, Tag: tag}
}

// replacements are what a value is replaced by.
var replacements = []*yaml.Node{
	scalar("", "!!null"), scalar("true", "!!bool"), scalar("7", "!!int"), scalar("-1.5", "!!float"),
	scalar("", "!!str"), scalar("some text", "!!str"), scalar("Node", "!!str"), scalar("json", "!!str"), scalar("list(int)", "!!str"),
	{Kind: yaml.MappingNode}, {Kind: yaml.SequenceNode},
	{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar("some_key", "!!str"), scalar("string", "!!str")}},
	{Kind: yaml.SequenceNode, Content: []*yaml.Node{scalar("one", "!!str"), scalar("one", "!!str")}},
}

func hasTwice(n *yaml.Node) bool {
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		if seen[n.Content[i].Value] {
			return true
		}
		seen[n.Content[i].Value] = true
	}
	return false
}

func compile(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema.JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("v1.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("v1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// instance is a schema as an editor sees it: the JSON that its YAML stands for.
func instance(t *testing.T, src []byte) any {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		t.Fatal(err)
	}
	return plainYAML(t, doc.Content[0])
}

func plainYAML(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			object[n.Content[i].Value] = plainYAML(t, n.Content[i+1])
		}
		return object
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, plainYAML(t, item))
		}
		return list
	case yaml.AliasNode:
		return nil
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return n.Value == "true"
	case "!!int", "!!float":
		return json.Number(n.Value)
	}
	return n.Value
}
