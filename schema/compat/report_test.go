package compat_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/schema/compat"
	"github.com/chgen/chgen/schema/ir"
)

var oneChange = []compat.Change{{
	Rule: "server-event-removed", Message: "100% of a<b,\nand more", Old: ir.Pos{Line: 3, Col: 5}, New: ir.Pos{Line: 2, Col: 1},
}}

func TestReports(t *testing.T) {
	t.Parallel()
	files := compat.Files{Old: "v1:a,b.yaml", New: "a,b.yaml"}
	for name, c := range map[string]struct {
		write   func(*bytes.Buffer, []compat.Change) error
		changes []compat.Change
		want    string
	}{
		"text of nothing": {func(b *bytes.Buffer, c []compat.Change) error { return files.Text(b, c) }, nil, ""},
		"json of nothing": {func(b *bytes.Buffer, c []compat.Change) error { return files.JSON(b, c) }, nil, "{\n  \"breaking\": []\n}\n"},
		"json": {func(b *bytes.Buffer, c []compat.Change) error { return files.JSON(b, c) }, oneChange, `{
  "breaking": [
    {
      "rule": "server-event-removed",
      "message": "100% of a<b,\nand more",
      "remedy": "keep the event, deprecated, until no client listens for it",
      "old": {
        "file": "v1:a,b.yaml",
        "line": 3,
        "column": 5
      },
      "new": {
        "file": "a,b.yaml",
        "line": 2,
        "column": 1
      }
    }
  ]
}
`},
		"github of nothing": {func(b *bytes.Buffer, c []compat.Change) error { return files.GitHub(b, c) }, nil, ""},
		"github": {func(b *bytes.Buffer, c []compat.Change) error { return files.GitHub(b, c) }, oneChange,
			"::error file=a%2Cb.yaml,line=2,col=1,title=chgen breaking%3A server-event-removed::100%25 of a<b,%0Aand more " +
				"(before: v1:a,b.yaml:3:5)%0Akeep the event, deprecated, until no client listens for it\n"},
	} {
		var b bytes.Buffer
		if err := c.write(&b, c.changes); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestCommentsLetChangesOfTheirLinePass(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		src  string
		line int
		want bool
	}{
		{"a: # chgen:ignore server-event-removed", 1, true},
		{"a: 1\r\n# chgen:ignore server-event-removed\r\nb: 1\r\n", 3, true},
		{"# chgen:ignore other server-event-removed\n\n# More about it.\na:", 4, true},
		{"# chgen:ignore other\n# chgen:ignore first,server-event-removed\na:", 3, true},
		{"# chgen:ignore server-event-removed\na:\nb:", 3, false},
		{"a: # chgen:ignore server-event-removed\nb:", 2, false},
		{"a: # chgen:ignore server-event-removed-too", 1, false},
		{"a:# chgen:ignore server-event-removed", 1, false},
		{"a: # chgen:ignored server-event-removed", 1, false},
		{"a: # chgen:ignore", 1, false},
		{"", 7, false},
	} {
		changes := []compat.Change{{Rule: "server-event-removed", New: ir.Pos{Line: c.line, Col: 1}}}
		if got := len(compat.Ignores([]byte(c.src)).Filter(changes)) == 0; got != c.want {
			t.Errorf("%q at line %d: passes %t, want %t", c.src, c.line, got, c.want)
		}
	}
}
