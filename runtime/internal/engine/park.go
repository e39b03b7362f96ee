package engine

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A reader leaves as soon as there is nothing to read, unless messages come one upon the other: then it stays until the
// connection has been silent for defaultParkAfter, since leaving and coming back costs more than waiting.
const (
	defaultParkAfter = 2 * time.Second
	busyGap          = 100 * time.Millisecond // between two messages, at most
	busyStreak       = 4                      // such gaps in a row
)

// reading is the part of a link that waits for the client. A reader goroutine that finds nothing to read parks the link
// and ends: the poller starts another when there is something. So an idle connection has no goroutine, whose stack would
// be most of its memory. Where there is no poller, or the connection is none of the system's, the reader stays.
type reading struct {
	*ahead       // nil while the link is parked; for the reader alone, as is
	gaps   int32 // short ones between the latest messages, busyStreak at most

	hasted atomic.Bool // the clock looks after a reader that stays
	parked atomic.Bool // nobody reads; whoever sets it back starts a reader
	slot   int32       // of the poller, for what it calls with; -1 where it is not known to it
	known  int32       // with the slot, what the kernel calls it by: so an event for a link that has gone meets no other
}

// ahead is what a link has while somebody reads.
type ahead struct {
	buffered *bufio.Reader // the library's
	inbox    []byte        // what has been read ahead, by the HTTP server at first
	readErr  error         // of the network
	memory   *[]byte       // of inbox; nil while that is empty, or the HTTP server's

	fetch func(fd uintptr) bool // reads ahead
	n     int                   // its outcome, like
	err   error                 // and
	again bool                  // there was nothing to read, yet
	stays bool                  // fetch is to wait
	fresh bool                  // nothing has been received yet
	empty bool                  // what has been fetched last was all there was
}

var aheads = sync.Pool{New: func() any {
	a := new(ahead)
	a.fetch = a.read
	return a
}}

var inboxes = sync.Pool{New: func() any {
	b := make([]byte, 4<<10)
	return &b
}}

// prepareReading is called before anything else of it.
func (l *link) prepareReading() {
	l.slot = -1
	l.ahead = aheads.Get().(*ahead)
}

// readsAhead reports whether what comes is read ahead, with memory that is taken once there is something.
func (l *link) readsAhead() bool { return l.owner.out.direct.conn != nil }

// mayPark reports whether l can be parked.
func (l *link) mayPark() bool { return canPark && l.readsAhead() }

// read is fetch.
func (a *ahead) read(fd uintptr) bool {
	memory := inboxes.Get().(*[]byte)
	a.n, a.again, a.err = readNow(fd, *memory)
	if a.n > 0 {
		a.inbox, a.memory = (*memory)[:a.n], memory
		a.empty = a.n < len(*memory)
		return true
	}
	inboxes.Put(memory)
	return !a.stays || !a.again // else it is called again when there is something
}

// giveBack gives the memory back, where nothing in it is needed.
func (a *ahead) giveBack() {
	if len(a.inbox) > 0 {
		return // the connection has ended with something unread
	}
	*a = ahead{fetch: a.fetch}
	aheads.Put(a)
}

// noteGap notes how long the client had been silent before a message.
func (l *link) noteGap(silent time.Duration) {
	if silent > busyGap {
		l.gaps = 0
	} else if l.gaps < busyStreak {
		l.gaps++
	}
}

// awaitMessage returns when there is something to read, or an error of the network that reading will meet too. It
// returns false when the link has been parked instead.
func (l *link) awaitMessage() bool {
	if !l.readsAhead() || len(l.inbox) > 0 || l.buffered != nil && l.buffered.Buffered() > 0 {
		return true
	}
	busy := l.gaps >= busyStreak
	l.stays = busy || l.fresh || !canPark
	switch {
	case !canPark:
		l.hibernate()
	case busy:
		l.willStay()
	case !l.fresh && l.empty: // to look once more would mostly be in vain
		if l.empty = false; l.park() {
			return false
		}
	}
	for {
		err := l.owner.out.direct.conn.Read(l.fetch)
		if err == nil {
			err = l.err
		}
		switch {
		case err == nil && l.again:
		case errors.Is(err, os.ErrDeadlineExceeded):
			_ = l.SetReadDeadline(time.Time{})
			l.gaps, l.fresh = 0, false
		default:
			l.readErr = noMore(l.n, err)
			return true
		}
		if l.isEnding() { // which the deadline may have been to tell
			l.readErr = net.ErrClosed
			return true
		}
		if l.park() {
			return false
		}
	}
}

// noMore is the error of a read of n bytes.
func noMore(n int, err error) error {
	if err == nil && n == 0 {
		return io.EOF
	}
	return err
}

// isEnding reports whether the reader is wanted for the end of the connection.
func (l *link) isEnding() bool { return l.owner.out.isClosing() }

// park leaves l to the poller, or to whoever has begun to end the connection meanwhile. It returns false where the reader
// has to go on.
func (l *link) park() bool {
	l.hibernate()
	a, needed := l.ahead, l.ws != nil
	if !needed {
		l.ahead = nil
	}
	l.parked.Store(true)
	if (l.isEnding() || l.owner.srv.poller.watch(l) != nil) && l.unpark() {
		l.ahead = a
		l.stays = true // to be told of the end by the deadline, or because the poller takes no more
		return false
	}
	if !needed {
		a.giveBack()
	}
	return true
}

// unpark reports whether the caller is to start a reader, or to go on as one.
func (l *link) unpark() bool { return l.parked.CompareAndSwap(true, false) }

// serveFirst is serve for the goroutine of the request that has opened the connection. Most clients join at once: that is
// read here, if it comes before long, where it costs neither another goroutine nor a turn of the poller. A client that
// then goes on gets a reader of its own, because net/http keeps memory for its goroutines.
func (l *link) serveFirst() {
	if !l.mayPark() {
		go l.serve()
		return
	}
	l.fresh = true
	_ = l.SetReadDeadline(time.Now().Add(l.owner.srv.parkAfter))
	if l.isEnding() { // what was to tell the reader so may have come before that deadline
		_ = l.SetReadDeadline(longAgo)
	}
	l.serve()
}

// greeted ends what serveFirst has begun.
func (l *link) greeted() {
	l.fresh = false
	_ = l.SetReadDeadline(time.Time{})
	if l.isEnding() { // which the deadline may have been to tell
		l.readErr = net.ErrClosed
	}
}

// wake starts a reader for a link that is parked.
func (l *link) wake() {
	if l.unpark() {
		go l.serve()
	}
}

// takeInbox takes what has been read ahead.
func (l *link) takeInbox(p []byte) int {
	n := copy(p, l.inbox)
	l.dropInbox(n)
	return n
}

// dropInbox gives up the next n bytes of what has been read ahead.
func (l *link) dropInbox(n int) {
	if l.inbox = l.inbox[n:]; len(l.inbox) > 0 {
		return
	}
	if l.memory != nil {
		inboxes.Put(l.memory)
	}
	l.inbox, l.memory = nil, nil
}

// readNetwork reads from the network while a message is under way: a reader that is asked to leave then stays.
func (l *link) readNetwork(p []byte) (int, error) {
	for {
		n, err := l.Conn.Read(p)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || l.isEnding() {
			return n, err
		}
		_ = l.SetReadDeadline(time.Time{})
		if l.isEnding() { // and the deadline was meant to say so
			return 0, net.ErrClosed
		}
	}
}
