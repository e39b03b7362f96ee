package engine

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/chgen/chgen/runtime/wire"
)

// Conn is one client's connection.
type Conn struct {
	srv       *Server
	mount     *mount
	ser       wire.Serializer
	generated bool   // the client says that it is a generated one
	id        string // WithID
	sender    string // tells this connection from all others, on every node

	ctx  context.Context // the connect hook's values; it never ends
	ws   *websocket.Conn
	link *link

	limited io.LimitedReader // of the reader: kept to spare an allocation for each message

	lastSeen  atomic.Int64 // when a frame was last received, counted from Server.started
	idleTimer *time.Timer

	memberships sync.WaitGroup // that have not ended; only the reader adds and waits

	mu       sync.Mutex // guards what follows
	members  map[string]*Membership
	alive    int  // memberships that have not ended, replaced ones included
	draining bool // no new joins; closed with 1012 when the last member has gone
	gone     bool // the reader has ended
}

// start makes c a running connection over ws; serve is to follow.
func (c *Conn) start(ctx context.Context, ws *websocket.Conn, l *link) {
	c.ctx = ctx
	c.id, _ = ctx.Value(idKey{}).(string)
	c.sender = c.srv.node + strconv.FormatUint(c.srv.serial.Add(1), 36)
	c.ws, c.link = ws, l
	c.touch()
	c.mu.Lock() // checkIdle may come before the assignment
	c.idleTimer = time.AfterFunc(c.mount.IdleTimeout, c.checkIdle)
	c.mu.Unlock()
	if c.srv.add(c) {
		c.drain()
	}
}

func randomID() string {
	var b [9]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// touch notes that a frame has been received.
func (c *Conn) touch() { c.lastSeen.Store(int64(time.Since(c.srv.started))) }

// checkIdle closes the connection when nothing has been received for the idle timeout, or looks again later.
func (c *Conn) checkIdle() {
	left := c.mount.IdleTimeout - (time.Since(c.srv.started) - time.Duration(c.lastSeen.Load()))
	if left <= 0 {
		c.close(closeGoingAway, "idle")
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.gone {
		c.idleTimer.Reset(left)
	}
}

// close closes the connection: what waits goes out, then a close frame, and the reader takes everything down. It
// never blocks, and may be called with any lock held.
func (c *Conn) close(code uint16, reason string) {
	c.link.out.close(closeFrame(code, reason))
}

// serve is the reader goroutine. It owns the connection and returns when everything of it has ended.
func (c *Conn) serve() {
	defer c.srv.end()
	defer c.srv.remove(c)
	c.read()

	c.mu.Lock()
	c.gone = true
	c.idleTimer.Stop()
	members := slices.Collect(maps.Values(c.members))
	c.mu.Unlock()
	for _, m := range members {
		m.end(Disconnected, true)
	}
	if c.link.readErr == nil || c.link.out.isClosing() {
		c.link.linger()
	}
	_ = c.ws.CloseNow()
	c.memberships.Wait()
}

// read receives frames until the connection ends.
func (c *Conn) read() {
	for {
		kind, reader, err := c.ws.Reader(context.Background())
		if err != nil {
			c.readFailed(err)
			return
		}
		data, err := c.readMessage(reader)
		if err != nil {
			c.readFailed(err)
			return
		}
		c.touch()
		if c.link.out.isClosing() {
			return
		}
		if err := c.receive(data, kind == websocket.MessageBinary); err != nil {
			c.srv.log.WarnContext(c.ctx, "frame refused", c.attrs("err", err)...)
			c.close(closeUndecodable, err.Error())
			return
		}
	}
}

var errTooBig = errors.New("frame too big")

// readFailed closes the connection with the reason why reading has failed, where it was the client's doing.
func (c *Conn) readFailed(err error) {
	switch {
	case c.link.readErr != nil || websocket.CloseStatus(err) != -1: // the network, or the client hung up
	case errors.Is(err, errTooBig):
		c.close(closeTooBig, fmt.Sprintf("frames may have %d bytes", c.mount.MaxFrameBytes))
	default:
		c.close(closeProtocol, "protocol error")
	}
}

var scratches = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, 1024)) }}

// maxScratch is how large a buffer is kept for the next message.
const maxScratch = 64 << 10

// readMessage reads one message into memory of its own.
func (c *Conn) readMessage(r io.Reader) ([]byte, error) {
	scratch := scratches.Get().(*bytes.Buffer)
	defer func() {
		if scratch.Cap() <= maxScratch {
			scratch.Reset()
			scratches.Put(scratch)
		}
	}()
	limit := int64(c.mount.MaxFrameBytes)
	c.limited = io.LimitedReader{R: r, N: limit + 1}
	n, err := scratch.ReadFrom(&c.limited)
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, errTooBig
	}
	return bytes.Clone(scratch.Bytes()), nil
}

// send queues a message for the client. It fails where the message cannot be encoded.
func (c *Conn) send(m *wire.Message) error {
	frame, err := encodeFrame(c.ser, m)
	if err == nil {
		c.link.out.put(frame, Stream, "")
	}
	return err
}

// reply queues a message that is text, which can always be encoded.
func (c *Conn) reply(m *wire.Message) { _ = c.send(m) }

// attrs are what every log entry about the connection says.
func (c *Conn) attrs(more ...any) []any {
	return append([]any{"conn", c.sender, "id", c.id}, more...)
}
