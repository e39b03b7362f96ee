package golang_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/schema"
	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/templates/golang"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// cases are the schemas whose output stands in testdata, where the tests beside this one import it.
var cases = []struct{ schema, golden string }{
	{"../../examples/chat/chat.yaml", "../../testdata/golang/chat/chat.gen.go"},
	{"../../testdata/golang/kitchen/kitchen.yaml", "../../testdata/golang/kitchen/kitchen.gen.go"},
	{"../../testdata/golang/strict/strict.yaml", "../../testdata/golang/strict/strict.gen.go"},
	{"../../testdata/golang/frame/frame.yaml", "../../testdata/golang/frame/frame.gen.go"},
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

func TestRenderGivesTheGoldenFiles(t *testing.T) {
	t.Parallel()
	for _, c := range cases {
		s := parse(t, c.schema)
		files, err := golang.Render(s, golang.Options{Package: s.Name})
		if err != nil {
			t.Fatal(err)
		}
		if len(files) != 1 || files[0].Path != filepath.Base(c.golden) {
			t.Fatalf("Render gives %d files, the first %q; want one, %s", len(files), files[0].Path, filepath.Base(c.golden))
		}
		if *update {
			if err := os.WriteFile(c.golden, files[0].Content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(c.golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(files[0].Content)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.golden, diff)
		}
	}
}

// ./... passes over testdata, so the golden packages are named.
func TestGoldenPackagesPassVet(t *testing.T) {
	t.Parallel()
	args := []string{"vet"}
	for _, c := range cases {
		args = append(args, "./"+filepath.Dir(c.golden))
	}
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}

// large is a schema of n client events with five fields each.
func large(n int) *ir.Schema {
	ch := &ir.Channel{Name: "Room", Topic: ir.Topic{
		Pattern:  "room:{id}",
		Segments: []ir.Segment{{Literal: "room"}, {Param: "id", Kind: ir.String}},
	}}
	for i := range n {
		var fields []*ir.Field
		for _, kind := range []ir.Kind{ir.String, ir.Int, ir.Bool, ir.Timestamp, ir.Float} {
			fields = append(fields, &ir.Field{Name: "field_" + string(kind), Type: &ir.Type{Kind: kind}})
		}
		ch.ClientEvents = append(ch.ClientEvents, &ir.ClientEvent{
			Name:    fmt.Sprintf("event_%d", i),
			Payload: ir.Payload{Kind: ir.Inline, Fields: fields},
		})
	}
	return &ir.Schema{Name: "large", File: "large.yaml", Channels: []*ir.Channel{ch}}
}

func BenchmarkRender1000Events(b *testing.B) {
	s := large(1000)
	for b.Loop() {
		if _, err := golang.Render(s, golang.Options{Package: "large"}); err != nil {
			b.Fatal(err)
		}
	}
}
