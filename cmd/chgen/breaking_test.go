package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	breakingOld = "version: 1\nchannels:\n  Room:\n    topic: room:{id}\n    server_events:\n      bell: {}\n      said: { payload: { text: string } }\n"
	breakingNew = "version: 1\nchannels:\n  Room:\n    topic: room:{id}\n    server_events:\n      said: { payload: { text: string } }\n"
)

// repository is a git repository whose first commit, tagged v1, has the old schema, with the new one in the work tree.
func repository(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	// Neither this machine's settings nor a repository around the test matter.
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_SYSTEM", os.DevNull)
	for _, name := range []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"} {
		t.Setenv(name, "")
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	save(t, "api/chat.yaml", breakingOld)
	for _, args := range []string{"init -q", "add .", "-c user.name=a -c user.email=a@example.com commit -qm first", "tag v1"} {
		if out, err := exec.Command("git", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	save(t, "api/chat.yaml", breakingNew)
	save(t, "api/later.yaml", breakingNew)
}

func save(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestBreakingAgainstARevision(t *testing.T) {
	repository(t)
	const want = `api/chat.yaml:3:3: the server event bell of Room is removed [server-event-removed]
  v1:api/chat.yaml:6:7: before
      = keep the event, deprecated, until no client listens for it
`
	code, stdout, stderr := chgen("breaking", "-against", "git:v1", "api/chat.yaml")
	if diff := cmp.Diff(want, stdout); diff != "" || code != exitProblems || stderr != "" {
		t.Errorf("exit %d, %s(-want +got):\n%s", code, stderr, diff)
	}
	t.Chdir("api")
	if code, _, stderr := chgen("breaking", "-against", "git:HEAD", "-format", "json", "chat.yaml"); code != exitProblems || stderr != "" {
		t.Errorf("in the schema's directory: exit %d, %s", code, stderr)
	}
}

// Hooks have GIT_DIR, at least in linked work trees. A schema of the same name at the root is another one.
func TestBreakingInAHook(t *testing.T) {
	repository(t)
	save(t, "chat.yaml", breakingNew)
	for _, args := range []string{"add chat.yaml", "-c user.name=a -c user.email=a@example.com commit -qm second"} {
		if out, err := exec.Command("git", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_DIR", filepath.Join(root, ".git"))
	if code, stdout, stderr := chgen("breaking", "-against", "git:HEAD", "api/chat.yaml"); code != exitProblems {
		t.Errorf("exit %d, %q%q, want the removed event", code, stdout, stderr)
	}
}

func TestBreakingSaysWhatOfARevisionIsMissing(t *testing.T) {
	repository(t)
	for _, c := range []struct{ against, schema, want string }{
		{"git:v2", "api/chat.yaml", "git knows no revision v2 here"},
		{"git:", "api/chat.yaml", "names no revision"},
		{"git:--help", "api/chat.yaml", "names no revision"},
		{"git:v1", "api/later.yaml", "v1:api/later.yaml is not there"},
		{"git:v1", "nowhere/chat.yaml", "there is no such directory"},
		{"git:v1", "api/nothing.yaml", "api/nothing.yaml"},
		{"older.yaml", "api/chat.yaml", "older.yaml: there is no such file"},
	} {
		code, stdout, stderr := chgen("breaking", "-against", c.against, c.schema)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("-against %s %s: exit %d, %q%q; want %q", c.against, c.schema, code, stdout, stderr, c.want)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if code, _, stderr := chgen("breaking", "-against", "git:v1", "api/chat.yaml"); code != exitUsage || !strings.Contains(stderr, "git is not installed") {
		t.Errorf("without git: exit %d, %s", code, stderr)
	}
}

func TestBreakingOutsideARepository(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(dir))
	save(t, "chat.yaml", breakingNew)
	if code, _, stderr := chgen("breaking", "-against", "git:v1", "chat.yaml"); code != exitUsage || !strings.Contains(stderr, "not a git repository") {
		t.Errorf("exit %d, %s", code, stderr)
	}
}
