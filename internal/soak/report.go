package soak

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind is a promise that was broken.
type Kind string

// The kinds of violations.
const (
	Lost      Kind = "lost"      // a client was not given a publication and not told so
	Duplicate Kind = "duplicate" // a client was given a publication twice
	Disorder  Kind = "disorder"  // a client was given a publication after one that follows it
	Cheap     Kind = "cheap"     // a client was not recovered although it could have been
	Excluded  Kind = "excluded"  // a client was given a publication that was to be kept from it
	Invented  Kind = "invented"  // a client was given what nobody has published on that topic
	Placed    Kind = "placed"    // clients were told different positions of one publication, or one of two
	Baseless  Kind = "baseless"  // a client was told that it is recovered without having shown a position
)

// Violation is one promise broken for one client.
type Violation struct {
	Kind          Kind
	Client, Topic string
	What          string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s: client %s on %s: %s", v.Kind, v.Client, v.Topic, v.What)
}

// Report is what Check has found.
type Report struct {
	Publications int            // handed to the service
	Unanswered   int            // of them: not known to have been published
	Deliveries   int            // checked
	Joins        int            // without a position
	Recovered    int            // rejoins that were
	NotRecovered map[string]int // rejoins that were not, by what justifies it
	Faults       map[string]int
	Violations   []Violation
}

// Kinds lists the kinds of the violations, each once, sorted.
func (r *Report) Kinds() []Kind {
	seen := make(map[Kind]bool)
	for _, v := range r.Violations {
		seen[v.Kind] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// String is the report in a few lines, the first violations included.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d publications (%d unanswered), %d deliveries checked\n", r.Publications, r.Unanswered, r.Deliveries)
	fmt.Fprintf(&b, "%d joins, %d rejoins recovered, not recovered: %s\n", r.Joins, r.Recovered, counts(r.NotRecovered))
	fmt.Fprintf(&b, "faults: %s\n%d violations\n", counts(r.Faults), len(r.Violations))
	for _, v := range r.Violations[:min(len(r.Violations), 20)] {
		fmt.Fprintln(&b, v)
	}
	return b.String()
}

func counts(m map[string]int) string {
	if len(m) == 0 {
		return "none"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprint(m[name], " ", name))
	}
	return strings.Join(parts, ", ")
}
