package schema

import (
	"bytes"
	"errors"
	"slices"
)

// Format returns a schema in its canonical form, which is also the canonical form of itself:
//
//   - The keys of the language stand in the order in which docs/schema.md lists them, keys that begin with x- last.
//     What people name (types, fields, events) stays in its order, which is that of the generated code.
//   - Two spaces indent. Between brackets it is { key: value } and [a, b]. What was spread over several lines between
//     brackets is joined where it fits into 100 columns, else written as a block.
//   - A blank line stands before each part of the schema; elsewhere at most one is kept.
//   - Lines end with LF, without trailing space.
//
// Values are spelled as they were. Comments stay at what they stand above or beside; one beside keeps its column where
// it can. The error says why src cannot be formatted: it is no YAML, or the result would not have read the same.
func Format(src []byte) ([]byte, error) {
	src = bytes.TrimPrefix(src, []byte(byteOrderMark))
	src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
	before, err := readPieces(src)
	if err != nil {
		return nil, err
	}
	if len(before.entries) > 0 {
		top := before.entries[0]
		before.arrange(schemaForm)
		before.keepHeader(top)
	}
	w := &formatter{}
	w.root(before)
	formatted := []byte(w.b.String())
	after, err := readPieces(formatted)
	if err != nil || !sameComments(before, after) || !sameNode(parsed(src), parsed(formatted)) {
		return nil, errors.New("this file cannot be formatted without changing what it says")
	}
	return formatted, nil
}

func parsed(src []byte) *node {
	root, _ := parseSyntax(src)
	return root
}

// sameNode reports whether two files say the same, whatever the order of their keys.
func sameNode(a, b *node) bool {
	if a == nil || b == nil || a.kind != b.kind || a.value != b.value && a.kind != null ||
		len(a.pairs) != len(b.pairs) || len(a.items) != len(b.items) {
		return false
	}
	for i := range a.items {
		if !sameNode(a.items[i], b.items[i]) {
			return false
		}
	}
	others := map[string]*node{}
	for _, p := range b.pairs {
		others[p.key.value] = p.value
	}
	for _, p := range a.pairs {
		if !sameNode(p.value, others[p.key.value]) {
			return false
		}
	}
	return true
}

func sameComments(a, b *piece) bool {
	x, y := a.comments(nil), b.comments(nil)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}
