package engine

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"
)

// poll is one request that waits for messages.
type poll struct{ look chan struct{} } // gets a value when there may be news

func (p *poll) wake() {
	select {
	case p.look <- struct{}{}:
	default: // it will look anyway
	}
}

// waitingPoll is the poll that a session's messages go to. It is changed with the session's lock held.
type waitingPoll struct{ p atomic.Pointer[poll] }

func (w *waitingPoll) none() bool      { return w.p.Load() == nil }
func (w *waitingPoll) is(p *poll) bool { return w.p.Load() == p }

func (w *waitingPoll) wake() {
	if p := w.p.Load(); p != nil {
		p.wake()
	}
}

// servePoll answers a poll. received is how many answers with messages the client has got.
func (s *session) servePoll(w http.ResponseWriter, r *http.Request, received uint64) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // or the http.Server's ReadTimeout would end the request
	_ = control.SetWriteDeadline(time.Now().Add(s.Window + s.conn.srv.limits.CloseTimeout))
	s.answerPoll(r.Context(), received, func(a answer) {
		_ = control.SetWriteDeadline(time.Now().Add(s.conn.srv.limits.CloseTimeout))
		a.write(w)
		_ = control.Flush()
		_ = control.SetWriteDeadline(time.Time{}) // the connection may serve other requests
	})
}

// answerPoll waits for the answer to a poll and has it written, unless ctx ends before there is one.
func (s *session) answerPoll(ctx context.Context, received uint64, write func(answer)) {
	end := s.observePoll(ctx)
	p := &poll{look: make(chan struct{}, 1)}
	s.begin(p, received)
	defer s.finish(p)
	if a, ok := s.await(ctx, p); ok {
		write(a)
		end(false, a.status, len(a.frames))
	}
}

// begin makes p the poll that messages go to. One that is there already has to give way (rule 10.9).
func (s *session) begin(p *poll, received uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting.wake()
	s.waiting.p.Store(p)
	if s.timer != nil {
		s.timer.Stop()
	}
	if received == s.sent {
		s.conn.out.release(s.bytes)
		s.held, s.bytes = nil, 0
	}
}

// finish is called when p has been answered.
func (s *session) finish(p *poll) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting.is(p) {
		s.waiting.p.Store(nil)
		s.unpolled()
	}
}

// await returns the answer to p once there is one. ok is false where nobody waits for it any more.
func (s *session) await(ctx context.Context, p *poll) (a answer, ok bool) {
	window := time.NewTimer(s.Window)
	defer window.Stop()
	for {
		if a, ok := s.take(p); ok {
			return a, true
		}
		select {
		case <-p.look:
		case <-ctx.Done():
			return answer{}, false
		case <-window.C:
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.noContent(), true
		}
	}
}

// take is the answer to p, if there is something to say.
func (s *session) take(p *poll) (a answer, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || !s.waiting.is(p) {
		return s.noContent(), true
	}
	frames, n := s.conn.out.takeAll()
	if s.conn.generated {
		frames = s.hold(frames, n)
	} else {
		s.conn.out.release(n)
	}
	if len(frames) > 0 {
		return answer{status: http.StatusOK, poll: true, token: s.token(), frames: frames}, true
	}
	code, reason, closing := s.conn.Closed()
	if !closing {
		return answer{}, false
	}
	a = s.noContent()
	if s.conn.generated {
		a.status, a.code, a.reason = http.StatusGone, code, reason
		s.told = true
	}
	return a, true
}

// hold keeps what a generated client is answered with until its next poll says that it has arrived: frames, behind those
// of an answer that has not. It needs s.mu.
func (s *session) hold(frames []Frame, n int) []Frame {
	s.held, s.bytes = append(s.held, frames...), s.bytes+n
	if len(s.held) > 0 {
		s.sent++
	}
	return s.held
}

// noContent is the answer of a window without messages. It needs s.mu.
func (s *session) noContent() answer {
	return answer{status: http.StatusNoContent, poll: true, token: s.token()}
}
