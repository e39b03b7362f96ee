package main

import (
	"fmt"
	"path"
	"strings"
	"testing"
)

// deviation is one way in which chgen does not do what Phoenix does, and where exactly that shows.
type deviation struct {
	name        string // as the documentation of the protocol has it
	reason      string
	differences []difference
}

// difference is one place of a recording. Events are written as the frame itself, "bin:" and hex, "close CODE REASON",
// "response BODY", "refused STATUS"; anyText in them is any text but none.
type difference struct {
	in      string   // the recordings, a pattern as of path.Match
	after   string   // what the client sends just before; "" is the last thing that it does
	line    int      // instead of after: the line of the server, from 1
	on      string   // the connection; where it is empty, the one that sends
	phoenix []string // what Phoenix does there and chgen does not
	chgen   []string // what chgen does instead, or after everything else
}

// deviate makes of a recording what chgen does. Every difference of the table has to be found in it.
func deviate(t *testing.T, name string, lines []line) []line {
	t.Helper()
	for _, d := range deviations {
		for _, diff := range d.differences {
			if ok, err := path.Match(diff.in, name); err != nil || !ok {
				continue
			}
			if problem := diff.apply(lines); problem != "" {
				t.Fatalf("%s, %s: %s", d.name, diff.after, problem)
			}
		}
	}
	return lines
}

func matchesAny(pattern string, names map[string]bool) bool {
	for name := range names {
		if ok, err := path.Match(pattern, name); err == nil && ok {
			return true
		}
	}
	return false
}

func (d *difference) apply(lines []line) (problem string) {
	start := d.find(lines)
	if start < 0 {
		return "is not sent"
	}
	conn := d.on
	if conn == "" {
		conn = lines[start].Conn
	}
	end := start + 1
	if d.line > 0 {
		conn, end = longpoll, start+1
	} else {
		for end < len(lines) && !lines[end].action() {
			end++
		}
	}
	at := end - 1
	for _, text := range d.phoenix {
		i := take(lines, start, end, d.event(conn, text))
		if i < 0 {
			return "Phoenix does not do " + text
		}
		at = min(at, i)
	}
	if len(d.phoenix) == 0 && d.line == 0 {
		at = end - 1
	}
	for _, text := range d.chgen {
		e := d.event(conn, text)
		if e.kind == "response" {
			e.number, e.head = lines[start].req, responseHead
		}
		lines[at].wants = append(lines[at].wants, e)
	}
	return ""
}

// find is the index of the line that the difference is after, or at; -1 where there is none.
func (d *difference) find(lines []line) int {
	if d.line > 0 {
		return d.line - 1
	}
	for i := len(lines) - 1; i >= 0; i-- {
		if l := &lines[i]; d.after == "" && l.action() || d.after != "" && l.sent() == d.after {
			return i
		}
	}
	return -1
}

// take takes the first event that is like e out of the lines, and returns which line it was in, or -1.
func take(lines []line, start, end int, e *event) int {
	for i := start; i < end; i++ {
		for k, have := range lines[i].wants {
			like := *e
			if e.kind == "response" {
				like.number, like.head = have.number, have.head
			}
			if like.conn == have.conn && newComparison().same(&like, have) {
				lines[i].wants = append(lines[i].wants[:k:k], lines[i].wants[k+1:]...)
				return i
			}
		}
	}
	return -1
}

// responseHead is status and headers of what long-polling answers with.
const responseHead = "200; access-control-allow-origin: *; cache-control: no-store; content-type: application/json; charset=utf-8"

// event reads how the table writes an event.
func (d *difference) event(conn, text string) *event {
	e := &event{conn: conn, kind: "frame", text: text}
	if rest, ok := strings.CutPrefix(text, "bin:"); ok {
		e.text, e.binary = rest, true
	}
	if rest, ok := strings.CutPrefix(text, "response "); ok {
		return &event{kind: "response", text: rest}
	}
	if n, err := fmt.Sscanf(text, "close %d", &e.number); err == nil && n == 1 {
		e.kind = "close"
		_, e.text, _ = strings.Cut(strings.TrimPrefix(text, "close "), " ")
	}
	return e
}

// The frames of the table, as version 2 writes them. topic is mostly room:lobby.

func reply(joinRef, ref, topic, status, response string) string {
	return fmt.Sprintf(`[%q,%q,%q,"phx_reply",{"status":%q,"response":%s}]`, joinRef, ref, topic, status, response)
}

func okIn(topic, joinRef, ref string) string { return reply(joinRef, ref, topic, "ok", "{}") }

func ok(joinRef, ref string) string { return okIn("room:lobby", joinRef, ref) }

func fails(joinRef, ref, reason string) string {
	return reply(joinRef, ref, "room:lobby", "error", fmt.Sprintf(`{"reason":%q}`, reason))
}

func unmatched(ref string) string {
	return fmt.Sprintf(`[null,%q,"room:lobby","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]`, ref)
}

func closed(joinRef string) string {
	return fmt.Sprintf(`[%q,%q,"room:lobby","phx_close",{}]`, joinRef, joinRef)
}

func crashed(joinRef string) string {
	return fmt.Sprintf(`[%q,%q,"room:lobby","phx_error",{"reason":"channel_crash"}]`, joinRef, joinRef)
}

// sends is a push to room:lobby as the recordings' client writes it.
func sends(joinRef, ref, event, payload string) string {
	return fmt.Sprintf(`[%q,%q,"room:lobby",%q,%s]`, joinRef, ref, event, payload)
}
