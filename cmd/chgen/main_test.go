package main

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestCommandLine runs each case in testdata/cases in a copy of its directory in: the lines of args are the arguments,
// and want.txt says the exit code, what is printed, and the files that stand there afterwards.
func TestCommandLine(t *testing.T) {
	all, err := filepath.Abs("testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		t.Run(entry.Name(), func(t *testing.T) {
			dir := filepath.Join(all, entry.Name())
			t.Chdir(workspace(t, filepath.Join(dir, "in")))
			args := strings.FieldsFunc(string(read(t, filepath.Join(dir, "args"))), func(r rune) bool { return r == '\n' })
			code, stdout, stderr := chgen(args...)
			got := fmt.Sprintf("exit %d\n-- stdout --\n%s-- stderr --\n%s-- files --\n%s",
				code, stdout, stderr, strings.Join(list(t), ""))
			golden(t, filepath.Join(dir, "want.txt"), got)
		})
	}
}

// workspace copies a directory, which may be missing, to a temporary one.
func workspace(t *testing.T, from string) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := os.Stat(from); err == nil {
		if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// list returns the files below the current directory; those that chgen wrote are marked.
func list(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		mark := ""
		if content := read(t, path); generatedFrom(content) != "" && bytes.Count(content, []byte("\n")) > 5 {
			mark = " (generated)"
		}
		files = append(files, filepath.ToSlash(path)+mark+"\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func chgen(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		write := os.WriteFile(file, []byte(got), 0o644)
		if write != nil {
			t.Fatal(write)
		}
		return
	}
	if diff := cmp.Diff(string(read(t, file)), got); diff != "" {
		t.Errorf("%s differs (-want +got), rewrite with -update:\n%s", file, diff)
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
