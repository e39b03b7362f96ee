package engine

import (
	"bytes"
	"context"
	"net"
	"sync"
	"sync/atomic"
)

// Delivery says what may happen to an event that waits in a queue.
type Delivery uint8

// The deliveries.
const (
	// Stream events are delivered, or the connection ends.
	Stream Delivery = iota
	// Latest events give way to a newer one of the same key that comes while they wait.
	Latest
	// Volatile events are dropped when the queue is full.
	Volatile
)

// writeChunk is how much goes out in one write: what waits is joined up to that many bytes.
const writeChunk = 32 << 10

var chunks = sync.Pool{New: func() any {
	b := make([]byte, 0, writeChunk)
	return &b
}}

// queue holds the frames that wait to go out on one connection, bounded in bytes. Putting something in never blocks:
// the carrier is told, and takes out everything that is pending at once.
//
// A close frame is the last thing that goes out: what is put in after it is dropped.
type queue struct {
	srv    *Server
	direct direct // of a link

	mu      sync.Mutex    // guards what follows; held for memory work only
	bytes   int           // that wait or are being written
	writing bool          // the carrier has been told, and has not taken everything out since
	dead    bool          // the network failed, or was given up
	over    atomic.Bool   // closing or dead, for whoever does not need the lock
	only    []byte        // the frame that waits, where it is one that may not be dropped
	more    *backlog      // what waits else; nil while nothing does
	left    chan struct{} // closed when something has been delivered, made by awaitRoom
	closing *[]byte       // the close frame that is in, or was taken out
	drained chan struct{} // closed when everything has been taken out, made by wait

	carrier Carrier
}

// slowConsumer is the reason of a connection that is closed because its queue is full.
const slowConsumer = "slow consumer"

// put queues a data frame. key tells Latest frames apart. It returns false where the queue takes no more data, and
// closes itself where it is full and nothing in it may be dropped.
func (q *queue) put(data []byte, delivery Delivery, key string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.putLocked(data, delivery, key)
}

// directLink is the carrier, where that writes without waiting for the network.
func (q *queue) directLink() *link {
	if q.direct.conn == nil {
		return nil
	}
	return q.carrier.(*link)
}

// putHere puts a Stream frame in and has l, which is direct, write it at once where nothing else waits. It reports
// whether it keeps the frame's memory.
func (q *queue) putHere(l *link, data []byte) (keeps bool) {
	q.mu.Lock()
	if q.writing || q.closing != nil || q.dead {
		defer q.mu.Unlock()
		q.putLocked(data, Stream, "")
		return true
	}
	q.writing = true
	q.bytes += len(data)
	q.mu.Unlock()
	l.writeNow(data)
	return false
}

// cork has what is put in from now on wait for the caller's uncork, unless something waits already or the carrier takes it
// out when it likes: then it returns false. So whoever has to hold a lock while he puts something in can write it himself
// once he has let go.
func (q *queue) cork() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.direct.conn == nil || q.writing || q.closing != nil || q.dead {
		return false
	}
	q.writing = true
	return true
}

// uncork writes what has come since cork. It needs no lock to be held.
func (q *queue) uncork() { q.flush(0) }

func (q *queue) putLocked(data []byte, delivery Delivery, key string) bool {
	if q.closing != nil || q.dead {
		return false
	}
	if delivery == Latest {
		q.replace(key)
	}
	if !q.fits(len(data)) && !q.evict(len(data)) {
		q.srv.dropped(delivery)
		if delivery == Volatile {
			return true
		}
		q.closeLocked(closeFrame(closeTryAgain, slowConsumer), true)
		return false
	}
	q.append(outFrame{data, delivery, key})
	return true
}

// fits reports whether a frame of n bytes may wait too. One that is above the limit by itself may where what waits is
// not, or it could never go out.
func (q *queue) fits(n int) bool {
	limit := q.limit()
	return q.bytes+n <= limit || n > limit && q.bytes <= limit
}

func (q *queue) limit() int { return q.srv.limits.QueueBytes }

// replace drops the Latest frame of key that still waits.
func (q *queue) replace(key string) {
	if q.more == nil {
		return
	}
	if i, ok := q.more.at(key); ok {
		q.drop(i)
	}
}

// drop forgets a frame of the backlog, if it still waits.
func (q *queue) drop(i int) {
	if f := q.more.take(i); f.data != nil {
		q.more.holes++
		q.forget(f)
	}
}

// forget counts out a frame that is not delivered.
func (q *queue) forget(f outFrame) {
	q.bytes -= len(f.data)
	if f.data[0]&controlBit == 0 {
		q.srv.dropped(f.delivery)
	}
}

// evict drops waiting volatile frames, oldest first, until n bytes fit.
func (q *queue) evict(n int) bool {
	if q.more == nil {
		return false
	}
	for i := q.more.head; q.more.lossy > 0; i++ {
		if q.more.frames[i].delivery == Volatile {
			if q.drop(i); q.fits(n) {
				return true
			}
		}
	}
	return false
}

func (q *queue) append(f outFrame) {
	q.bytes += len(f.data)
	switch {
	case q.more != nil:
		q.more.add(f)
	case q.only == nil && f.delivery == Stream:
		q.only = f.data
	default:
		q.more = backlogs.Get().(*backlog)
		if q.only != nil {
			q.more.add(outFrame{data: q.only})
			q.only = nil
		}
		q.more.add(f)
	}
	if !q.writing {
		q.writing = true
		if q.direct.conn != nil {
			q.srv.flushers.add(q)
		} else {
			q.carrier.Ready()
		}
	}
}

