package hostile_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// model makes a session of a client out of random bytes, and knows how often each of its frames is to be answered. Every
// frame has a ref of its own.
type model struct {
	program []byte
	v1      bool
	joined  map[string]string // the join_ref of the last join of a topic, in JSON
	want    map[string]answers
	garbage bool // something was sent that need not be a frame
}

// answers says how many replies a ref may have. A frame that is stale is dropped where its topic is joined, which the
// model does not know at every moment.
type answers struct{ least, most int }

func newModel(program []byte) *model {
	m := &model{program: program, joined: map[string]string{}, want: map[string]answers{}}
	m.v1 = m.next(4) == 0
	return m
}

// next takes a number below n out of the program.
func (m *model) next(n int) int {
	if len(m.program) == 0 {
		return 0
	}
	b := m.program[0]
	m.program = m.program[1:]
	return int(b) % n
}

var (
	topics   = []string{"room:a", "room:b", "room:private", "nothing:here", "room:", ""}
	events   = []string{"send_message", "set_typing", "unknown", "phx_reply", "phx_close", "phx_error", "heartbeat", "chgen_params", ""}
	payloads = []string{
		`{}`, `{"body":"x"}`, `{"body":""}`, `{"active":true}`, `{"body":"x","body":"y"}`, `null`, `[]`, `7`, `{"body":"x","attachment":{"type":"image"}}`,
		`{"body":"x","attachment":{"type":"link","url":"u"}}`, `{"since":"never"}`, `{"_recover":"1:2"}`, `{"_recover":7}`, `{"__proto__":{}}`,
	}
)

// step is one thing that the client does: it sends a frame, or waits until the server is still.
type step struct {
	wait   bool
	data   []byte
	binary bool
}

// step returns the next step, false at the end of the program.
func (m *model) step() (step, bool) {
	if len(m.program) == 0 || m.garbage {
		return step{}, false
	}
	switch op := m.next(12); op {
	case 0, 1, 2:
		return m.join(), true
	case 3:
		return m.frame(m.topic(), "phx_leave", m.payload()), true
	case 4, 5, 6, 7:
		return m.frame(m.topic(), events[m.next(len(events))], m.payload()), true
	case 8:
		ref := m.ref(answers{1, 1})
		return m.text("null", ref, "phoenix", "heartbeat", m.payload()), true
	case 9:
		if m.v1 {
			return step{wait: true}, true
		}
		return m.binary(), true
	case 10:
		return step{wait: true}, true
	default:
		m.garbage = true
		data := m.program
		m.program = nil
		return step{data: data, binary: len(data)%2 == 0}, true
	}
}

func (m *model) topic() string   { return topics[m.next(len(topics))] }
func (m *model) payload() string { return payloads[m.next(len(payloads))] }

// ref returns the ref of a new frame.
func (m *model) ref(a answers) string {
	ref := strconv.Quote("r" + strconv.Itoa(len(m.want)))
	m.want[ref] = a
	return ref
}

func (m *model) join() step {
	topic := m.topic()
	ref := m.ref(answers{1, 1})
	joinRef := ref
	if m.next(3) == 0 {
		joinRef = "null"
	}
	m.joined[topic] = joinRef
	return m.text(joinRef, ref, topic, "phx_join", m.payload())
}

// frame is a frame with a join_ref that is null, the one of the join, or stale.
func (m *model) frame(topic, event, payload string) step {
	joinRef, a := m.joinRef(topic)
	return m.text(joinRef, m.ref(a), topic, event, payload)
}

func (m *model) joinRef(topic string) (string, answers) {
	current, ok := m.joined[topic]
	switch m.next(3) {
	case 0:
		return "null", answers{1, 1}
	case 1:
		if ok {
			return current, answers{1, 1}
		}
	}
	return `"stale"`, answers{0, 1}
}

func (m *model) text(joinRef, ref, topic, event, payload string) step {
	name, _ := json.Marshal(topic)
	what, _ := json.Marshal(event)
	if m.v1 {
		return step{data: fmt.Appendf(nil, `{"topic":%s,"event":%s,"payload":%s,"ref":%s,"join_ref":%s}`, name, what, payload, ref, joinRef)}
	}
	return step{data: fmt.Appendf(nil, `[%s,%s,%s,%s,%s]`, joinRef, ref, name, what, payload)}
}

// binary is a binary push. Its join_ref is never null: one that is empty is stale where the topic is joined.
func (m *model) binary() step {
	topic, event := m.topic(), events[m.next(len(events))]
	joinRef, a := m.joinRef(topic)
	if joinRef == "null" {
		joinRef, a = `""`, answers{0, 1}
	}
	ref := m.ref(a)
	joinRef, name := strings.Trim(joinRef, `"`), strings.Trim(ref, `"`)
	data := []byte{0, byte(len(joinRef)), byte(len(name)), byte(len(topic)), byte(len(event))}
	return step{data: append(data, joinRef+name+topic+event+m.payload()...), binary: true}
}

// check holds the replies that the client got to what the model wants. ended says that the server has closed.
func (m *model) check(t *testing.T, replies map[string]int, ended bool) {
	t.Helper()
	for ref, want := range m.want {
		if got := replies[ref]; got > want.most || got < want.least && !ended {
			t.Errorf("%s was answered %d times, want %d to %d", ref, got, want.least, want.most)
		}
	}
	if ended && !m.garbage {
		t.Error("the connection ended though every frame was one")
	}
}

// count counts the replies to each ref in the frames of a server.
func count(replies map[string]int, data []byte) {
	if len(data) > 4 && data[0] == 1 { // a binary reply
		at := 5 + int(data[1])
		replies[strconv.Quote(string(data[at:at+int(data[2])]))]++
		return
	}
	var v1 struct {
		Event string
		Ref   json.RawMessage
	}
	var v2 [5]json.RawMessage
	if json.Unmarshal(data, &v2) == nil && string(v2[3]) == `"phx_reply"` {
		replies[string(v2[1])]++
	} else if json.Unmarshal(data, &v1) == nil && v1.Event == "phx_reply" {
		replies[string(v1.Ref)]++
	}
}
