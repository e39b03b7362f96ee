package asyncapi_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/chgen/chgen/schema"
	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/templates/asyncapi"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const golden = "../../testdata/asyncapi/"

// schemas are those whose documents stand in testdata/asyncapi, where npm run test:asyncapi hands them to the official
// parser. Everything is also strict.
var schemas = []string{
	"../../examples/chat/chat.yaml",
	"../../testdata/golang/kitchen/kitchen.yaml",
	"../../testdata/schemas/valid/everything.yaml",
}

func parse(tb testing.TB, path string) *ir.Schema {
	tb.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	s, problems := schema.Parse(filepath.Base(path), src)
	for _, p := range problems {
		tb.Error(p)
	}
	if s == nil {
		tb.FailNow()
	}
	return s
}

func render(tb testing.TB, s *ir.Schema) []byte {
	tb.Helper()
	files, err := asyncapi.Render(s, asyncapi.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	if want := s.Name + ".asyncapi.yaml"; len(files) != 1 || files[0].Path != want {
		tb.Fatalf("Render gives %d files, the first %q; want one, %s", len(files), files[0].Path, want)
	}
	return files[0].Content
}

func TestRenderGivesTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for _, path := range schemas {
		s := parse(t, path)
		got := render(t, s)
		file := golden + s.Name + ".asyncapi.yaml"
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func TestRenderNamesTheFileAsAsked(t *testing.T) {
	t.Parallel()
	files, err := asyncapi.Render(parse(t, schemas[0]), asyncapi.Options{File: "api.yml"})
	if err != nil {
		t.Fatal(err)
	}
	if files[0].Path != "api.yml" {
		t.Errorf("the file is called %s, want api.yml", files[0].Path)
	}
}

func TestDefaultsMayBeWhatYAMLCannotReadAsTheyStand(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"\"\x7f \u0085 \u2028 \ufffe \\u0000\"",
		`{"` + strings.Repeat("k", 2000) + `":[1,-0.5,1e3,true,false,null,"y","<<",{}]}`,
	} {
		s := &ir.Schema{Name: "x", File: "x.yaml", Types: []*ir.Decl{{Name: "X", Kind: ir.Object, Fields: []*ir.Field{
			{Name: "x", Optional: true, Type: &ir.Type{Kind: ir.JSON}, Default: &ir.Value{JSON: value}},
		}}}}
		var document struct {
			Components struct {
				Schemas map[string]struct {
					Properties map[string]struct{ Default any }
				}
			}
		}
		if err := yaml.Unmarshal(render(t, s), &document); err != nil {
			t.Fatal(err)
		}
		var got, want any
		encoded, err := json.Marshal(document.Components.Schemas["X"].Properties["x"].Default)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(encoded, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(value), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the default %.40q is read otherwise (-want +got):\n%s", value, diff)
		}
	}
}
