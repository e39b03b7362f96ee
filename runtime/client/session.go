package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chgen/chgen/runtime/wire"
)

// errHeartbeat is a connection on which nothing came in time.
var errHeartbeat = errors.New("heartbeat timeout")

// frame is one message, encoded.
type frame struct {
	data   []byte
	binary bool
}

// session is one connection. Its reader is the client's goroutine, in serve; the writer is one of its own, which serve
// waits for.
type session struct {
	c      *Client
	conn   Conn
	ctx    context.Context // ends with the connection, and with the client
	cancel context.CancelCauseFunc
	out    chan frame
	heard  atomic.Bool // something has come since the last heartbeat

	renewals map[string]chan answer // by ref: that wait for their answer; guarded by the client's mu
}

// outFrames is how many frames may wait for the writer; more make their senders wait.
const outFrames = 64

func newSession(c *Client, conn Conn) *session {
	s := &session{c: c, conn: conn, out: make(chan frame, outFrames), renewals: make(map[string]chan answer)}
	s.ctx, s.cancel = context.WithCancelCause(c.ctx)
	return s
}

// serve returns when the connection has ended, with the reason.
func (s *session) serve() error {
	var writer sync.WaitGroup
	writer.Go(s.write)
	s.cancel(s.read())
	writer.Wait()
	_ = s.conn.CloseNow() // it is over, whatever is wrong with it
	return context.Cause(s.ctx)
}

func (s *session) read() error {
	for first := true; ; first = false {
		data, binary, err := s.conn.Read()
		if err != nil {
			return err
		}
		s.heard.Store(true)
		if first {
			s.c.opened()
		}
		var m wire.Message
		if err := wire.DecodeServer(data, binary, &m); err != nil {
			// Something is missing now: a new connection recovers it, or says that it cannot.
			return fmt.Errorf("from the server: %w", err)
		}
		s.c.receive(&m)
	}
}

// receive hands a frame to the channel, or the renewal, that it is for.
func (c *Client) receive(m *wire.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.Topic == wire.TopicPhoenix && m.Event == wire.EventReply {
		c.session.receiveReply(m)
	}
	if ch := c.channels[m.Topic]; ch != nil {
		ch.receive(m)
	}
}

// receiveReply takes a reply that is no channel's. It needs the client's mu.
func (s *session) receiveReply(m *wire.Message) {
	ref := m.Ref.Text()
	if answered := s.renewals[ref]; answered != nil {
		delete(s.renewals, ref)
		answered <- answerOf(m)
	}
}

// write is the writer. It sends a heartbeat at once, whose answer tells an open connection from a refused one, and
// then one after each interval; where nothing at all comes after one, it gives the connection up.
func (s *session) write() {
	cfg := &s.c.cfg
	err := s.beat()
	awaiting := true
	timer := time.NewTimer(cfg.timeout)
	defer timer.Stop()
	for err == nil {
		select {
		case f := <-s.out:
			err = s.put(f)
		case <-timer.C:
			switch {
			case !awaiting:
				err = s.beat()
				timer.Reset(cfg.timeout)
			case s.heard.Load():
				timer.Reset(max(cfg.heartbeat-cfg.timeout, 0))
			default:
				err = errHeartbeat
			}
			awaiting = !awaiting
		case <-s.ctx.Done():
			s.farewell()
			return
		}
	}
	if !errors.Is(err, errHeartbeat) {
		s.lastWords()
	}
	s.cancel(err)
	_ = s.conn.CloseNow() // wakes the reader
}

// grace is how long a connection that cannot be written to is still read from.
const grace = time.Second

// lastWords lets the reader come to what the server has said before it hung up, which is the better reason.
func (s *session) lastWords() {
	select {
	case <-s.ctx.Done():
	case <-time.After(grace):
	}
}

func (s *session) beat() error {
	s.heard.Store(false)
	s.c.mu.Lock()
	m := wire.Message{Ref: wire.TextRef(s.c.ref()), Topic: wire.TopicPhoenix, Event: wire.EventHeartbeat, Payload: []byte("{}")}
	s.c.mu.Unlock()
	data, _, _ := wire.AppendPush(nil, &m) // text can always be encoded
	return s.put(frame{data: data})
}

func (s *session) put(f frame) error {
	ctx, cancel := context.WithTimeoutCause(s.ctx, s.c.cfg.timeout, ErrTimeout)
	defer cancel()
	return s.conn.Write(ctx, f.data, f.binary)
}

// closeNormal is the code of a client that is done.
const closeNormal = 1000

// farewell closes a connection that has ended, or whose client has.
func (s *session) farewell() {
	if s.c.ctx.Err() != nil {
		_ = s.conn.Close(closeNormal, "") // the server may be gone already
	}
}

// send queues a frame for the writer.
func (s *session) send(ctx context.Context, f frame) error {
	select {
	case s.out <- f:
		return nil
	case <-s.ctx.Done():
		return ErrDisconnected
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// trySend queues a frame that need not arrive.
func (s *session) trySend(f frame) {
	select {
	case s.out <- f:
	default:
	}
}
