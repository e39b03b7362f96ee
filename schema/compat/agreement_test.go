package compat_test

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/schema/compat"
	"github.com/chgen/chgen/schema/ir"
)

// schemas are those that are edited.
var schemas = []string{"../../examples/chat/chat.yaml", "testdata/sink.yaml"}

// The verdicts of the cases and of every edit, back and forth, agree with what happens when an old client meets a new
// server.
func TestVerdictsAgreeWithWhatHappens(t *testing.T) {
	t.Parallel()
	for _, name := range caseNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old, now := parse(t, cases+"/"+name+"/old.yaml"), parse(t, cases+"/"+name+"/new.yaml")
			tr := &traffic{edited: map[string]sentMessages{}}
			agree(t, name, old, now, tr, true)
			agree(t, name+" back", now, old, tr, true)
		})
	}
	for _, c := range []corpus{
		{path: schemas[0]}, {path: schemas[1]},
		// What is strict matters to members that one side does not know.
		{path: schemas[0], old: true, now: true, only: unknownMembers}, {path: schemas[0], now: true, only: unknownMembers},
	} {
		t.Run(fmt.Sprintf("%s strict %t then %t", c.path, c.old, c.now), func(t *testing.T) {
			t.Parallel()
			c.prove(t)
		})
	}
}

// corpus is a schema with the edits whose names match only, and whether it is strict before and after them.
type corpus struct {
	path     string
	old, now bool
	only     *regexp.Regexp
}

var unknownMembers = regexp.MustCompile(`gains a field|removed|renamed|carries`)

func (c corpus) prove(t *testing.T) {
	t.Helper()
	src := bytes.ReplaceAll(read(t, c.path), []byte("max_length: 2000"), []byte("max_length: 200")) // see unlimitedLength
	base := parseBytes(t, c.path, src)
	base.Strict = c.old
	tr := &traffic{edited: map[string]sentMessages{}}
	sent := agree(t, "nothing", base, base, tr, true)
	tr.base = tr.edited
	for i, e := range edits(base) {
		if i%everyNth != 0 || c.only != nil && !c.only.MatchString(e.name) {
			continue
		}
		edited := parseBytes(t, c.path, src)
		edited.Strict = c.now
		e.apply(edited)
		if tr.edited = map[string]sentMessages{}; sound(edited, tr) {
			sent += agree(t, e.name, base, edited, tr, false)
			sent += agree(t, e.name+" back", edited, base, tr, false)
		}
	}
	if t.Logf("%d messages", sent); sent < 10_000/everyNth {
		t.Errorf("%d messages are too few", sent)
	}
}

// careful reports whether a change is one that is reported without asking whether anything breaks: another pattern, or
// one of object, union and map for another.
func careful(c compat.Change) bool {
	return strings.HasSuffix(c.Rule, "-pattern-changed") || kindChanged.MatchString(c.Message)
}

var kindChanged = regexp.MustCompile(`from (\w+ \((object|union)\)|fields|{}|map\(.*\)) to (\w+ \((object|union)\)|fields|{}|map\(.*\))$`)

// sound reports whether an edited schema is one: its defaults are values of their types, and every payload can end.
func sound(s *ir.Schema, tr *traffic) bool {
	for _, set := range fieldSets(s) {
		for _, f := range *set.fields {
			if f.Default != nil && codec.Unmarshal([]byte(f.Default.JSON), &reader{strict: s.Strict, read: readType(f.Type)}) != nil {
				return false
			}
		}
	}
	for _, p := range payloads(s) {
		if len(tr.of(*p.Payload, &writer{server: true}).list) == 0 {
			return false
		}
	}
	return true
}

// agree compares the verdict with what happens, and returns how many messages that took.
func agree(t *testing.T, what string, old, now *ir.Schema, tr *traffic, all bool) (sent int) {
	t.Helper()
	changes := compat.Compare(old, now)
	d := deploy(old, now, tr, all)
	reported, certain := map[compat.Sender]bool{}, map[compat.Sender]bool{}
	senders := map[string]compat.Sender{}
	for _, rule := range compat.Rules() {
		senders[rule.ID] = rule.Sender
	}
	for _, c := range changes {
		reported[senders[c.Rule]] = true
		certain[senders[c.Rule]] = certain[senders[c.Rule]] || !careful(c)
	}
	// What goes wrong with a topic stands for all that would go wrong behind it.
	if reported[compat.Both] {
		reported[compat.Clients], reported[compat.Servers] = true, true
		certain = map[compat.Sender]bool{}
		if len(d.broken) == 0 {
			t.Errorf("%s is reported, and nothing breaks:%s", what, text(changes))
		}
	}
	for sender, problems := range d.broken {
		if !reported[sender] {
			t.Errorf("%s breaks what %s send (%s), and this is not reported:%s", what, sender, problems[0], text(changes))
		}
	}
	for sender := range maps.Keys(certain) {
		if certain[sender] && len(d.broken[sender]) == 0 {
			t.Errorf("%s is reported to break what %s send, and nothing breaks:%s", what, sender, text(changes))
		}
	}
	return d.sent
}

func text(changes []compat.Change) string {
	var all string
	for _, c := range changes {
		all += fmt.Sprintf("\n  %v %s [%s]", c.New, c.Message, c.Rule)
	}
	return all
}

// edit changes a schema that has just been parsed.
type edit struct {
	name  string
	apply func(*ir.Schema)
}

// edits lists the changes that can be made to a schema, one at a time.
func edits(s *ir.Schema) []edit {
	return slices.Concat(fieldEdits(s), declEdits(s), payloadEdits(s), errorEdits(s), channelEdits(s))
}
