package engine

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chgen/chgen/runtime/codec"
)

// note is a payload that tells from all others, byte by byte, whose it is.
type note struct {
	who, n int
	text   string
}

// newNote is the n-th of a client. How long it is follows from that.
func newNote(who, n int) note {
	size := [...]int{0, 10, 40, 90, 130, 300, 700, 2000, 3900, 4100, 9000, 30_000}[(who*7+n*5)%12]
	own := fmt.Sprintf("%d-%d,", who, n)
	return note{who, n, strings.Repeat(own, size/len(own)+1)}
}

// sound reports whether v is as newNote has made it.
func (v *note) sound() bool { return *v == newNote(v.who, v.n) }

// json is v on the wire.
func (v *note) json() string {
	text, _ := v.AppendJSON(nil)
	return string(text)
}

// AppendJSON and DecodeJSON are what is generated elsewhere.

func (v *note) AppendJSON(dst []byte) ([]byte, error) {
	e := codec.NewEncoder(dst)
	e.Object()
	e.Name("who")
	e.Int(int64(v.who))
	e.Name("n")
	e.Int(int64(v.n))
	e.Name("text")
	e.String(v.text)
	e.EndObject()
	return e.Done()
}

func (v *note) DecodeJSON(d *codec.Decoder) error {
	obj := d.Object()
	for obj.Next(d) {
		switch string(obj.Name()) {
		case "who":
			v.who = int(d.Int())
		case "n":
			v.n = int(d.Int())
		case "text":
			v.text = d.String()
		default:
			d.Skip()
		}
	}
	return d.Err()
}

// mixedTimeout is how long handlers may take in these tests, of which one waits until it has taken longer.
const mixedTimeout = 150 * time.Millisecond

// mixed is a server all of whose handlers look at what they are given, and keep it to look again.
type mixed struct {
	*Server
	t     *testing.T
	mu    sync.Mutex                  // guards what follows
	gates map[string]chan struct{}    // by client: what its handler waits for
	kept  map[*Membership]func() bool // whether what its handler has kept is as it was
}

func newMixed(t *testing.T, cfg Config) *mixed {
	cfg.Logger = slog.New(slog.DiscardHandler)
	s := &mixed{Server: New(cfg), t: t, gates: make(map[string]chan struct{}), kept: make(map[*Membership]func() bool)}
	s.parkAfter = 20 * time.Millisecond
	s.Handle(&Channel{
		Spec: &Spec{Name: "Room", Topic: "room:{id}"},
		Join: func(ctx context.Context, m *Membership, call *Call) (any, error) {
			got, err := s.read(call)
			if err != nil {
				return nil, err
			}
			return m, call.Replied(got.AppendJSON(call.Scratch()))
		},
		Events: map[string]*Event{
			"echo":   {Handle: s.echo},
			"keep":   {Handle: s.keep},
			"bytes":  {Handle: s.bytes},
			"self":   {Handle: s.self},
			"shout":  {Handle: s.shout},
			"wait":   {Handle: s.wait},
			"open":   {Handle: s.openGate},
			"late":   {Handle: s.late},
			"exit":   {Handle: func(context.Context, any, *Call) error { runtime.Goexit(); return nil }},
			"panic":  {Handle: func(context.Context, any, *Call) error { panic("as it should") }},
			"beside": {Concurrent: s.beside},
		},
		Intercepts: map[string]*Intercept{"said": {Handle: func(_ context.Context, _ any, call *Call) (bool, error) {
			got, err := s.read(call)
			if err == nil {
				err = call.Replied(got.AppendJSON(call.Scratch()))
			}
			return got.n%5 != 0, err
		}}},
	})
	return s
}

// read decodes a payload.
func (s *mixed) read(call *Call) (note, error) {
	var got note
	if err := call.Decoded(got.DecodeJSON(call.Decoder())); err != nil {
		return got, err
	}
	if !got.sound() {
		s.t.Errorf("a handler is given %.200q", got.json())
	}
	return got, nil
}

func (s *mixed) echo(_ context.Context, _ any, call *Call) error {
	got, err := s.read(call)
	if err != nil {
		return err
	}
	return call.Replied(got.AppendJSON(call.Scratch()))
}

// look has what a handler keeps looked at with the next that one keeps.
func (s *mixed) look(m *Membership, ok func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before := s.kept[m]; before != nil && !before() {
		s.t.Errorf("what a handler on %s has kept is not what it was", m.topic)
	}
	s.kept[m] = ok
}

func (s *mixed) keep(ctx context.Context, _ any, call *Call) error {
	payload, err := call.JSON()
	if err != nil {
		return err
	}
	var got note
	if err := codec.Unmarshal(payload, &got); err != nil || !got.sound() {
		s.t.Errorf("a handler is given %.200q: %v", payload, err)
	}
	s.look(call.m, func() bool { return string(payload) == got.json() && ctx.Err() != nil })
	return call.ReplyJSON(payload)
}

func (s *mixed) bytes(_ context.Context, _ any, call *Call) error {
	payload, err := call.Bytes()
	if err != nil {
		return err
	}
	var got note
	if err := codec.Unmarshal(payload, &got); err != nil || !got.sound() {
		s.t.Errorf("a handler is given %.200q: %v", payload, err)
	}
	s.look(call.m, func() bool { return string(payload) == got.json() })
	return call.ReplyBytes(payload)
}

