package main

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
)

// TestANewcomersFirstHour does what the README tells: it starts a project outside of this repository, which gets chgen
// as everybody gets it, from a module proxy; runs it; and adds an event.
func TestANewcomersFirstHour(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	code, stdout, stderr := chgen("init", p.dir)
	if code != exitFine {
		t.Fatalf("exit %d:\n%s", code, stderr)
	}
	before := files(t, p.dir)
	_, next, _ := strings.Cut(stdout, "next:\n")
	next = strings.TrimSuffix(strings.TrimSpace(next), "go run .")
	p.mustRun(t, "sh", "-c", next+"go build -o app .")
	p.mustRun(t, "go", "generate", "./...")
	for path, content := range before {
		if path == "go.mod" {
			continue
		}
		if diff := cmp.Diff(content, string(read(t, filepath.Join(p.dir, path)))); diff != "" {
			t.Errorf("go generate changed %s, which init wrote (-before +after):\n%s", path, diff)
		}
	}
	p.mustRun(t, "go", "tool", "chgen", "check", "chat.yaml")
	p.mustRun(t, "go", "vet", "./...")
	p.talk(t)

	schemaFile := filepath.Join(p.dir, "chat.yaml")
	writeFile(t, schemaFile, strings.Replace(string(read(t, schemaFile)), "    client_events:\n",
		"    client_events:\n      delete_message:\n        payload: { id: string }\n", 1))
	p.mustRun(t, "go", "generate", "./...")
	out, err := p.run(t, "go", "build", "./...")
	if err == nil || !strings.Contains(out, "missing method DeleteMessage") || !strings.Contains(out, "room.go:") {
		t.Errorf("go build does not name the method that is missing: %v\n%s", err, out)
	}
}

func TestInitFindsTheModuleAround(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	writeFile(t, filepath.Join(root, "go.mod"), "// Acme.\nmodule \"acme.example/app\" // ours\n\ngo 1.26\n")
	dir := filepath.Join(root, "cmd", "chat")
	if code, _, stderr := chgen("init", dir); code != exitFine {
		t.Fatalf("exit %d:\n%s", code, stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		t.Error("a module was put into a module")
	}
	if main := string(read(t, filepath.Join(dir, "main.go"))); !strings.Contains(main, `"acme.example/app/cmd/chat/chat"`) {
		t.Errorf("the generated package is not imported by its path:\n%s", main)
	}
}

func TestInitOverwritesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "chat.yaml"), "mine\n")
	writeFile(t, filepath.Join(dir, "server.go"), "package server\n")
	before := files(t, dir)
	code, stdout, stderr := chgen("init", dir)
	if code != exitProblems || stdout != "" {
		t.Errorf("got exit %d and %q, want exit 1 and no output", code, stdout)
	}
	for _, name := range []string{"chat.yaml", "server.go"} {
		if !strings.Contains(stderr, filepath.Join(dir, name)+"\n") {
			t.Errorf("%s is not named:\n%s", name, stderr)
		}
	}
	if diff := cmp.Diff(before, files(t, dir)); diff != "" {
		t.Errorf("init wrote (-before +after):\n%s", diff)
	}
}

func TestStarterNeedsTheGoThatChgenNeeds(t *testing.T) {
	t.Parallel()
	if mod := string(read(t, "../../go.mod")); !strings.Contains(mod, "\ngo "+goVersion+"\n") {
		t.Errorf("go.mod does not say go %s:\n%s", goVersion, mod)
	}
}

// project is a module of its own, outside of the repository.
type project struct {
	dir string
	env []string
}

// newProject prepares an empty directory in which the go command gets chgen from a proxy that holds this source tree,
// and everything else from what has been downloaded already or, failing that, from where the go command always looks.
func newProject(t *testing.T) *project {
	t.Helper()
	environment, err := exec.Command("go", "env", "GOMODCACHE", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	proxy := filepath.Join(root, "proxy")
	publish(t, proxy, "../..", "v0.1.0")
	cache, usual, found := strings.Cut(strings.TrimSpace(string(environment)), "\n")
	if !found {
		t.Fatalf("go env printed %q, want two lines", environment)
	}
	downloaded := filepath.Join(cache, "cache", "download")
	return &project{dir: filepath.Join(root, "hello"), env: append(os.Environ(),
		"GOPROXY=file://"+proxy+",file://"+downloaded+","+usual, "GOMODCACHE="+filepath.Join(root, "modules"),
		"GOSUMDB=off", "GOFLAGS=-modcacherw", "GOWORK=off")}
}

// publish puts the module into a proxy's directory, without what only its development needs.
func publish(t *testing.T, proxy, root, version string) {
	t.Helper()
	const module = "github.com/chgen/chgen"
	dir := filepath.Join(proxy, module, "@v")
	mod := read(t, filepath.Join(root, "go.mod"))
	writeFile(t, filepath.Join(dir, "list"), version+"\n")
	writeFile(t, filepath.Join(dir, version+".info"), fmt.Sprintf(`{"Version":%q}`, version))
	writeFile(t, filepath.Join(dir, version+".mod"), string(mod))
	f, err := os.Create(filepath.Join(dir, version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	archive := zip.NewWriter(f)
	add := func(name string, content []byte) {
		w, err := archive.Create(module + "@" + version + "/" + name)
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	add("go.mod", mod)
	for _, part := range []string{"cmd", "schema", "templates", "runtime"} {
		err := filepath.WalkDir(filepath.Join(root, part), func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == "node_modules"):
				return filepath.SkipDir
			case entry.Type().IsRegular() && !strings.HasSuffix(path, "_test.go"):
				name, err := filepath.Rel(root, path)
				add(filepath.ToSlash(name), read(t, path))
				return err
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func (p *project) command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = p.dir, append(p.env, "PWD="+p.dir)
	return cmd
}

func (p *project) run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	out, err := p.command(t, name, args...).CombinedOutput()
	return string(out), err
}

func (p *project) mustRun(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := p.run(t, name, args...); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// talk runs the project's server, looks at its page, joins a room and hears what it says there.
func (p *project) talk(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server := exec.CommandContext(ctx, filepath.Join(p.dir, "app"), "-addr", "127.0.0.1:0")
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		_ = server.Wait() // it was killed
	}()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, address, _ := strings.Cut(line, "http://")
	address, _, _ = strings.Cut(address, " ")

	response, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if page, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(page), "<title>Chat</title>") {
		t.Errorf("the page is not served: %v\n%s", err, page)
	}
	conn, _, err := websocket.Dial(ctx, "ws://"+address+"/socket/websocket?vsn=2.0.0&name=jo", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	push := func(frame string) {
		if err := conn.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
			t.Fatal(err)
		}
	}
	push(`["1","1","room:lobby","phx_join",{}]`)
	hear(ctx, t, conn, "phx_reply", "ok")
	push(`["1","2","room:lobby","send_message",{"body":"hello"}]`)
	hear(ctx, t, conn, "message_created", "hello")
}

// hear reads until an event comes, and wants its payload to hold a text.
func hear(ctx context.Context, t *testing.T, conn *websocket.Conn, event, text string) {
	t.Helper()
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			t.Fatalf("no %s came: %v", event, err)
		}
		var frame [5]any
		if err := json.Unmarshal(data, &frame); err != nil {
			t.Fatal(err)
		}
		if frame[3] != event {
			continue
		}
		if payload := fmt.Sprint(frame[4]); !strings.Contains(payload, text) {
			t.Errorf("%s carries %s, want %q in it", event, payload, text)
		}
		return
	}
}

// files returns what stands below a directory.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		all[name] = string(read(t, path))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
