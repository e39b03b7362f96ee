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
	{"../../testdata/golang/names/names.yaml", "../../testdata/golang/names/names.gen.go"},
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
		files, err := golang.Render(s, golang.Options{Package: s.Name, Client: true})
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range files {
			golden := filepath.Join(filepath.Dir(c.golden), f.Path)
			if i == 0 && golden != filepath.Clean(c.golden) {
				t.Errorf("the first file is %s, want %s", golden, c.golden)
			}
			if *update {
				if err := os.WriteFile(golden, f.Content, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(f.Content)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", golden, diff)
			}
		}
	}
}

func TestClientsAreAFileOfTheirOwnWhereAskedFor(t *testing.T) {
	t.Parallel()
	for _, c := range cases {
		s := parse(t, c.schema)
		without, err := golang.Render(s, golang.Options{Package: s.Name})
		if err != nil {
			t.Fatal(err)
		}
		with, err := golang.Render(s, golang.Options{Package: s.Name, Client: true})
		if err != nil {
			t.Fatal(err)
		}
		want := 2
		if len(s.Channels) == 0 {
			want = 1 // nothing to be a client of
		}
		if len(without) != 1 || len(with) != want {
			t.Errorf("%s: %d files without clients, %d with; want 1, %d", c.schema, len(without), len(with), want)
		}
		if diff := cmp.Diff(without[0], with[0]); diff != "" {
			t.Errorf("%s: clients change the first file (-without +with):\n%s", c.schema, diff)
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
