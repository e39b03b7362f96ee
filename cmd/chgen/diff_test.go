package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiffShowsChangesWithThreeLinesAround(t *testing.T) {
	t.Parallel()
	old := "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n"
	now := strings.NewReplacer("2\n3\n", "2\nthree\n3\n", "15\n", "").Replace(old)
	want := `--- f (on disk)
+++ f (generated)
@@ -1 +1 @@
 1
 2
+three
 3
 4
 5
@@ -12 +13 @@
 12
 13
 14
-15
 16
`
	if d := cmp.Diff(want, diff("f", old, now, 100)); d != "" {
		t.Errorf("the diff differs (-want +got):\n%s", d)
	}
}

func TestDiffIsCutShort(t *testing.T) {
	t.Parallel()
	got := diff("f", strings.Repeat("a\n", 100), strings.Repeat("b\n", 100), 5)
	if lines := strings.Count(got, "\n"); lines != 9 || !strings.HasSuffix(got, "... and more\n") {
		t.Errorf("got %d lines:\n%s", lines, got)
	}
}

func TestDiffOfLargeTextsEnds(t *testing.T) {
	t.Parallel()
	var old, now strings.Builder
	for i := range 200_000 {
		old.WriteString(strings.Repeat("x", i%7) + "\n")
		now.WriteString(strings.Repeat("y", i%5) + "\n")
	}
	if got := diff("f", old.String(), now.String(), 10); got == "" {
		t.Error("no diff")
	}
}

// FuzzDiff holds that the old text is what a diff keeps and removes, and the new one what it keeps and adds.
func FuzzDiff(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nc\nd\n")
	f.Add("", "a\n")
	f.Add("a\nb\na\nb\n", "b\na\nb\na\n")
	f.Fuzz(func(t *testing.T, old, now string) {
		var a, b []string
		for _, e := range edits(lines(old), lines(now)) {
			if e.op != '+' {
				a = append(a, e.line)
			}
			if e.op != '-' {
				b = append(b, e.line)
			}
		}
		if d := cmp.Diff(lines(old), a) + cmp.Diff(lines(now), b); d != "" {
			t.Errorf("texts are lost:\n%s", d)
		}
	})
}
