package soak_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/chgen/chgen/internal/soak"
)

// plain is a client that speaks Phoenix's protocol and no more: it is told no positions, and what it misses while it is
// not joined is lost to it.
type plain struct {
	url       string
	clock     clock
	recorders map[string]*recorder // by topic
	first     sync.WaitGroup       // until every topic was joined once
	joined    map[string]bool
}

func newPlain(url, name string, c clock, topics []string) *plain {
	p := &plain{url: url, clock: c, recorders: make(map[string]*recorder), joined: make(map[string]bool)}
	for _, topic := range topics {
		p.recorders[topic] = newRecorder(name, topic)
		p.first.Add(1)
	}
	return p
}

// run keeps the client connected until ctx ends.
func (p *plain) run(ctx context.Context) {
	for ctx.Err() == nil {
		_ = p.session(ctx) // every end is one to come back from
		select {
		case <-time.After(100*time.Millisecond + rand.N(200*time.Millisecond)):
		case <-ctx.Done():
		}
	}
}

var errSilent = errors.New("no heartbeat was answered")

// session is one connection, from the joins to its end.
func (p *plain) session(ctx context.Context) error {
	dialing, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(dialing, p.url+"/websocket?vsn=2.0.0", nil)
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(1 << 20)
	s := &plainSession{plain: p, conn: conn, refs: make(map[string]string)}
	for topic := range p.recorders {
		if err := s.join(ctx, topic); err != nil {
			return err
		}
	}
	frames := make(chan []byte)
	reading, stop := context.WithCancelCause(ctx)
	var reader sync.WaitGroup
	reader.Go(func() { stop(s.read(reading, frames)) })
	defer reader.Wait()
	defer stop(nil)
	beat := time.NewTicker(2 * time.Second)
	defer beat.Stop()
	heard := true
	for {
		select {
		case data := <-frames:
			heard = true
			if err := s.receive(ctx, data); err != nil {
				return err
			}
		case <-beat.C:
			if !heard {
				return errSilent
			}
			heard = false
			if err := s.send(ctx, `[null,"hb","phoenix","heartbeat",{}]`); err != nil {
				return err
			}
		case <-reading.Done():
			return context.Cause(reading)
		}
	}
}

type plainSession struct {
	*plain
	conn  *websocket.Conn
	refs  map[string]string // by topic: of the join that counts
	joins int
}

func (s *plainSession) read(ctx context.Context, frames chan<- []byte) error {
	for {
		_, data, err := s.conn.Read(ctx)
		if err != nil {
			return err
		}
		select {
		case frames <- data:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *plainSession) send(ctx context.Context, frame string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, []byte(frame))
}

func (s *plainSession) join(ctx context.Context, topic string) error {
	s.joins++
	ref := fmt.Sprint("j", s.joins)
	s.refs[topic] = ref
	return s.send(ctx, fmt.Sprintf(`[%q,%q,%q,"phx_join",{}]`, ref, ref, topic))
}

// receive takes a frame. What ends a membership, or refuses one, ends the session.
func (s *plainSession) receive(ctx context.Context, data []byte) error {
	now := s.clock.now()
	var frame [5]json.RawMessage
	var ref, topic, event string
	if err := errors.Join(json.Unmarshal(data, &frame), json.Unmarshal(frame[2], &topic), json.Unmarshal(frame[3], &event)); err != nil {
		return err
	}
	_ = json.Unmarshal(frame[1], &ref) // null in most
	r := s.recorders[topic]
	switch {
	case r == nil:
	case event == "said":
		var note struct{ ID string }
		if err := json.Unmarshal(frame[4], &note); err != nil {
			return err
		}
		r.add(soak.Event{At: now, ID: note.ID}, false)
	case event == "phx_reply" && ref == s.refs[topic]:
		var reply struct{ Status string }
		if err := json.Unmarshal(frame[4], &reply); err != nil || reply.Status != "ok" {
			return fmt.Errorf("join refused: %s: %w", frame[4], err)
		}
		r.add(soak.Event{At: now}, false)
		if !s.joined[topic] {
			s.joined[topic] = true
			s.first.Done()
		}
	case event == "phx_error":
		return s.join(ctx, topic)
	}
	return nil
}
