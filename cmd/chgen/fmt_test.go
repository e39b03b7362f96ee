package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	unformatted = "types: {Role: {enum: [a,b]}} # roles\nversion: 1\n"
	formatted   = "version: 1\n\ntypes: { Role: { enum: [a, b] } }  # roles\n"
)

func TestFmtWritesInPlaceWhatIsNotCanonical(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one.yaml"), filepath.Join(dir, "two.yaml")
	writeFile(t, one, unformatted)
	writeFile(t, two, formatted)
	before := stat(t, two)
	code, stdout, stderr := chgen("fmt", "-w", one, two)
	if code != exitFine || stdout != "wrote "+one+"\n" || stderr != "" {
		t.Errorf("got exit %d, %q, %q", code, stdout, stderr)
	}
	if got := string(read(t, one)); got != formatted {
		t.Errorf("got\n%s\nwant\n%s", got, formatted)
	}
	if !os.SameFile(before, stat(t, two)) {
		t.Error("a canonical schema was written")
	}
}

func TestFmtWritesNothingWhereOneSchemaIsBroken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, two := filepath.Join(dir, "one.yaml"), filepath.Join(dir, "two.yaml")
	writeFile(t, one, unformatted)
	writeFile(t, two, "version: 1\ntypo: 1\n")
	code, stdout, stderr := chgen("fmt", "-w", one, two)
	if code != exitProblems || stdout != "" || !strings.Contains(stderr, "[unknown-key]") {
		t.Errorf("got exit %d, %q, %q", code, stdout, stderr)
	}
	if got := string(read(t, one)); got != unformatted {
		t.Errorf("the other one was written:\n%s", got)
	}
}

func TestFmtFollowsSymbolicLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link := filepath.Join(dir, "real", "chat.yaml"), filepath.Join(dir, "chat.yaml")
	writeFile(t, file, unformatted)
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := chgen("fmt", "-w", link); code != exitFine {
		t.Fatalf("exit %d:\n%s", code, stderr)
	}
	info, err := os.Lstat(link)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(read(t, file)); got != formatted || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("got %v and\n%s", info.Mode(), got)
	}
}

func TestSchemaPrintsTheJSONSchema(t *testing.T) {
	t.Parallel()
	code, stdout, _ := chgen("schema")
	if want := string(read(t, "../../schema/v1.schema.json")); code != exitFine || stdout != want {
		t.Errorf("got exit %d and %d bytes, want the %d of schema/v1.schema.json", code, len(stdout), len(want))
	}
}
