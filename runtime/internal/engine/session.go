package engine

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// session carries a connection over long-polling. Nothing of it runs but a timer while no request is there: it ends the
// session when no poll has come for one and a half windows, counted from the answer to the last.
//
// Its lock comes before that of the queue, whose calls therefore take no lock.
type session struct {
	LongPoll
	conn    *Conn
	id      string
	expires time.Time // of its tokens

	reading chan struct{}  // full while a body is read, and until it has been received
	turn    chan struct{}  // full while a batch is received, and for good once the session ends
	over    chan struct{}  // closed when the session ends
	inside  sync.WaitGroup // requests; what ends the session waits for them
	waiting waitingPoll

	mu    sync.Mutex // guards what follows
	ended bool
	timer *time.Timer // runs while no poll is there
	due   time.Time   // when it is to do something
	held  []Frame     // of a generated client: what it has been answered with and has not acknowledged
	bytes int         // of held, as the queue counts them
	told  bool        // the client knows that the connection is being closed
	sent  uint64      // how many answers with messages it has been given
}

// newSession returns the session that is to carry c. open begins its life.
func newSession(options LongPoll, c *Conn) *session {
	return &session{
		LongPoll: options,
		conn:     c,
		id:       randomID(),
		expires:  time.Now().Add(tokenLife),
		reading:  make(chan struct{}, 1),
		turn:     make(chan struct{}, 1),
		over:     make(chan struct{}),
	}
}

// open starts the clock.
func (s *session) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unpolled()
}

// token is what the client is to show next.
func (s *session) token() string { return s.conn.srv.signToken(s.id, s.expires, s.sent) }

// enter counts a request in, unless the session has ended.
func (s *session) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.inside.Add(1)
	return true
}

func (s *session) leave() { s.inside.Done() }

// Ready implements Carrier: the poll that is there, if any, takes a look.
func (s *session) Ready() { s.waiting.wake() }

// Closing implements Carrier.
func (s *session) Closing() { go s.close() }

// Cut implements Carrier.
func (s *session) Cut() { go s.end() }

// close ends a session that is being closed, unless a poll is there: that does so once it has been answered.
func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting.none() {
		s.unpolled()
	}
}

// unpolled is called when there is no poll any more, or yet, with s.mu held. A session that is being closed ends, but
// what awaits a client may still be polled for the time that closing may take.
func (s *session) unpolled() {
	if s.ended {
		return
	}
	wait := s.Window + s.Window/2
	if code, _, closing := s.conn.Closed(); closing {
		if !s.awaits(code) {
			go s.end()
			return
		}
		wait = s.conn.srv.limits.CloseTimeout
	}
	s.due = time.Now().Add(wait)
	if s.timer == nil {
		s.timer = time.AfterFunc(wait, s.expire)
	} else {
		s.timer.Reset(wait)
	}
}

// awaits reports whether there is something for a client whose session is being closed: when the server restarts, what
// handlers have answered; when its new params were refused, that they were. It needs s.mu.
func (s *session) awaits(code uint16) bool {
	return code == closeRestart && s.conn.out.pending() || code == closeRefused && !s.told
}

// expire ends the session if the time is still up: a poll may have come just before.
func (s *session) expire() {
	s.mu.Lock()
	due := s.waiting.none() && !time.Now().Before(s.due)
	s.mu.Unlock()
	if due {
		s.end()
	}
}

// end ends the session and everything of its connection, once.
func (s *session) end() {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	s.ended = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	s.conn.srv.sessions.remove(s)
	close(s.over)
	s.waiting.wake()
	s.turn <- struct{}{}
	s.conn.hangUp()
	s.inside.Wait()
	s.conn.End()
}

// queueUp waits for a turn, or returns what a request that gets none within the window is answered. over is closed when
// the session ends, nil where that is another node's to know.
func queueUp(ctx context.Context, turn chan<- struct{}, over <-chan struct{}, window time.Duration) *answer {
	timeout := time.NewTimer(window)
	defer timeout.Stop()
	select {
	case turn <- struct{}{}:
		return nil
	case <-timeout.C:
		return &answer{status: http.StatusRequestTimeout}
	case <-over:
		return &answer{status: http.StatusGone}
	case <-ctx.Done():
		return &answer{status: http.StatusRequestTimeout} // to nobody
	}
}

// receive takes the frames of a batch in their order; batches take turns.
func (s *session) receive(ctx context.Context, frames []Frame) answer {
	if problem := queueUp(ctx, s.turn, s.over, s.Window); problem != nil {
		return *problem
	}
	defer func() { <-s.turn }()
	for _, f := range frames {
		err := s.conn.Receive(f.Data, f.Binary)
		if errors.Is(err, ErrClosed) {
			return answer{status: http.StatusGone}
		}
		if err != nil {
			return answer{status: http.StatusBadRequest, reason: err.Error()}
		}
	}
	return answer{status: http.StatusOK}
}
