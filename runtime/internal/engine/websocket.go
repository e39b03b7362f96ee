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

// serve is the reader goroutine of a WebSocket. It owns the connection and returns when everything of it has ended.
func (l *link) serve() {
	c := l.owner
	defer c.End()
	l.watchIdle()
	l.read()
	l.stopIdle()
	c.hangUp()
	if l.readErr == nil || c.out.isClosing() {
		l.linger()
	}
	_ = l.ws.CloseNow()
}

// read receives frames until the connection ends.
func (l *link) read() {
	for {
		kind, reader, err := l.ws.Reader(context.Background())
		if err != nil {
			l.readFailed(err)
			return
		}
		data, err := l.readMessage(reader)
		if err != nil {
			l.readFailed(err)
			return
		}
		l.touch()
		if l.owner.Receive(data, kind == websocket.MessageBinary) != nil {
			return
		}
	}
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

var scratches = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, 1024)) }}

// maxScratch is how large a buffer is kept for the next message.
const maxScratch = 64 << 10

// readMessage reads one message into memory of its own.
func (l *link) readMessage(r io.Reader) ([]byte, error) {
	scratch := scratches.Get().(*bytes.Buffer)
	defer func() {
		if scratch.Cap() <= maxScratch {
			scratch.Reset()
			scratches.Put(scratch)
		}
	}()
	limit := int64(l.owner.mount.MaxFrameBytes)
	l.limited = io.LimitedReader{R: r, N: limit + 1}
	n, err := scratch.ReadFrom(&l.limited)
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, errTooBig
	}
	return bytes.Clone(scratch.Bytes()), nil
}

// touch notes that a frame has been received.
func (l *link) touch() { l.lastSeen.Store(int64(time.Since(l.owner.srv.started))) }

func (l *link) watchIdle() {
	l.touch()
	l.idleMu.Lock() // checkIdle may come before the assignment
	defer l.idleMu.Unlock()
	l.idle = time.AfterFunc(l.owner.mount.IdleTimeout, l.checkIdle)
}

func (l *link) stopIdle() {
	l.idleMu.Lock()
	defer l.idleMu.Unlock()
	l.idle.Stop()
	l.idle = nil
}

// checkIdle closes the connection when nothing has been received for the idle timeout, or looks again later.
func (l *link) checkIdle() {
	left := l.owner.mount.IdleTimeout - (time.Since(l.owner.srv.started) - time.Duration(l.lastSeen.Load()))
	if left <= 0 {
		l.owner.Close(closeGoingAway, "idle")
		return
	}
	l.idleMu.Lock()
	defer l.idleMu.Unlock()
	if l.idle != nil {
		l.idle.Reset(left)
	}
}
