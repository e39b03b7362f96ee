package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// watcher is a watch whose clock the test holds.
type watcher struct {
	file   string
	ticks  chan time.Time
	stdout bytes.Buffer
	stderr bytes.Buffer
	end    func()
}

// watching begins to watch a schema.
func watching(t *testing.T, text string) *watcher {
	t.Helper()
	w := &watcher{file: filepath.Join(t.TempDir(), "api", "chat.yaml"), ticks: make(chan time.Time)}
	writeFile(t, w.file, text)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	c := &command{stdout: &w.stdout, stderr: &w.stderr}
	schemas := []string{w.file}
	go func() {
		defer close(ended)
		look := func() []string { return contents(schemas) }
		c.watch(ctx, w.ticks, look, func() int { return c.generateOnce(schemas, outputArgs{}) })
	}()
	w.end = func() {
		cancel()
		<-ended
	}
	w.tick()
	return w
}

// tick lets the watch look, and returns when it waits again: it takes the second tick when it is done with the first.
func (w *watcher) tick() {
	w.ticks <- time.Time{}
	w.ticks <- time.Time{}
}

func (w *watcher) generated(t *testing.T) string {
	t.Helper()
	return string(read(t, filepath.Join(filepath.Dir(w.file), "chat.gen.go")))
}

func TestWatchGeneratesAtOnceAndAfterEachChange(t *testing.T) {
	t.Parallel()
	w := watching(t, "version: 1\ntypes: { First: { fields: {} } }\n")
	if got := w.generated(t); !strings.Contains(got, "type First struct") {
		t.Errorf("it did not generate at once:\n%s", got)
	}
	writeFile(t, w.file, "version: 1\ntypes: { Second: { fields: {} } }\n")
	w.tick()
	w.tick()
	if got := w.generated(t); !strings.Contains(got, "type Second struct") {
		t.Errorf("it did not generate again:\n%s", got)
	}
	w.end()
	if got := w.stdout.String(); strings.Count(got, "wrote ") != 2 || w.stderr.Len() > 0 {
		t.Errorf("it printed:\n%s%s", got, &w.stderr)
	}
}

func TestWatchReportsProblemsAndGoesOn(t *testing.T) {
	t.Parallel()
	w := watching(t, "version: 1\ntypes: { First: { fields: {} } }\n")
	writeFile(t, w.file, "version: 1\ntypes: { First: { fields: { a: strng } } }\n")
	w.tick()
	w.tick()
	if got := w.generated(t); !strings.Contains(got, "type First struct") {
		t.Errorf("the output of the last good schema is gone:\n%s", got)
	}
	if err := os.Remove(w.file); err != nil {
		t.Fatal(err)
	}
	w.tick()
	w.tick()
	writeFile(t, w.file, "version: 1\ntypes: { First: { fields: { a: string } } }\n")
	w.tick()
	w.tick()
	if got := w.generated(t); !strings.Contains(got, "A string") {
		t.Errorf("it did not go on:\n%s", got)
	}
	w.end()
	for _, want := range []string{"[unknown-type]", "there is no such file"} {
		if got := w.stderr.String(); strings.Count(got, want) != 1 {
			t.Errorf("it did not report %q once:\n%s", want, got)
		}
	}
	if got := w.stdout.String(); strings.Count(got, "up to date") != 1 {
		t.Errorf("it did not say once that all is well again:\n%s", got)
	}
}

func TestWatchWaitsUntilASaveIsDone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	ticks := make(chan time.Time, 100)
	seen := []string{"old", "old", "", "half", "half of it", "new", "new", "new", "old", "new", "new"}
	last := ""
	var generated []string
	look := func() []string {
		ticks <- time.Time{}
		if len(seen) == 0 {
			cancel()
		} else {
			last, seen = seen[0], seen[1:]
		}
		return []string{last}
	}
	c := &command{stdout: io.Discard, stderr: io.Discard}
	c.watch(ctx, ticks, look, func() int {
		generated = append(generated, last)
		return exitFine
	})
	if diff := cmp.Diff([]string{"old", "new"}, generated); diff != "" {
		t.Errorf("it generated from what was not saved (-want +got):\n%s", diff)
	}
}
