package engine

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chgen/chgen/runtime/wire"
)

// Conn is one client's connection. A Carrier moves its messages: what the client says comes in through Receive, what
// is for the client waits in the queue until it is taken out.
type Conn struct {
	ser wire.Serializer // with the queue's beginning in the 128 bytes that a delivery needs
	out queue

	srv    *Server
	mount  *mount
	serial uint64                          // tells this connection from all others of the server
	id     string                          // WithID
	peer   string                          // of a generated client: its name, which outlives the connection; "" of others
	values atomic.Pointer[context.Context] // the connect hook's; it never ends

	origin *origin // of a generated client, for renew

	joins  pace // of the client, by Receive alone, as are
	pushes pace
	frame  uint32        // bytes of the message at hand
	place  int32         // in Server.conns; guarded by Server.mu
	memory *[]byte       // of inboxes that it is in, where that goes back; nil for who keeps a part of it
	came   time.Duration // when it came, counted from Server.started

	held atomic.Int64 // bytes of pushes that wait for their handlers, or are worked on

	work sync.WaitGroup // memberships and the renewal that have not ended; Receive adds, and is over when End waits

	entrance *entrance
	opened   time.Duration // after Server.started, where there is an observer

	generated bool // the client says that it is a generated one

	draining bool       // no new joins; closed with 1012 when the last member has gone; guarded by mu, like
	alive    int32      // memberships that have not ended, replaced ones included
	mu       sync.Mutex // and
	members  members
}

// start makes c a running connection; its transport is to call End when the client is gone.
func (c *Conn) start(ctx context.Context, carrier Carrier) {
	c.values.Store(&ctx)
	c.id, _ = ctx.Value(idKey{}).(string)
	c.serial = c.srv.serial.Add(1)
	c.out.carrier = carrier
	c.out.srv = c.srv
	c.observeOpened()
	draining, disconnected := c.srv.add(c)
	if disconnected {
		c.Close(closeGoingAway, "")
	}
	if draining {
		c.drain()
	}
}

// name is what BroadcastFrom knows the client by.
func (c *Conn) name() string {
	if c.peer != "" {
		return c.peer
	}
	return c.sender()
}

// exclusion is who does not get a publication.
type exclusion struct {
	peer   string // Conn.peer
	serial uint64 // Conn.serial, of a client without one
}

// exclusion returns who has this name, here.
func (s *Server) exclusion(name string) (e exclusion) {
	if digits, here := strings.CutPrefix(name, s.node); here {
		e.serial, _ = strconv.ParseUint(digits, 36, 64)
	} else {
		e.peer = name
	}
	return e
}

// is reports whether c is excluded.
func (e *exclusion) is(c *Conn) bool {
	return e.serial != 0 && e.serial == c.serial || e.peer != "" && e.peer == c.peer
}

// sender tells this connection from all others, on every node.
func (c *Conn) sender() string { return c.srv.node + strconv.FormatUint(c.serial, 36) }

// context has the values that the connect hook has given last. It never ends.
func (c *Conn) context() context.Context { return *c.values.Load() }

func randomID() string {
	var b [9]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Receive handles one message of the client, whose bytes are the connection's from then on. It never blocks for long,
// and is not called concurrently. An error means that there is no connection any more: ErrClosed, or the message was no
// frame, upon which the connection is being closed.
func (c *Conn) Receive(data []byte, binary bool) error {
	return c.receiveAt(c.srv.uptime(), data, binary)
}

// receiveAt is Receive for whoever has looked at the clock already.
func (c *Conn) receiveAt(now time.Duration, data []byte, binary bool) error {
	c.came = now
	if c.out.isClosing() {
		return ErrClosed
	}
	err := c.receive(data, binary)
	if err != nil {
		c.srv.log.WarnContext(c.context(), "frame refused", c.attrs("err", err)...)
		c.Close(closeUndecodable, err.Error())
	}
	return err
}

// Close closes the connection: what waits may go out, then the client is told why. It never blocks, and may be called
// with any lock held.
func (c *Conn) Close(code uint16, reason string) { c.out.close(closeFrame(code, reason)) }

// Next takes out what waits for the client. The bytes are shared with other connections and must not be changed.
func (c *Conn) Next() []Frame {
	frames, n := c.out.takeAll()
	c.out.release(n)
	return frames
}

// Closed says with what the connection is being closed, if it is.
func (c *Conn) Closed() (code uint16, reason string, closed bool) { return c.out.closedWith() }

// End ends everything of the connection and returns when nothing of it runs any more. Receive must be over.
func (c *Conn) End() {
	c.hangUp()
	c.out.fail()
	c.work.Wait()
	c.observeClosed()
	if _, reason, _ := c.Closed(); reason == slowConsumer {
		c.srv.log.WarnContext(c.context(), "connection closed: the client reads too slowly", c.attrs("limit", c.srv.limits.QueueBytes)...)
	}
	c.srv.remove(c)
	c.srv.end(c)
}

// hangUp ends the memberships and the renewal, without waiting for them.
func (c *Conn) hangUp() {
	c.mu.Lock()
	members := c.members.list()
	if c.origin != nil && c.origin.cancel != nil {
		c.origin.cancel()
	}
	c.mu.Unlock()
	for _, m := range members {
		m.end(Disconnected, true)
	}
}

// send queues a message for the client. It fails where the message cannot be encoded.
func (c *Conn) send(m *wire.Message) error {
	frame, err := encodeFrame(c.ser, m)
	if err == nil {
		c.out.put(frame, Stream, "")
	}
	return err
}

// sendHere is send for whoever holds no lock and may as well write himself: that spares a switch of goroutines, and
// mostly memory of the frame's own.
func (c *Conn) sendHere(m *wire.Message) error {
	l := c.out.directLink()
	if l == nil {
		return c.send(m)
	}
	scratch := payloads.Get().(*[]byte)
	frame, err := appendFrame((*scratch)[:0], c.ser, m)
	if err == nil && c.out.putHere(l, frame) {
		return nil // the memory is in use
	}
	if cap(frame) <= maxScratch {
		payloads.Put(scratch)
	}
	return err
}

// reply queues a message that is text, which can always be encoded.
func (c *Conn) reply(m *wire.Message) { _ = c.send(m) }

// version is that of the protocol.
func (c *Conn) version() string {
	if c.ser == wire.V1 {
		return "1"
	}
	return "2"
}

// attrs are what every log entry about the connection says.
func (c *Conn) attrs(more ...any) []any {
	return append([]any{"conn", c.sender(), "id", c.id}, more...)
}
