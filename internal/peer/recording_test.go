package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// line is one line of a recording: testdata/phoenix/README.md.
type line struct {
	Dir    string  `json:"dir"`
	Conn   string  `json:"conn"`
	Millis float64 `json:"t_ms"`

	URL       string            `json:"url"`
	Protocols []string          `json:"protocols"`
	Headers   map[string]string `json:"headers"`
	Protocol  string            `json:"protocol"`
	Status    int               `json:"status"`
	Error     string            `json:"error"`
	Raw       string            `json:"raw"`
	Bin       *string           `json:"bin"`
	Data      string            `json:"data"`
	Code      int               `json:"code"`
	Reason    string            `json:"reason"`

	Method string          `json:"method"`
	Path   string          `json:"path"`
	Body   json.RawMessage `json:"body"`
	TookMS float64         `json:"took_ms"`

	wants []*event // of a line of the server
	req   int      // of an http_resp: the line of the request that it answers, from 1
}

// action reports whether the line is something that the client does.
func (l *line) action() bool {
	switch l.Dir {
	case "connect", "send", "pong", "http_req":
		return true
	}
	return l.Dir == "close" && l.Code == 1000
}

func (l *line) at() time.Duration { return time.Duration(l.Millis * float64(time.Millisecond)) }

// sent is the message of a send as the table of deviations writes it.
func (l *line) sent() string {
	if l.Bin != nil {
		return *l.Bin
	}
	return l.Raw
}

// event is something that the server does.
type event struct {
	conn   string
	kind   string // open, refused, frame, close, pong, response
	number int    // of a refusal the status, of a close the code, of a response the line of the request
	text   string // of a frame the text, or binary in hex; of a close the reason; of a response the body
	head   string // of a response status and headers
	binary bool
}

func (e *event) String() string {
	text := e.text
	if e.binary {
		text = "binary " + text
	}
	return fmt.Sprintf("%s %s %d %s", e.conn, e.kind, e.number, text)
}

// recordings returns the files of a folder of testdata/phoenix.
func recordings(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "phoenix", folder, "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	return files
}

func nameOf(file string) string { return strings.TrimSuffix(filepath.Base(file), ".jsonl") }

// read reads a recording and makes of each line of the server the event that it is.
func read(t *testing.T, file string) []line {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []line
	for i, text := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		switch {
		case l.Dir == "error" && strings.Contains(l.Error, "no subprotocol"):
			l.Dir = "open"
		case l.Dir == "error" || l.Code == 1006: // the client library's own
			l.Dir = "note"
		}
		l.interpret(t, lines)
		lines = append(lines, l)
	}
	return lines
}

// interpret makes events of a line of the server.
func (l *line) interpret(t *testing.T, before []line) {
	t.Helper()
	switch l.Dir {
	case "open":
		l.wants = []*event{{conn: l.Conn, kind: "open", text: l.Protocol}}
	case "pong":
		l.wants = []*event{{conn: l.Conn, kind: "pong"}}
	case "recv":
		l.wants = []*event{{conn: l.Conn, kind: "frame", text: l.sent(), binary: l.Bin != nil}}
	case "close":
		if l.Code != 1000 {
			l.wants = []*event{{conn: l.Conn, kind: "close", number: l.Code, text: l.Reason}}
		}
	case "http_error":
		if l.Conn != "" {
			l.wants = []*event{{conn: l.Conn, kind: "refused", number: l.Status}}
			return
		}
		l.req = requestOf(before, l.Millis)
		l.wants = []*event{{kind: "response", number: l.req, text: l.Error}}
	case "http_resp":
		l.req = requestOf(before, l.Millis-l.TookMS)
		l.wants = responseEvents(t, l.req, l.Status, func(name string) string { return l.Headers[name] }, l.Body)
	}
}

// requestOf is the line of the request that was made at this time, or soon before, and has not been answered.
func requestOf(before []line, millis float64) int {
	answered := make(map[int]bool)
	for i := range before {
		answered[before[i].req] = true
	}
	best, number := -1.0, 0
	for i := range before {
		if l := &before[i]; l.Dir == "http_req" && l.Millis <= millis+2 && l.Millis > best && !answered[i+1] {
			best, number = l.Millis, i+1
		}
	}
	return number
}

// longpoll is the connection of what a poll brings.
const longpoll = "longpoll"

// responseEvents is an answer to a request of long-polling: the messages that it brings, one by one, and the rest.
func responseEvents(t *testing.T, req, status int, header func(string) string, body []byte) []*event {
	t.Helper()
	rest := &event{kind: "response", number: req, head: strconv.Itoa(status), text: string(body)}
	for _, name := range []string{"access-control-allow-origin", "cache-control", "content-type"} {
		rest.head += "; " + name + ": " + header(name)
	}
	var members map[string]any
	if json.Unmarshal(body, &members) != nil {
		return []*event{rest}
	}
	var events []*event
	messages, _ := members["messages"].([]any)
	for _, message := range messages {
		e := &event{conn: longpoll, kind: "frame", text: message.(string)}
		if !strings.HasPrefix(e.text, "[") && !strings.HasPrefix(e.text, "{") { // D9
			data, err := base64.StdEncoding.DecodeString(e.text)
			if err != nil {
				t.Fatalf("message %q: %v", e.text, err)
			}
			e.text, e.binary = hex.EncodeToString(data), true
		}
		events = append(events, e)
	}
	if messages != nil {
		members["messages"] = []any{}
	}
	if _, ok := members["token"].(string); ok {
		members["token"] = "<TOKEN>"
	}
	text, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	rest.text = string(text)
	return append(events, rest)
}

// topicOf is the topic of a frame, which is what orders it.
func (e *event) topicOf() (topic, name string) {
	if e.binary {
		return binaryTopic(e.text)
	}
	var v1 struct {
		Topic any    `json:"topic"`
		Event string `json:"event"`
	}
	if json.Unmarshal([]byte(e.text), &v1) == nil {
		return fmt.Sprint(v1.Topic), v1.Event
	}
	var v2 []any
	if json.Unmarshal([]byte(e.text), &v2) == nil && len(v2) == 5 {
		return fmt.Sprint(v2[2]), fmt.Sprint(v2[3])
	}
	return "", ""
}

// binaryTopic reads the topic and the event of a server's binary frame (rules 9.2 to 9.4).
func binaryTopic(text string) (topic, name string) {
	data, err := hex.DecodeString(text)
	if err != nil || len(data) == 0 || data[0] > 2 {
		return "", ""
	}
	lengths := [...]int{3, 4, 2}[data[0]]
	at := 1 + lengths
	var fields []string
	for _, n := range data[1 : 1+lengths] {
		fields = append(fields, string(data[at:at+int(n)]))
		at += int(n)
	}
	if data[0] == 1 {
		return fields[2], "phx_reply"
	}
	return fields[lengths-2], fields[lengths-1]
}
