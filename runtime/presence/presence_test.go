package presence_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/presence"
)

// names gives refs names in the order in which they are seen.
type names map[string]string

func (n names) in(s string) string {
	for i := range s {
		if rest, ok := strings.CutPrefix(s[i:], `"phx_ref":"`); ok && n[rest[:16]] == "" {
			n[rest[:16]] = fmt.Sprint("R", len(n)+1)
		}
	}
	for ref, name := range n {
		s = strings.ReplaceAll(s, ref, name)
	}
	return strings.ReplaceAll(s, " ", "")
}

func TestChangesAreToldInOrder(t *testing.T) {
	t.Parallel()
	var diffs []string
	n := names{}
	tracker := presence.New(func(topic string, diff presence.Diff) {
		diffs = append(diffs, topic+" "+n.in(string(diff.AppendJSON(nil))))
	})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(tracker.Track("t", "a", 1, json.RawMessage(`{"x":1}`)))
	must(tracker.Track("t", "a", 2, json.RawMessage(` { } `)))
	must(tracker.Update("t", "a", 1, json.RawMessage(`{"x":2}`)))
	must(tracker.Track("u", "a", 1, json.RawMessage(`{}`)))
	want := `{"a":{"metas":[{"x":2,"phx_ref":"R3","phx_ref_prev":"R1"},{"phx_ref":"R2"}]}}`
	if diff := cmp.Diff(want, n.in(string(tracker.List("t").AppendJSON(nil)))); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	must(tracker.Untrack("t", "a", 1))
	must(tracker.Track("t", "b", 2, json.RawMessage(`{}`)))
	tracker.Drop("t", 2, []string{"a", "b", "c"})
	tracker.Drop("t", 2, []string{"a"})
	wantDiffs := []string{
		`t {"joins":{"a":{"metas":[{"x":1,"phx_ref":"R1"}]}},"leaves":{}}`,
		`t {"joins":{"a":{"metas":[{"phx_ref":"R2"}]}},"leaves":{}}`,
		`t {"joins":{"a":{"metas":[{"x":2,"phx_ref":"R3","phx_ref_prev":"R1"}]}},"leaves":{"a":{"metas":[{"x":1,"phx_ref":"R1"}]}}}`,
		`u {"joins":{"a":{"metas":[{"phx_ref":"R4"}]}},"leaves":{}}`,
		`t {"joins":{},"leaves":{"a":{"metas":[{"x":2,"phx_ref":"R3","phx_ref_prev":"R1"}]}}}`,
		`t {"joins":{"b":{"metas":[{"phx_ref":"R5"}]}},"leaves":{}}`,
		`t {"joins":{},"leaves":{"a":{"metas":[{"phx_ref":"R2"}]},"b":{"metas":[{"phx_ref":"R5"}]}}}`,
	}
	if diff := cmp.Diff(wantDiffs, diffs); diff != "" {
		t.Errorf("diffs (-want +got):\n%s", diff)
	}
	if len(tracker.List("t")) != 0 {
		t.Error("somebody is left")
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	tracker := presence.New(func(string, presence.Diff) {})
	meta := json.RawMessage(`{}`)
	for _, err := range []error{tracker.Update("t", "a", 1, meta), tracker.Untrack("t", "a", 1)} {
		if !errors.Is(err, presence.ErrNotTracked) {
			t.Errorf("got %v, want ErrNotTracked", err)
		}
	}
	_ = tracker.Track("t", "a", 1, meta)
	if err := tracker.Track("t", "a", 1, meta); !errors.Is(err, presence.ErrAlreadyTracked) {
		t.Errorf("got %v, want ErrAlreadyTracked", err)
	}
	if err := tracker.Update("t", "a", 2, meta); !errors.Is(err, presence.ErrNotTracked) {
		t.Errorf("another's: got %v, want ErrNotTracked", err)
	}
}

// TestViewFitsTheDiffs holds that a view and the diffs after it give what List gives.
func TestViewFitsTheDiffs(t *testing.T) {
	t.Parallel()
	var seen map[string]bool // refs; nil until the view. The tracker's lock of the topic guards it
	tracker := presence.New(func(_ string, diff presence.Diff) {
		if seen == nil {
			return
		}
		for _, metas := range diff.Leaves {
			delete(seen, metas[0].Ref)
		}
		for _, metas := range diff.Joins {
			seen[metas[0].Ref] = true
		}
	})
	var wg sync.WaitGroup
	for owner := range presence.Owner(8) {
		wg.Go(func() {
			for i := range 100 {
				key := fmt.Sprint(i % 5)
				_ = tracker.Track("t", key, owner+1, json.RawMessage(`{}`))
				_ = tracker.Update("t", key, owner+1, json.RawMessage(`{}`))
				if i%3 == 0 {
					_ = tracker.Untrack("t", key, owner+1)
				}
			}
		})
	}
	tracker.View("t", func(state presence.State) {
		seen = map[string]bool{}
		for _, metas := range state {
			for _, meta := range metas {
				seen[meta.Ref] = true
			}
		}
	})
	wg.Wait()
	want := map[string]bool{}
	for _, metas := range tracker.List("t") {
		for _, meta := range metas {
			want[meta.Ref] = true
		}
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
