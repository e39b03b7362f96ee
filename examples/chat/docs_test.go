package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// guide is what the snippets of docs/server.md leave out.
const guide = `
type User struct{ ID, Name string }

type Store interface {
	Member(ctx context.Context, room, user string) bool
	Recent(ctx context.Context, room string) ([]chat.Message, error)
	Add(ctx context.Context, room string, author chat.Author, body string) (chat.Message, error)
}

type RateError struct{ time.Duration }

func (*RateError) Error() string { return "too many" }

func sessionOf(*http.Request) (User, error) { return User{}, nil }

var _, _ = serve, announce
`

var goSnippet = regexp.MustCompile("(?s)\n```go\n(.*?)```\n")

func TestTheGuideToTheServerCompiles(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/server.md")
	if err != nil {
		t.Fatal(err)
	}
	code := new(strings.Builder)
	code.WriteString("package guide\n\nimport (\n")
	for _, path := range []string{"context", "errors", "net/http", "time", "github.com/chgen/chgen/examples/chat/chat",
		"github.com/chgen/chgen/runtime/channel", "github.com/chgen/chgen/runtime/pubsub"} {
		code.WriteString("\t\"" + path + "\"\n")
	}
	code.WriteString(")\n" + guide)
	snippets := goSnippet.FindAllStringSubmatch(string(text), -1)
	if len(snippets) == 0 {
		t.Fatal("docs/server.md has no snippets")
	}
	for _, snippet := range snippets {
		code.WriteString("\n" + snippet[1])
	}

	// A package that is there for this build alone.
	dir := t.TempDir()
	file, overlay := filepath.Join(dir, "guide.go"), filepath.Join(dir, "overlay.json")
	place, err := filepath.Abs("guide/guide.go")
	if err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {place: file}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{file: []byte(code.String()), overlay: replace} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "./guide")
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, code)
	}
}
