//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The variables by which a test tells a child process to be the command instead of the tests.
const (
	beCommand    = "CHGEN_TEST_COMMAND"
	maxFileBytes = "CHGEN_TEST_MAX_FILE_BYTES"
)

func TestMain(m *testing.M) {
	if os.Getenv(beCommand) == "" {
		os.Exit(m.Run())
	}
	if most, err := strconv.ParseUint(os.Getenv(maxFileBytes), 10, 64); err == nil {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(exitUsage)
		}
	}
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// inChild prepares the command as a process of its own.
func inChild(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), beCommand+"=yes")
	return cmd
}

// large is a project whose outputs take a while to write. It goes from one version of its schema to another.
type large struct {
	dir, schema string
	texts       [2]string
	outputs     [2]map[string]string // what stands in the directory by each version
}

func newLarge(t *testing.T, events int) *large {
	t.Helper()
	dir := t.TempDir()
	l := &large{dir: dir, schema: filepath.Join(dir, "api.yaml")}
	for i, doc := range []string{"One.", "Two."} {
		l.texts[i] = largeSchema(events, doc)
		l.generate(t, i)
		l.outputs[i] = files(t, dir)
	}
	return l
}

func (l *large) generate(t *testing.T, version int) {
	t.Helper()
	writeFile(t, l.schema, l.texts[version])
	if code, _, stderr := chgen("generate", l.schema); code != exitFine {
		t.Fatalf("exit %d:\n%s", code, stderr)
	}
}

// temps returns the temporary files.
func (l *large) temps(t *testing.T) []string {
	t.Helper()
	temps, err := filepath.Glob(filepath.Join(l.dir, "*", ".chgen-*"))
	if err != nil {
		t.Fatal(err)
	}
	return temps
}

func TestAKilledRunLeavesEveryOutputWholeAndTheNextOneCleansUp(t *testing.T) {
	t.Parallel()
	l := newLarge(t, 40)
	for hits, tries := 0, 0; hits < 4; tries++ {
		if tries == 200 {
			t.Fatalf("only %d of %d runs were killed while they wrote", hits, tries)
		}
		l.generate(t, 0)
		writeFile(t, l.schema, l.texts[1])
		cmd := inChild(t, "generate", l.schema)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			_ = cmd.Wait() // it was killed
			close(ended)
		}()
		for wrote := false; !wrote; {
			select {
			case <-ended:
				wrote = true
			default:
				wrote = len(l.temps(t)) > tries%2 // while the first file is written, or the second
			}
		}
		_ = cmd.Process.Kill() // it may have ended
		<-ended
		for path, got := range files(t, l.dir) {
			if !strings.Contains(path, ".chgen-") && got != l.outputs[0][path] && got != l.outputs[1][path] {
				t.Errorf("%s is neither the old nor the new one: %d bytes", path, len(got))
			}
		}
		if len(l.temps(t)) > 0 {
			hits++
		}
		l.generate(t, 1)
		if diff := cmp.Diff(l.outputs[1], files(t, l.dir)); diff != "" {
			t.Fatalf("the next run did not make it whole:\n%s", diff)
		}
	}
}

func TestAFullDiskChangesNothing(t *testing.T) {
	t.Parallel()
	l := newLarge(t, 20)
	writeFile(t, l.schema, l.texts[0])
	for path, content := range l.outputs[1] {
		if path == "api.yaml" {
			continue
		}
		// As much as this file takes fails others, or the last byte of this one.
		for _, most := range []int{0, 1, len(content) - 1} {
			cmd := inChild(t, "generate", l.schema)
			cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", maxFileBytes, most))
			l.mustFail(t, cmd)
		}
	}
}

func TestAReadOnlyDirectoryChangesNothing(t *testing.T) {
	t.Parallel()
	l := newLarge(t, 20)
	writeFile(t, l.schema, l.texts[0])
	web := filepath.Join(l.dir, "web")
	if err := os.Chmod(web, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(web, 0o755) })
	cmd := inChild(t, "generate", l.schema)
	if os.Geteuid() == 0 { // whom no permission stops
		becomeNobody(t, cmd, l.dir)
	}
	l.mustFail(t, cmd)
}

func TestWatchEndsWellOnAnInterrupt(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "api", "chat.yaml")
	writeFile(t, file, "version: 1\n")
	cmd := inChild(t, "generate", "-watch", file)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "wrote ") {
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v, want exit 0", err)
	}
}

// mustFail runs a command that cannot write, and wants everything to stand as by the second version.
func (l *large) mustFail(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitUsage || !bytes.Contains(out, []byte("chgen: write ")) {
		t.Errorf("got %v, want exit 2 and a report:\n%s", err, out)
	}
	want := map[string]string{}
	for path, content := range l.outputs[1] {
		want[path] = content
	}
	want["api.yaml"] = l.texts[0]
	if diff := cmp.Diff(want, files(t, l.dir)); diff != "" {
		t.Errorf("something changed:\n%s", diff)
	}
}

// becomeNobody lets a command run as a user without rights who owns what is in dir.
func becomeNobody(t *testing.T, cmd *exec.Cmd, dir string) {
	t.Helper()
	const nobody = 65534
	public := t.TempDir()
	binary, err := os.Open(cmd.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = binary.Close() }()
	cmd.Path = filepath.Join(public, "chgen")
	runnable, err := os.OpenFile(cmd.Path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(runnable, binary); err != nil {
		t.Fatal(err)
	}
	if err := runnable.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{public, filepath.Dir(dir), dir} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "api"), filepath.Join(dir, "web")} {
		if err := os.Chown(path, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}
