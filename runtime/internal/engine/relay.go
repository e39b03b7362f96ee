package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/http"
	"sync"
	"time"
)

// A request of a long-poll session may come to any node. One that does not have the session asks the one that has,
// which says that it has taken the request, and later what the answer is:
//
//	poll, batch -> taken, answer (in parts), or gone
//
// A node that says nothing for nodeTimeout is taken for gone, and the session with it.

// relayPart is how large a message between nodes becomes, a frame above that aside. Every bus carries that.
const relayPart = 256 << 10

// relayed is a request that another node answers.
type relayed struct {
	news chan struct{} // gets a value when something has come

	mu    sync.Mutex // guards state
	state relayState
}

// relayState is what has come of a request.
type relayState struct {
	taken, gone, done bool
	parts             int
	body              []byte
}

// relayPoll has a poll answered by the node that has its session. It reports false where there is no such session.
func (t longPoll) relayPoll(w http.ResponseWriter, r *http.Request, e Endpoint, token sessionToken) bool {
	s := e.srv
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // or the http.Server's ReadTimeout would end the request
	_ = control.SetWriteDeadline(time.Now().Add(t.Window + 2*nodeTimeout + s.limits.CloseTimeout))
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
	body, ok := s.nodes.relay(r.Context(), token.node, t.Window, &nodeMessage{
		Kind: "poll", Session: token.session, Mount: e.mount.Path, Received: token.answers,
	})
	if ok {
		writeAnswer(w, body)
	}
	return ok || r.Context().Err() != nil
}

// bodyTurn is what the batches of one session that have come to the wrong node take turns by.
type bodyTurn struct {
	full chan struct{} // while a body is read, and until it has been relayed
	uses int           // batches
}

// reading is what full is for a session of another node. done is to be called when it is no longer needed.
func (n *nodes) reading(session string) (full chan struct{}, done func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	t := n.bodies[session]
	if t == nil {
		t = &bodyTurn{full: make(chan struct{}, 1)}
		n.bodies[session] = t
	}
	t.uses++
	return t.full, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if t.uses--; t.uses == 0 {
			delete(n.bodies, session)
		}
	}
}

// relayBatch has frames taken by the node that has their session, as many at once as a message holds.
func (t longPoll) relayBatch(w http.ResponseWriter, r *http.Request, e Endpoint, token sessionToken, frames []Frame) {
	for len(frames) > 0 {
		body, n := encodeFrames(frames)
		frames = frames[n:]
		answered, ok := e.srv.nodes.relay(r.Context(), token.node, t.Window, &nodeMessage{
			Kind: "batch", Session: token.session, Mount: e.mount.Path, body: body,
		})
		switch {
		case !ok:
			answer{status: http.StatusGone}.write(w)
			return
		case len(frames) == 0 || !bytes.Equal(answered, batchTaken):
			writeAnswer(w, answered)
			return
		}
	}
}

// batchTaken is the answer to a batch that has been taken.
var batchTaken, _ = answer{status: http.StatusOK}.json()

// relay has a node answer a request. ok is false where that has not come to an answer, within the window and what the
// nodes need.
func (n *nodes) relay(ctx context.Context, node string, window time.Duration, m *nodeMessage) (body []byte, ok bool) {
	n.await(ctx) // or the answer would not arrive
	c, end := n.begin(m)
	if c == nil {
		return nil, false
	}
	defer end()
	if n.tell(node, m) != nil {
		return nil, false
	}
	limit := time.NewTimer(nodeTimeout)
	defer limit.Stop()
	stopping := n.srv.stopping
	for taken := false; ; {
		select {
		case <-c.news:
		case <-limit.C:
			n.srv.log.WarnContext(ctx, "the node of a long-poll session does not answer", "node", node)
			return nil, false
		case <-ctx.Done(): // nobody waits any more
			_ = n.tell(node, &nodeMessage{Kind: "cancel", Call: m.Call})
			return nil, false
		case <-stopping: // the client is to come back to another node
			stopping = nil
			_ = n.tell(node, &nodeMessage{Kind: "cancel", Call: m.Call})
		}
		now := c.now()
		switch {
		case now.gone:
			return nil, false
		case now.done:
			return now.body, true
		case now.taken && !taken:
			taken = true
			limit.Reset(window + nodeTimeout)
		}
	}
}

func (c *relayed) now() relayState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// begin gives a request its number, unless this node has ended. end is to be called when it is over.
func (n *nodes) begin(m *nodeMessage) (c *relayed, end func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, nil
	}
	n.serial++
	m.Call = n.serial
	c = &relayed{news: make(chan struct{}, 1)}
	n.calls[m.Call] = c
	n.running.Add(1)
	return c, func() {
		n.mu.Lock()
		delete(n.calls, m.Call)
		n.mu.Unlock()
		n.running.Done()
	}
}

// answered notes what a node says to a request of this one. A part of an answer that is missing spoils it.
func (n *nodes) answered(m *nodeMessage) {
	n.mu.Lock()
	c := n.calls[m.Call]
	n.mu.Unlock()
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch s := &c.state; {
	case s.done || s.gone:
		return
	case m.Kind == "taken":
		s.taken = true
	case m.Kind == "gone" || m.Part > s.parts:
		s.gone = true
	case m.Part < s.parts: // it has come twice
		return
	default:
		s.body = append(s.body, m.body...)
		s.parts++
		s.done = m.Last
	}
	select {
	case c.news <- struct{}{}:
	default: // it will look anyway
	}
}

// encodeFrames returns as many frames as a message may hold, at least one, and how many that are. Each is
//
//	binary (1 byte, 0 or 1) | length (uvarint) | data
func encodeFrames(frames []Frame) (body []byte, n int) {
	for n < len(frames) && (n == 0 || len(body)+len(frames[n].Data) < relayPart) {
		binaryFrame := byte(0)
		if frames[n].Binary {
			binaryFrame = 1
		}
		body = append(body, binaryFrame)
		body = binary.AppendUvarint(body, uint64(len(frames[n].Data)))
		body = append(body, frames[n].Data...)
		n++
	}
	return body, n
}

// decodeFrames reads what encodeFrames has written. The frames do not hold on to the body.
func decodeFrames(body []byte) (frames []Frame, ok bool) {
	for len(body) > 0 {
		size, n := binary.Uvarint(body[1:])
		if n <= 0 || size > uint64(len(body)-1-n) {
			return nil, false
		}
		data := body[1+n:][:size]
		frames = append(frames, Frame{bytes.Clone(data), body[0] == 1})
		body = body[1+n+int(size):]
	}
	return frames, true
}
