package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// comparison compares what has come with what was recorded. It remembers which phx_ref of one stands for which of the
// other: equal ones must stay equal.
type comparison struct {
	got, want map[string]string
}

func newComparison() *comparison {
	return &comparison{got: make(map[string]string), want: make(map[string]string)}
}

// lanes are the parts of a connection's events within which order counts: what is no frame, and each topic twice,
// without the presence_diffs, which come from a process of their own, and without the replies beside which they come.
func lanes(events []*event) map[string][]*event {
	all := make(map[string][]*event)
	for _, e := range events {
		switch e.kind {
		case "response":
			name := fmt.Sprintf("the answer to the request in line %d", e.number)
			all[name] = append(all[name], e)
		case "frame":
			topic, event := e.topicOf()
			lane := e.conn + ", " + topic
			if event != "presence_diff" {
				all[lane+" without presence_diff"] = append(all[lane+" without presence_diff"], e)
			}
			if event != "phx_reply" {
				all[lane+" without replies"] = append(all[lane+" without replies"], e)
			}
		default:
			all[e.conn] = append(all[e.conn], e)
		}
	}
	return all
}

// check returns how got differs from want, which it may exceed unless all of it has come.
func (c *comparison) check(want, got []*event, complete bool) string {
	wants, gots := lanes(want), lanes(got)
	var problems []string
	for name, lane := range wants {
		problems = append(problems, c.checkLane(name, lane, gots[name], complete))
	}
	for name, lane := range gots {
		if wants[name] == nil && complete {
			problems = append(problems, c.checkLane(name, nil, lane, complete))
		}
	}
	slices.Sort(problems)
	return strings.TrimSpace(strings.Join(slices.Compact(problems), "\n"))
}

func (c *comparison) checkLane(name string, want, got []*event, complete bool) string {
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("%s: missing %s", name, want[i])
		case i >= len(want):
			if complete {
				return fmt.Sprintf("%s: too much: %s", name, got[i])
			}
			return ""
		case !c.same(want[i], got[i]):
			return fmt.Sprintf("%s:\n\tgot  %s\n\twant %s", name, got[i], want[i])
		}
	}
	return ""
}

func (c *comparison) same(want, got *event) bool {
	if want.kind != got.kind || want.number != got.number || want.head != got.head || want.binary != got.binary {
		return false
	}
	if want.text == got.text {
		return true
	}
	var wanted, gotten any
	if json.Unmarshal([]byte(want.text), &wanted) != nil || json.Unmarshal([]byte(got.text), &gotten) != nil {
		return want.text == anyText && got.text != ""
	}
	return c.sameJSON("", wanted, gotten)
}

// anyText stands, in the table of deviations, for a text that is not fixed but must be there.
const anyText = "?"

// sameJSON compares two JSON values; name is the member that they are the value of.
func (c *comparison) sameJSON(name string, want, got any) bool {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok || len(got) != len(want) {
			return false
		}
		for name := range want {
			value, ok := got[name]
			if !ok || !c.sameJSON(name, want[name], value) {
				return false
			}
		}
		return true
	case []any:
		got, ok := got.([]any)
		return ok && slices.EqualFunc(want, got, func(w, g any) bool { return c.sameJSON("", w, g) })
	case string:
		got, ok := got.(string)
		switch {
		case !ok:
			return false
		case name == "phx_ref" || name == "phx_ref_prev":
			return c.bind(want, got)
		}
		return want == got || want == anyText && got != ""
	default:
		return want == got
	}
}

// bind makes got stand for want, and want for got.
func (c *comparison) bind(want, got string) bool {
	g, bound := c.got[want]
	if !bound {
		if _, taken := c.want[got]; taken {
			return false
		}
		c.got[want], c.want[got] = got, want
		return true
	}
	return g == got
}
