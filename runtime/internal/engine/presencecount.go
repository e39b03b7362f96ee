package engine

import (
	"strconv"
	"time"

	"github.com/chgen/chgen/runtime/wire"
)

// eventCount tells generated clients how many keys are present, on channels that do not tell them who.
const eventCount = "chgen_presence_count"

// tally is the number of keys of a topic on its way to the members. The hub's lock guards it.
type tally struct {
	told  int         // what the members were told last
	known bool        // all who were told anything know that
	begun bool        // somebody was told something
	timer *time.Timer // runs from a change until the members are told
	over  bool        // the topic has no members any more
}

func countPayload(n int) []byte {
	return append(strconv.AppendInt([]byte(`{"count":`), int64(n), 10), '}')
}

// tallyLater has the members told before long. It needs h.mu.
func (h *hub) tallyLater() {
	if t := h.tally; t.timer == nil && !t.over {
		t.timer = time.AfterFunc(h.channel.CountEvery, h.tellCount)
	}
}

// recount notes a change.
func (h *hub) recount() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tallyLater()
}

// tellCount tells the members how many are present, unless they know.
func (h *hub) tellCount() {
	h.mu.Lock()
	h.tally.timer = nil // what changes from now on is told later
	h.mu.Unlock()
	n := h.channel.srv.tracker.Count(h.topic)
	h.mu.Lock()
	known := h.tally.known && h.tally.told == n
	h.tally.told, h.tally.known, h.tally.begun = n, true, true
	h.mu.Unlock()
	if !known {
		h.deliver(&publication{event: eventCount, delivery: Latest, payload: countPayload(n)}, true)
	}
}

// sendCount pushes how many are present, and from then on what comes of that. Clients that are not generated know
// nothing of it.
func (m *Membership) sendCount(h *hub) {
	if !m.conn.generated {
		return
	}
	n := h.channel.srv.tracker.Count(m.topic)
	frame, err := encodeFrame(m.conn.ser, &wire.Message{JoinRef: m.joinRef, Topic: m.topic, Event: eventCount, Payload: countPayload(n)})
	if err != nil {
		return // never: it is text
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p := publication{event: eventCount, delivery: Latest}
	m.conn.out.put(frame, Latest, p.queueKey(m.topic))
	m.diffs = true
	if t := h.tally; !t.begun {
		t.told, t.known, t.begun = n, true, true
	} else if t.told != n { // now one member knows something else than the others
		t.known = false
		h.tallyLater()
	}
}

// endTally ends it with the hub.
func (h *hub) endTally() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tally.over = true
	if h.tally.timer != nil {
		h.tally.timer.Stop()
	}
}
