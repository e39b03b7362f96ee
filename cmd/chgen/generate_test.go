package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const chatSchema = "../../examples/chat/chat.yaml"

// generated copies the chat's schema to a temporary directory and generates from it.
func generated(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	writeFile(t, filepath.Join(dir, "chat.yaml"), string(read(t, chatSchema)))
	if code, _, stderr := chgen(filepath.Join(dir, "chat.yaml")); code != exitFine {
		t.Fatalf("exit %d:\n%s", code, stderr)
	}
	return dir
}

func TestGenerateTwiceWritesNothing(t *testing.T) {
	t.Parallel()
	dir := generated(t)
	before := map[string]os.FileInfo{}
	for name := range files(t, dir) {
		before[name] = stat(t, filepath.Join(dir, name))
	}
	code, stdout, stderr := chgen("generate", filepath.Join(dir, "chat.yaml"))
	if code != exitFine || stdout != "" || stderr != "" {
		t.Errorf("got exit %d, %q, %q, want exit 0 and silence", code, stdout, stderr)
	}
	for name, info := range before {
		if after := stat(t, filepath.Join(dir, name)); !os.SameFile(info, after) || info.ModTime() != after.ModTime() {
			t.Errorf("%s was written again", name)
		}
	}
}

func TestOutputIsTheSameFromAnyDirectory(t *testing.T) {
	want := files(t, generated(t))
	dir := filepath.Join(t.TempDir(), "deep", "er")
	writeFile(t, filepath.Join(dir, "chat.yaml"), string(read(t, chatSchema)))
	for from, path := range map[string]string{dir: "chat.yaml", filepath.Dir(dir): "./er/chat.yaml", t.TempDir(): filepath.Join(dir, "chat.yaml"), "/": filepath.Join(dir, "chat.yaml")} {
		t.Chdir(from)
		if code, _, stderr := chgen("generate", path); code != exitFine {
			t.Fatalf("exit %d:\n%s", code, stderr)
		}
		if diff := cmp.Diff(want, files(t, dir)); diff != "" {
			t.Errorf("from %s the output differs:\n%s", from, diff)
		}
		if err := os.RemoveAll(filepath.Join(dir, "chat")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGenerateRemovesWhatAKilledRunLeft(t *testing.T) {
	t.Parallel()
	dir := generated(t)
	left := filepath.Join(dir, "chat", ".chgen-123.tmp")
	mine := filepath.Join(dir, "chat", fmt.Sprintf(".chgen-%d-123.tmp", os.Getpid()))
	others := filepath.Join(dir, "chat", ".chgen.tmp")
	for _, file := range []string{left, mine, others} {
		writeFile(t, file, "half of a file\n")
	}
	if code, _, stderr := chgen("generate", filepath.Join(dir, "chat.yaml")); code != exitFine {
		t.Fatalf("exit %d:\n%s", code, stderr)
	}
	want := map[string]bool{left: false, mine: true, others: true} // mine is being written: its process runs
	for file, stays := range want {
		if exists(file) != stays {
			t.Errorf("%s: exists is %v, want %v", file, !stays, stays)
		}
	}
}

func TestCheckAcceptsWhatGenerateWrote(t *testing.T) {
	t.Parallel()
	dir := generated(t)
	if code, stdout, stderr := chgen("check", filepath.Join(dir, "chat.yaml")); code != exitFine || stdout+stderr != "" {
		t.Errorf("got exit %d, %q, %q, want exit 0 and silence", code, stdout, stderr)
	}
}

func TestSchemasOfOneNameLeaveEachOthersOutputsAlone(t *testing.T) {
	t.Parallel()
	for _, inModule := range []bool{true, false} {
		root := t.TempDir()
		if inModule {
			writeFile(t, filepath.Join(root, "go.mod"), "module example.com/two\n")
		}
		web := filepath.Join(root, "web")
		for _, name := range []string{"a", "b"} {
			path := filepath.Join(root, name, "chat.yaml")
			writeFile(t, path, "version: 1\n")
			if code, _, stderr := chgen("generate", "-ts", filepath.Join(web, name+".gen.ts"), path); code != exitFine {
				t.Fatalf("generate %s: exit %d, %s", name, code, stderr)
			}
		}
		if !exists(filepath.Join(web, "a.gen.ts")) {
			t.Errorf("in a module %v: the second schema removed what the first had made", inModule)
		}
	}
}

func TestCheckShowsWhatIsStaleAndLeavesIt(t *testing.T) {
	t.Parallel()
	dir := generated(t)
	file := filepath.Join(dir, "chat", "chat.gen.go")
	stale := strings.Replace(string(read(t, file)), "package chat\n", "package gossip\n", 1)
	writeFile(t, file, stale)
	path := filepath.Join(dir, "chat.yaml")
	code, stdout, stderr := chgen("check", path)
	if code != exitProblems {
		t.Errorf("got exit %d, want 1", code)
	}
	for _, want := range []string{"-package gossip\n", "+package chat\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the diff lacks %q:\n%s", want, stdout)
		}
	}
	for _, want := range []string{file + " is stale\n", "chgen generate " + path + "\n"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("the report lacks %q:\n%s", want, stderr)
		}
	}
	if got := string(read(t, file)); got != stale {
		t.Error("check wrote")
	}
}

func TestRuntimeIsImportedRelativeToTheClient(t *testing.T) {
	t.Parallel()
	for runtime, want := range map[string]string{"./web/shared/runtime": `"./shared/runtime"`, "../runtime": `"../../runtime"`, "@acme/runtime": `"@acme/runtime"`} {
		path := filepath.Join(t.TempDir(), "api", "chat.yaml")
		writeFile(t, path, "version: 1\noptions: { ts: { file: web/chat.ts, runtime: \""+runtime+"\" } }\n")
		if code, _, stderr := chgen(path); code != exitFine {
			t.Fatalf("exit %d:\n%s", code, stderr)
		}
		client := string(read(t, filepath.Join(filepath.Dir(path), "web", "chat.ts")))
		if !strings.Contains(client, "from "+want) {
			t.Errorf("runtime: %s is not imported from %s", runtime, want)
		}
	}
}

func TestWriteChangesNothingWhereOneFileCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good, blocked := filepath.Join(dir, "good.go"), filepath.Join(dir, "file", "bad.go")
	writeFile(t, good, "old\n")
	writeFile(t, filepath.Dir(blocked), "in the way\n")
	err := write([]*output{{path: good, content: []byte("new\n")}, {path: blocked, content: []byte("new\n")}})
	if err == nil {
		t.Fatal("no error")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(read(t, good)); got != "old\n" || len(entries) != 2 {
		t.Errorf("got %q and %v, want what stood there", got, entries)
	}
}

func TestWriteKeepsPermissions(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "chat.gen.go")
	writeFile(t, file, "old\n")
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := write([]*output{{path: file, content: []byte("new\n")}}); err != nil {
		t.Fatal(err)
	}
	if got := stat(t, file).Mode().Perm(); got != 0o600 || string(read(t, file)) != "new\n" {
		t.Errorf("got mode %v, want 0600 and the new content", got)
	}
}

func TestVersionNamesTheCommand(t *testing.T) {
	t.Parallel()
	code, stdout, _ := chgen("version")
	if code != exitFine || !regexp.MustCompile(`^chgen \S+\n$`).MatchString(stdout) {
		t.Errorf("got exit %d and %q", code, stdout)
	}
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func stat(t *testing.T, file string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info
}
