package compat_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/chgen/chgen/schema/compat"
)

const docs = "../../docs/breaking.md"

// The table of rules in docs/breaking.md is what Rules says.
func TestDocsListTheRules(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- rules -->\n", "<!-- end of rules -->\n"
	before, rest, _ := bytes.Cut(read(t, docs), []byte(begin))
	_, after, found := bytes.Cut(rest, []byte(end))
	if !found {
		t.Fatalf("%s has no place for the rules", docs)
	}
	var b bytes.Buffer
	b.Write(before)
	b.WriteString(begin + "| rule | sent by | what breaks | instead |\n|---|---|---|---|\n")
	for _, r := range compat.Rules() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.ID, r.Sender, r.Text, r.Remedy)
	}
	b.WriteString(end)
	b.Write(after)
	golden(t, docs, b.Bytes())
}
