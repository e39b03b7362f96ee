package asyncapi_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

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