// self pushes before it replies.
func (s *mixed) self(ctx context.Context, m any, call *Call) error {
	got, err := s.read(call)
	if err == nil {
		err = m.(*Membership).Push().Send(ctx, OutEvent{Name: "pushed"}, &got)
	}
	if err != nil {
		return err
	}
	return call.Replied(got.AppendJSON(call.Scratch()))
}

// shout tells everybody before it replies, in one of several ways.
func (s *mixed) shout(ctx context.Context, m any, call *Call) error {
	got, err := s.read(call)
	if err != nil {
		return err
	}
	audience, event := m.(*Membership).Broadcast(), OutEvent{Name: "shouted"}
	switch got.n % 4 {
	case 1:
		audience = m.(*Membership).BroadcastFrom()
	case 2:
		event = OutEvent{Name: "said"} // which is intercepted
	case 3:
		event = OutEvent{Name: "moved", Delivery: Latest, Key: "x"}
	}
	if err := audience.Send(ctx, event, &got); err != nil {
		return err
	}
	return call.Replied(got.AppendJSON(call.Scratch()))
}

// gate is what the handlers of a client wait for.
func (s *mixed) gate(call *Call) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := call.m.conn.sender()
	if s.gates[name] == nil {
		s.gates[name] = make(chan struct{}, 100)
	}
	return s.gates[name]
}

// wait waits for a message that comes behind it on another topic.
func (s *mixed) wait(ctx context.Context, _ any, call *Call) error {
	select {
	case <-s.gate(call):
	case <-ctx.Done():
	}
	return s.echo(ctx, nil, call)
}

func (s *mixed) openGate(ctx context.Context, _ any, call *Call) error {
	select {
	case s.gate(call) <- struct{}{}:
	default: // nobody waits so often
	}
	return s.echo(ctx, nil, call)
}

// late goes on with its payload when the call has been answered.
func (s *mixed) late(ctx context.Context, _ any, call *Call) error {
	<-ctx.Done()
	for !call.answered.Load() && call.m.life.Err() == nil {
		runtime.Gosched()
	}
	return s.echo(ctx, nil, call)
}

func (s *mixed) beside(_ context.Context, _ any, call *Call) (func(context.Context) error, error) {
	got, err := s.read(call)
	return func(context.Context) error {
		runtime.Gosched()
		return call.Replied(got.AppendJSON(call.Scratch()))
	}, err
}

// TestNobodyIsGivenBytesOfAnother has many clients of all kinds say what tells from all else, over connections that are
// parked, busy, broken off and drained, to handlers that are slow, late, panic and keep what they are given.
func TestNobodyIsGivenBytesOfAnother(t *testing.T) {
	ignored := goleak.IgnoreCurrent()
	t.Run("all", func(t *testing.T) {
		for seed := range uint64(2) {
			for name, way := range map[string]struct {
				tls bool
				cfg Config
			}{
				"plain":    {},
				"tls":      {tls: true},
				"compress": {cfg: Config{Mounts: []Mount{{WebSocket: WebSocket{Compression: true}}}}},
				"small":    {cfg: Config{Limits: Limits{QueueBytes: 128 << 10, MailboxBytes: 16 << 10, MailboxPushes: 8}}},
			} {
				t.Run(fmt.Sprintf("%s-%d", name, seed), func(t *testing.T) {
					t.Parallel()
					testMixed(t, seed, way.tls, way.cfg)
				})
			}
		}
	})
	goleak.VerifyNone(t, ignored)
}

// How many clients a test has, and what each of them does.
const (
	mixedClients = 12
	mixedRounds  = 20
)

func testMixed(t *testing.T, seed uint64, secure bool, cfg Config) {
	cfg.Limits.HandlerTimeout, cfg.Limits.CloseTimeout = mixedTimeout, time.Second
	s := newMixed(t, cfg)
	web := httptest.NewUnstartedServer(s)
	if secure {
		web.TLS = &tls.Config{NextProtos: []string{"http/1.1"}} //nolint:gosec // a test
		web.StartTLS()
	} else {
		web.Start()
	}
	defer web.Close()
	var clients sync.WaitGroup
	var rounds, answered atomic.Int64
	half := make(chan struct{})
	for number := range mixedClients {
		clients.Go(func() {
			c := &mixedClient{
				t: t, number: number, server: s, web: web,
				random: rand.New(rand.NewPCG(seed, uint64(number))), //nolint:gosec // it decides nothing but the test's course
			}
			defer c.leave(number%2 == 0)
			for range mixedRounds {
				if rounds.Add(1) == mixedClients*mixedRounds/2 {
					close(half)
				}
				if !c.round() {
					break
				}
			}
			answered.Add(int64(c.answered))
		})
	}
	if seed%2 == 0 { // the server stops when all have left, or in the midst of it
		clients.Wait()
	} else {
		<-half
	}
	if err := s.Shutdown(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
	clients.Wait()
	if got := answered.Load(); got < mixedClients*mixedRounds/4 {
		t.Errorf("only %d pushes were answered with what was asked for", got)
	}
}
