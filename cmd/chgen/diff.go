package main

import (
	"fmt"
	"strings"
)

// contextLines is how many equal lines stand around a change.
const contextLines = 3

// edit is one line of a comparison: ' ' in both, '-' on the disk only, '+' generated only.
type edit struct {
	op   byte
	line string
}

// diff compares two texts as diff -u does and shows at most so many lines.
func diff(path, old, now string, most int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s (on disk)\n+++ %s (generated)\n", path, path)
	shown := 0
	for _, h := range hunks(edits(lines(old), lines(now))) {
		fmt.Fprintf(&b, "@@ -%d +%d @@\n", h.old, h.now)
		for _, e := range h.edits {
			if shown++; shown > most {
				b.WriteString("... and more\n")
				return b.String()
			}
			fmt.Fprintf(&b, "%c%s\n", e.op, e.line)
		}
	}
	return b.String()
}

func lines(text string) []string {
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// hunk is a run of changes that stand near each other; old and now are the numbers of its first line.
type hunk struct {
	old, now int
	edits    []edit
}

func hunks(edits []edit) []hunk {
	var all []hunk
	old, now, quiet := 1, 1, 0 // quiet: equal lines since the last change
	for i, e := range edits {
		switch {
		case e.op != ' ' && (len(all) == 0 || quiet > 2*contextLines):
			before := min(quiet, contextLines)
			if len(all) == 0 {
				before = min(i, contextLines)
			}
			if len(all) > 0 {
				trim(&all[len(all)-1], quiet)
			}
			all = append(all, hunk{old - before, now - before, append([]edit(nil), edits[i-before:i+1]...)})
		case len(all) > 0:
			last := &all[len(all)-1]
			last.edits = append(last.edits, e)
		}
		quiet++
		if e.op != ' ' {
			quiet = 0
		}
		if e.op != '+' {
			old++
		}
		if e.op != '-' {
			now++
		}
	}
	if len(all) > 0 {
		trim(&all[len(all)-1], quiet)
	}
	return all
}

// trim drops what is more than contextLines of the equal lines at the end of a hunk.
func trim(h *hunk, quiet int) {
	h.edits = h.edits[:len(h.edits)-max(quiet-contextLines, 0)]
}

// edits finds a short way from a to b: what both begin and end with is kept, and of the rest as many lines as a longest
// common subsequence has, unless the rest is so large that this would take long.
func edits(a, b []string) []edit {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	all := mark(nil, ' ', a[:start])
	all = append(all, middle(a[start:len(a)-end], b[start:len(b)-end])...)
	return mark(all, ' ', a[len(a)-end:])
}

const maxTable = 4_000_000

func middle(a, b []string) []edit {
	if len(a)*len(b) > maxTable {
		return mark(mark(nil, '-', a), '+', b)
	}
	// common[i][j] is the length of the longest common subsequence of a[i:] and b[j:].
	common := make([][]int32, len(a)+1)
	for i := range common {
		common[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var all []edit
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			all = append(all, edit{' ', a[i]})
			i, j = i+1, j+1
		case common[i+1][j] >= common[i][j+1]:
			all = append(all, edit{'-', a[i]})
			i++
		default:
			all = append(all, edit{'+', b[j]})
			j++
		}
	}
	return mark(mark(all, '-', a[i:]), '+', b[j:])
}

func mark(all []edit, op byte, lines []string) []edit {
	for _, line := range lines {
		all = append(all, edit{op, line})
	}
	return all
}
