package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// serve is a reader goroutine of a WebSocket: it receives frames until the connection ends, and then ends everything of
// it, or until it is not needed: the link is parked, or another reader has taken over.
func (l *link) serve() {
	if l.ahead == nil {
		l.ahead = aheads.Get().(*ahead)
	}
	if left := l.read(); left {
		return
	}
	c := l.owner
	defer c.End()
	c.srv.clock.forget(l)
	c.hangUp()
	if l.readErr == nil || c.out.isClosing() {
		l.linger()
	}
	if l.ws != nil {
		_ = l.ws.CloseNow()
	} else {
		_ = l.Close()
	}
	c.srv.poller.forget(l)
	l.giveBack()
	l.ahead = nil
}

// read receives frames until the connection ends or the reader is not needed any more.
func (l *link) read() (left bool) {
	first := l.fresh
	for {
		if first && l.gaps >= busyStreak {
			go l.serve()
			return true
		}
		if !l.awaitMessage() {
			return true
		}
		if l.fresh {
			l.greeted()
		}
		data, binary, err := l.next()
		if err != nil {
			l.readFailed(err)
			return false
		}
		now, silent := l.touch()
		l.noteGap(silent)
		err = l.owner.receiveAt(now, data, binary)
		l.reuseMemory()
		if err != nil {
			return false
		}
		if call := l.lent; call != nil {
			l.lent = nil
			if !l.lend(call) {
				return true
			}
		}
	}
}

// reuseMemory gives back the memory of the message at hand, unless somebody has taken it.
func (l *link) reuseMemory() {
	if memory := l.owner.memory; memory != nil {
		l.owner.memory = nil
		inboxes.Put(memory)
	}
}

// next reads a message, with the library where that is needed.
func (l *link) next() (data []byte, binary bool, err error) {
	if data, binary, ok := l.takeWhole(); ok {
		return data, binary, nil
	}
	if l.readErr != nil {
		return nil, false, l.readErr
	}
	if err := l.revive(); err != nil {
		return nil, false, err
	}
	kind, reader, err := l.ws.Reader(context.Background())
	if err != nil {
		return nil, false, err
	}
	data, err = l.readMessage(reader)
	return data, kind == websocket.MessageBinary, err
}

var errTooBig = errors.New("frame too big")

// readFailed closes the connection with the reason why reading has failed, where it was the client's doing.
func (l *link) readFailed(err error) {
	switch {
	case l.readErr != nil || websocket.CloseStatus(err) != -1: // the network, or the client hung up
	case errors.Is(err, errTooBig):
		l.owner.Close(closeTooBig, "")
	default:
		l.owner.Close(closeProtocol, "protocol error")
	}
}

// scratch is memory to read a message into.
type scratch struct {
	bytes.Buffer
	limited io.LimitedReader
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// maxScratch is how large a buffer is kept for the next message.
const maxScratch = 64 << 10

// readMessage reads one message into memory of its own.
func (l *link) readMessage(r io.Reader) ([]byte, error) {
	in := scratches.Get().(*scratch)
	defer func() {
		if in.limited.R = nil; in.Cap() <= maxScratch {
			in.Reset()
			scratches.Put(in)
		}
	}()
	limit := int64(l.owner.mount.MaxFrameBytes)
	in.limited = io.LimitedReader{R: r, N: limit + 1}
	n, err := in.ReadFrom(&in.limited)
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, errTooBig
	}
	return bytes.Clone(in.Bytes()), nil
}

// touch notes that a frame has been received, and says when, and how long there had been none.
func (l *link) touch() (now, silent time.Duration) {
	now = l.owner.srv.uptime()
	return now, now - time.Duration(l.lastSeen.Swap(int64(now)))
}

// watchIdle starts the clock, before the first reader.
func (l *link) watchIdle() {
	l.touch()
	l.owner.srv.clock.put(l, time.Duration(l.lastSeen.Load())+l.owner.mount.IdleTimeout)
}

// willStay sees to it that a reader which is to wait for more does not do so for long.
func (l *link) willStay() {
	if !l.hasted.Swap(true) {
		s := l.owner.srv
		s.clock.put(l, s.clock.now()+min(s.parkAfter, l.owner.mount.IdleTimeout))
	}
}

// checkIdle closes the connection when nothing has been received for the idle timeout, sends its reader away when
// nothing has for parkAfter, and says when to look again.
func (l *link) checkIdle(now time.Duration) (next time.Duration) {
	seen := time.Duration(l.lastSeen.Load())
	next = seen + l.owner.mount.IdleTimeout
	if next <= now {
		l.owner.Close(closeGoingAway, "idle")
		return now + l.owner.mount.IdleTimeout
	}
	if !l.hasted.Load() {
		return next
	}
	if leave := seen + l.owner.srv.parkAfter; leave > now {
		return min(next, leave)
	}
	l.hasted.Store(false)
	if time.Duration(l.lastSeen.Load()) != seen { // the reader, back just now, may count on it
		l.hasted.Store(true)
		return now + l.owner.srv.parkAfter
	}
	if !l.parked.Load() {
		_ = l.SetReadDeadline(longAgo)
	}
	return next
}
