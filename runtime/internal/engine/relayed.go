package engine

import (
	"context"
	"net/http"
)

// relayID tells the requests of all other nodes apart.
type relayID struct {
	node string
	call uint64
}

// serve answers a request of another node. It does not wait. One that comes twice is answered once.
func (n *nodes) serve(m *nodeMessage) {
	id := relayID{m.From, m.Call}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || n.serving[id] != nil {
		return
	}
	ctx, cancel := context.WithCancel(n.ctx)
	n.serving[id] = cancel
	n.running.Go(func() {
		n.answer(ctx, m)
		cancel()
		n.mu.Lock()
		delete(n.serving, id)
		n.mu.Unlock()
	})
}

// stopServing has a poll answered now: nobody waits for it any more, or the node that does shuts down.
func (n *nodes) stopServing(m *nodeMessage) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if cancel := n.serving[relayID{m.From, m.Call}]; cancel != nil {
		cancel()
	}
}

// answer does what a request of another node asks for.
func (n *nodes) answer(ctx context.Context, m *nodeMessage) {
	s := n.srv.sessions.get(m.Session)
	if s == nil || s.conn.mount.Path != m.Mount || !s.enter() {
		_ = n.tell(m.From, &nodeMessage{Kind: "gone", Call: m.Call})
		return
	}
	defer s.leave()
	if n.tell(m.From, &nodeMessage{Kind: "taken", Call: m.Call}) != nil {
		return
	}
	if m.Kind == "batch" {
		frames, ok := decodeFrames(m.body)
		a := answer{status: http.StatusBadRequest}
		if ok {
			end := s.observePoll(ctx)
			a = s.receive(ctx, frames)
			end(true, a.status, len(frames))
		}
		n.sendAnswer(m, a)
		return
	}
	s.answerPoll(ctx, m.Received, func(a answer) { n.sendAnswer(m, a) })
	if ctx.Err() != nil {
		s.mu.Lock()
		a := s.noContent()
		s.mu.Unlock()
		n.sendAnswer(m, a) // which is of no use if there is one already
	}
}

// sendAnswer sends the node that has relayed a request the answer.
func (n *nodes) sendAnswer(m *nodeMessage, a answer) {
	body, err := a.json()
	if err != nil { // a frame that is not UTF-8, which no serializer makes
		_ = n.tell(m.From, &nodeMessage{Kind: "gone", Call: m.Call})
		return
	}
	for part := 0; ; part++ {
		size := min(len(body), relayPart)
		last := size == len(body)
		err := n.tell(m.From, &nodeMessage{Kind: "answer", Call: m.Call, Part: part, Last: last, body: body[:size]})
		if body = body[size:]; last || err != nil {
			return
		}
	}
}
