package schema_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chgen/chgen/schema"
	"github.com/chgen/chgen/schema/ir"
)

func TestTheCanonicalFormOfEachCase(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(cases, "format", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		src := read(t, file)
		formatted := format(t, src)
		golden(t, strings.TrimSuffix(file, ".yaml")+".txt", formatted)
	}
}

func TestFormattingKeepsEverySchema(t *testing.T) {
	t.Parallel()
	for _, file := range schemas(t) {
		src := read(t, file)
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			if _, problems := schema.Parse("x.yaml", src); len(problems) == 0 {
				checkFormat(t, src)
			}
		})
	}
}

func TestTheChatsSchemaIsCanonical(t *testing.T) {
	t.Parallel()
	src := read(t, "../examples/chat/chat.yaml")
	if diff := cmp.Diff(string(src), string(format(t, src))); diff != "" {
		t.Errorf("formatting changes it (-want +got):\n%s", diff)
	}
}

func TestLineEndsAndAByteOrderMarkAreNormal(t *testing.T) {
	t.Parallel()
	src := read(t, "../examples/chat/chat.yaml")
	crlf := append([]byte("\ufeff"), bytes.ReplaceAll(src, []byte("\n"), []byte("\r\n"))...)
	if diff := cmp.Diff(string(src), string(format(t, crlf))); diff != "" {
		t.Errorf("they remain (-want +got):\n%s", diff)
	}
}

// FuzzFormat holds that the canonical form says what the schema said, keeps every comment and is its own canonical form.
func FuzzFormat(f *testing.F) {
	for _, file := range schemas(f) {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, free := range []string{
		"[-]", "[a: b, {c}, ? d : e]", "- # c\n- - b # d\n  # e\n-\n- |+\n a\n\n\n- x", "? a # b\n# c\n: # d\n  e # f",
		"{# b\n c, # d\n # e\n f: [ # g\n] # h\n} # i", "a: >2-\n   b\n  c\n\n # d", "|\n  b", "\"b\n\n  c \\\n  \\ d\"# e",
		"{? \"b\n c\": d, 'e\n f': [g\n h]}", "a\n...", "# a\n\n# b", "b: 1\n # c\n# d\n\n\ne: 2", "b: |\n \n  c\n# d", "~", "é: ü # ö",
	} {
		f.Add([]byte(free))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		indented := bytes.ReplaceAll(src, []byte("\n"), []byte("\n  "))
		for _, variant := range []string{string(src), "version: 1\nx-a: " + string(src), "x-a:\n  " + string(indented) + "\nversion: 1\n"} {
			if _, problems := schema.Parse("x.yaml", []byte(variant)); len(problems) == 0 {
				checkFormat(t, []byte(variant))
			}
		}
	})
}

func checkFormat(t *testing.T, src []byte) {
	t.Helper()
	formatted := format(t, src)
	before, after := parse(t, "x.yaml", src), parse(t, "x.yaml", formatted)
	if diff := cmp.Diff(before, after, cmpopts.IgnoreTypes(ir.Pos{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("it says something else (-before +after):\n%s\n%s", diff, formatted)
	}
	if diff := cmp.Diff(string(formatted), string(format(t, formatted))); diff != "" {
		t.Errorf("formatting it again changes it (-once +twice):\n%s\nof %q", diff, src)
	}
}

func format(t *testing.T, src []byte) []byte {
	t.Helper()
	formatted, err := schema.Format(src)
	if err != nil {
		t.Fatalf("%v\n%q", err, src)
	}
	return formatted
}

// schemas lists every schema of the repository's tests and examples.
func schemas(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, root := range []string{"../testdata", "../examples", "../cmd/chgen/starter", "../internal"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() && filepath.Ext(path) == ".yaml" {
				all = append(all, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}