// hasRoom reports whether there is room for a frame of n bytes that can wait: such frames leave half of the queue to
// those that cannot.
func (q *queue) hasRoom(n int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.roomFor(n)
}

func (q *queue) roomFor(n int) bool { return q.bytes == 0 || q.bytes+n <= q.limit()/2 }

// awaitRoom returns true once there is room for a frame of n bytes that can wait, or false when ctx ends before.
func (q *queue) awaitRoom(ctx context.Context, n int) bool {
	for {
		q.mu.Lock()
		if q.roomFor(n) {
			q.mu.Unlock()
			return true
		}
		if q.left == nil {
			q.left = make(chan struct{})
		}
		left := q.left
		q.mu.Unlock()
		select {
		case <-left:
		case <-ctx.Done():
			return false
		}
	}
}

// sent counts bytes out that have been delivered.
func (q *queue) sent(n int) {
	q.bytes -= n
	if q.left != nil {
		close(q.left)
		q.left = nil
	}
}

// control queues a control frame of the WebSocket library: it stands in line like any other.
func (q *queue) control(frame []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.dead:
		return net.ErrClosed
	case q.closing != nil:
	case frame[0]&0x0f == opClose:
		q.closeLocked(bytes.Clone(frame), false)
	case !q.fits(len(frame)) && !q.evict(len(frame)):
		q.closeLocked(closeFrame(closeTryAgain, slowConsumer), true)
	default:
		q.append(outFrame{data: bytes.Clone(frame)})
	}
	return nil
}

// close puts a close frame behind what waits. It reports whether it was the first to close.
func (q *queue) close(frame []byte) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closing != nil || q.dead {
		return false
	}
	q.closeLocked(frame, false)
	return true
}

// closeLocked queues the close frame, instead of what waits where discard is set, and tells the carrier.
func (q *queue) closeLocked(frame []byte, discard bool) {
	q.closing = &frame
	q.over.Store(true)
	if discard {
		for f := q.pop(); f.data != nil; f = q.pop() {
			q.forget(f)
		}
	}
	q.append(outFrame{data: frame})
	q.carrier.Closing()
}

// isClosing reports whether the connection is being closed, or has failed.
func (q *queue) isClosing() bool { return q.over.Load() }

// closedWith says with what the connection is being closed, if it is.
func (q *queue) closedWith() (code uint16, reason string, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closing == nil {
		return 0, "", false
	}
	code, reason = parseCloseFrame(*q.closing)
	return code, reason, true
}

// fail drops everything, now and from now on: there is nobody to take it.
func (q *queue) fail() {
	q.mu.Lock()
	q.dead = true
	q.over.Store(true)
	q.mu.Unlock()
}

// kill is fail that has the carrier end at once.
func (q *queue) kill() {
	q.fail()
	q.carrier.Cut()
}

// wait returns when everything has been taken out.
func (q *queue) wait() {
	q.mu.Lock()
	if !q.writing {
		q.mu.Unlock()
		return
	}
	if q.drained == nil {
		q.drained = make(chan struct{})
	}
	drained := q.drained
	q.mu.Unlock()
	<-drained
}

// takeAll takes out all messages that wait, each without its header. Their n bytes count as waiting until release.
func (q *queue) takeAll() (frames []Frame, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for f := q.pop(); f.data != nil; f = q.pop() {
		n += len(f.data)
		if op := f.data[0] & 0x0f; op != opClose {
			frames = append(frames, Frame{framePayload(f.data), op == opBinary})
		}
	}
	q.emptied()
	return frames, n
}

// release counts out what takeAll has taken.
func (q *queue) release(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sent(n)
}

// pending reports whether messages wait, other than the close frame.
func (q *queue) pending() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := q.waiting()
	if q.closing != nil {
		waiting--
	}
	return waiting > 0
}

// waiting is how many frames wait. It needs q.mu.
func (q *queue) waiting() int {
	switch {
	case q.more != nil:
		return q.more.len()
	case q.only != nil:
		return 1
	}
	return 0
}

// emptied notes that nothing waits any more.
func (q *queue) emptied() {
	q.writing = false
	if q.drained != nil {
		close(q.drained)
		q.drained = nil
	}
}

// next takes out what is to be written at once: a single frame as it is, or several joined in a chunk, which goes
// back to the pool once it is written. written is what came of the last call. No data says that nothing waits.
func (q *queue) next(written int) (data []byte, chunk *[]byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sent(written)
	switch {
	case q.dead:
		q.empty()
	case q.only != nil:
		data, q.only = q.only, nil
	case q.more != nil:
		if data, chunk = q.more.join(); q.more.len() == 0 {
			q.empty()
		}
	}
	if data == nil {
		q.emptied()
	}
	return data, chunk
}

// pop takes out the oldest frame, one without data where there is none.
func (q *queue) pop() (f outFrame) {
	switch {
	case q.dead:
		q.empty()
	case q.only != nil:
		f.data, q.only = q.only, nil
	case q.more != nil:
		if f = q.more.pop(); q.more.len() == 0 {
			q.empty()
		}
	}
	return f
}

// empty forgets what waits.
func (q *queue) empty() {
	q.only = nil
	if q.more != nil {
		q.more.giveBack()
		q.more = nil
	}
	if q.dead {
		q.bytes = 0
	}
}
