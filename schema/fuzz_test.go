package schema_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chgen/chgen/schema"
)

// FuzzParse holds that no input makes the parser panic, that a schema comes without problems or not at all, and that
// every problem has a rule, a message and places inside the file.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"rules/*.yaml", "valid/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(cases, pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	for _, src := range []string{"", "\ufeff", "---\n", "- a", "{", "a: *b", "\r", "a:\n\tb", "? ", "a: |\n", "version: 1\n\"\\x00\": 1"} {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		parsed, problems := schema.Parse("fuzz.yaml", src)
		if (parsed == nil) == (len(problems) == 0) {
			t.Fatalf("%d problems, and the schema is nil: %v", len(problems), parsed == nil)
		}
		lines := bytes.Split(src, []byte("\n"))
		inside := func(line, col int) bool {
			return line >= 1 && line <= len(lines) && col >= 1 && col <= len(lines[line-1])+1
		}
		for _, p := range problems {
			known := slices.ContainsFunc(schema.Rules(), func(r schema.Rule) bool { return r.ID == p.Rule })
			if !known || p.Message == "" || !inside(p.Pos.Line, p.Pos.Col) {
				t.Errorf("not a whole problem: %+v", p)
			}
			if p.Other != nil && !inside(p.Other.Pos.Line, p.Other.Pos.Col) {
				t.Errorf("its other place is not in the file: %+v", p)
			}
		}
		if err := problems.Render(&bytes.Buffer{}, "fuzz.yaml", src); err != nil {
			t.Error(err)
		}
	})
}
