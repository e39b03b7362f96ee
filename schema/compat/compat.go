// Package compat finds what in a new schema would break clients that are deployed with an old one.
//
// What counts is the wire and the direction. What clients send is written by an old client and read by the new server:
// nothing that the old schema allows may be refused. What servers send is written by the new server and read by an old
// client: it may hold nothing that the old schema refuses, and must hold every event and field that the old one has.
// Who may send what is compared by structure; names of types and channels never reach the wire. A type that goes both
// ways is judged both ways. Servers are taken to be deployed before clients, so that a new client never meets an old
// server.
//
// The comparison says what the decoders do, but where that would be hard to know it is careful and reports what may be
// fine: another pattern, a length that a pattern implies already, one of object, union and map that becomes another, and
// an enum that becomes another scalar than string.
//
// Nothing here keeps state: everything may be called from several goroutines.
package compat

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/chgen/chgen/schema/ir"
)

// Change is one breaking change.
type Change struct {
	Rule    string // the id of one of Rules
	Message string
	Old     ir.Pos // the element in the old schema, or what it was added to
	New     ir.Pos // the element in the new schema, or what it was removed from
}

// Compare returns the breaking changes between two schemas, in the order of the new one.
func Compare(old, now *ir.Schema) []Change {
	c := &comparison{old: old, now: now, done: map[pair]bool{}}
	c.strict()
	c.connect()
	c.channels()
	slices.SortStableFunc(c.changes, func(a, b Change) int {
		return cmp.Or(comparePos(a.New, b.New), cmp.Compare(a.Rule, b.Rule), comparePos(a.Old, b.Old), cmp.Compare(a.Message, b.Message))
	})
	// Fields that a variant takes from an object stand in both.
	return slices.CompactFunc(c.changes, func(a, b Change) bool {
		return a.Rule == b.Rule && a.Old == b.Old && a.New == b.New
	})
}

func comparePos(a, b ir.Pos) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
}

// comparison collects the changes between two schemas.
type comparison struct {
	old, now *ir.Schema
	changes  []Change
	done     map[pair]bool
}

// pair is two declared types that have been compared, or are being compared further up.
type pair struct {
	flow     flow
	old, now *ir.Decl
}

// place is what is compared: how messages call it, and where it stands.
type place struct {
	what     string
	old, now ir.Pos
}

func (c *comparison) report(rule string, at place, format string, args ...any) {
	c.changes = append(c.changes, Change{Rule: rule, Message: fmt.Sprintf(format, args...), Old: at.old, New: at.now})
}

// flow says who writes what is compared, and how it travels.
type flow int

const (
	fromClient flow = iota // JSON that an old client writes and the new server reads
	fromQuery              // the same for connect params, which travel as text
	fromServer             // JSON that the new server writes and an old client reads
)

// sides says which of two types is the writer's and which the reader's.
func (f flow) sides(old, now *ir.Type) (writer, reader *ir.Type) {
	if f == fromServer {
		return now, old
	}
	return old, now
}

// rule picks the rule of the direction.
func (f flow) rule(client, server string) string {
	if f == fromServer {
		return server
	}
	return client
}

// top is where what has no place of its own is reported.
var top = ir.Pos{Line: 1, Col: 1}

func (c *comparison) strict() {
	if c.now.Strict && !c.old.Strict {
		c.report(ruleStrict, place{old: top, now: top}, "the schema becomes strict")
	}
}

func (c *comparison) connect() {
	at := place{what: "the connect params", old: top, now: top}
	if len(c.old.Connect) > 0 {
		at.old = c.old.Connect[0].Pos
	}
	if len(c.now.Connect) > 0 {
		at.now = c.now.Connect[0].Pos
	}
	c.fields(fromQuery, c.old.Connect, c.now.Connect, at, at.what)
}
