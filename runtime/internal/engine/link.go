package engine

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// The buffers of an idle connection. The library's control frames must reach the link in one Write each, so the
// write buffer holds at least the largest, 127 bytes.
const (
	readBuffer  = 512
	aheadBuffer = 64 // where what is read has been read ahead
	writeBuffer = 128
)

// link is the net.Conn between the WebSocket library and the network, and carries its connection. The library reads
// through it and hands its control frames to it, each in one Write; they stand in the same queue as our data frames, so
// that neither ever lands inside the other.
type link struct {
	net.Conn
	owner *Conn
	ws    *websocket.Conn // nil until it is needed, and while it is dropped

	reading
	lending

	armed   time.Duration // when the write deadline was last set, counted from Server.started; for the writer alone
	closing bool          // the write deadline is that of closing; guarded by the queue's lock

	lastSeen atomic.Int64 // when a frame was last received, counted from Server.started

	due  time.Duration // when the clock is to look after it; guarded by the clock's lock, like
	hand int32         // where the clock has it
}

// Ready implements Carrier: where there can be no flusher, a goroutine of the link's own hands what is pending to the
// network in one write.
func (l *link) Ready() { go l.write(nil, nil, 0) }

// Closing implements Carrier: what waits has the grace period, and the reader, whose connection this ends, wakes up.
func (l *link) Closing() {
	l.limitClosing()
	l.wakeReader()
}

// limitClosing gives what waits the grace period. It needs the queue's lock.
func (l *link) limitClosing() {
	l.closing = true
	_ = l.SetWriteDeadline(time.Now().Add(l.grace()))
}

// limitWriting gives the next write the time that one may take, or hardly less: the deadline is not moved for each.
func (l *link) limitWriting() {
	timeout := l.owner.srv.limits.WriteTimeout
	now := l.owner.srv.uptime()
	if l.armed != 0 && now-l.armed < timeout/8 {
		return
	}
	l.owner.out.mu.Lock()
	defer l.owner.out.mu.Unlock()
	if !l.closing {
		l.armed = now + 1 // so that 0 is never
		_ = l.SetWriteDeadline(time.Now().Add(timeout))
	}
}

// Cut implements Carrier.
func (l *link) Cut() {
	_ = l.Conn.Close()
	l.wake()
}

func (l *link) grace() time.Duration { return l.owner.srv.limits.CloseTimeout }

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// wakeReader makes a read that is under way, and the next, fail. The connection is ending.
func (l *link) wakeReader() {
	_ = l.SetReadDeadline(longAgo)
	l.wake()
}

// writeNow writes one frame, and what has come to wait then. It does not keep the frame's memory.
func (l *link) writeNow(frame []byte) {
	n, err := l.owner.out.direct.try(frame)
	if err == nil && n < len(frame) {
		go l.write(bytes.Clone(frame[n:]), nil, len(frame))
		return
	}
	l.wrote(nil, err)
	l.owner.out.flush(len(frame))
}

// write is the writer goroutine: it writes data and what waits, and waits for the network. It exists while there is
// something to write, and the reader waits for it. data is the rest of what was taken out last, written all of it.
func (l *link) write(data []byte, chunk *[]byte, written int) {
	for {
		if data == nil {
			if data, chunk = l.owner.out.next(written); data == nil {
				return
			}
			written = len(data)
		}
		l.limitWriting()
		_, err := l.Conn.Write(data)
		if errors.Is(err, os.ErrDeadlineExceeded) && !l.owner.out.isClosing() {
			c := l.owner
			c.srv.log.WarnContext(c.context(), "connection cut: the client does not read", c.attrs("timeout", c.srv.limits.WriteTimeout)...)
		}
		l.wrote(chunk, err)
		data = nil
	}
}

// wrote ends a write that chunk, where there is one, was the memory of.
func (l *link) wrote(chunk *[]byte, err error) {
	if chunk != nil {
		chunks.Put(chunk)
	}
	if err != nil {
		l.owner.out.fail()
		l.wakeReader()
	}
}

// Read implements net.Conn.
func (l *link) Read(p []byte) (int, error) {
	if len(l.inbox) > 0 {
		return l.takeInbox(p), nil
	}
	if l.readErr != nil {
		return 0, l.readErr
	}
	n, err := l.readNetwork(p)
	if err != nil {
		l.readErr = err
	}
	return n, err
}

// Write implements net.Conn for the library, which writes nothing but control frames.
func (l *link) Write(p []byte) (int, error) {
	if err := l.owner.out.control(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close implements net.Conn: what waits goes out first, within the grace period.
func (l *link) Close() error {
	l.owner.out.mu.Lock()
	l.limitClosing()
	l.owner.out.mu.Unlock()
	l.owner.out.wait()
	l.owner.out.kill()
	return nil
}

// linger lets the client take the close frame in: closing at once, with data of the client unread, would reset the
// connection and lose it. So the sending half ends, and what comes is read and dropped until the client hangs up too.
func (l *link) linger() {
	l.owner.out.wait()
	half, ok := l.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = l.SetReadDeadline(time.Now().Add(l.grace()))
	var sink [512]byte
	for {
		if _, err := l.Conn.Read(sink[:]); err != nil {
			return
		}
	}
}

// hijackWriter hands the library our link when it hijacks the connection.
type hijackWriter struct {
	http.ResponseWriter
	link *link
}

// Hijack implements http.Hijacker.
func (w *hijackWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.link.own(conn, buffered.Reader)
	return w.link, w.link.buffers(), nil
}

// own makes conn the link's own, with what the HTTP server has read of it already.
func (l *link) own(conn net.Conn, buffered *bufio.Reader) {
	l.Conn = conn
	l.owner.out.direct.open(conn)
	l.prepareReading()
	if n := buffered.Buffered(); n > 0 {
		l.inbox = make([]byte, n)
		_, _ = buffered.Read(l.inbox) // it is all in the buffer
	}
}

// canHijack reports whether w, or a ResponseWriter that it wraps, can be hijacked.
func canHijack(w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case http.Hijacker:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}
