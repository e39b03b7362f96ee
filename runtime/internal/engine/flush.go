package engine

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// flushers write what waits on many links, one link after the other, without ever waiting for one: what the network does
// not take at once is left to a goroutine of the link's own. While they are busy with some, more comes to wait on the
// others, and goes out in one write. They have goroutines only while there is something to do, and mostly no more than
// half of what can run at once: the other half is for who publishes and who reads, and two that write at the same time
// take more from the kernel than one that writes twice as much. Where something has waited for patience, all may.
type flushers struct {
	work *sync.WaitGroup
	all  int // that can run at once

	mu      sync.Mutex // guards what follows; taken with a queue's lock held
	round   []*queue   // are being worked through, after those that next says have been taken
	next    int
	began   time.Time // when the round did
	queues  []*queue  // of the next round
	running int
}

// flushBatch is how many queues a flusher takes at once, and patience how long a round of half of the flushers may take.
const (
	flushBatch = 32
	patience   = 50 * time.Millisecond
)

// add has what waits in q written soon.
func (f *flushers) add(q *queue) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queues = append(f.queues, q)
	f.start(f.half())
}

// half is how many flushers there may be without there being need.
func (f *flushers) half() int { return (f.all + 1) / 2 }

// start starts another flusher where there is enough to do for it, and there are less than limit. It needs f.mu.
func (f *flushers) start(limit int) {
	if waiting := len(f.round) - f.next + len(f.queues); f.running < limit && waiting > f.running*flushBatch {
		f.running++
		f.work.Add(1)
		go f.run()
	}
}

func (f *flushers) run() {
	defer f.work.Done()
	var batch [flushBatch]*queue
	for n := f.take(batch[:]); n > 0; n = f.take(batch[:]) {
		for _, q := range batch[:n] {
			q.flush(0)
		}
		clear(batch[:n])
	}
}

// take takes the next queues, none where the flusher is to end.
func (f *flushers) take(batch []*queue) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next == len(f.round) {
		f.round, f.queues, f.next = f.queues, f.round[:0], 0
		f.began = time.Now()
	}
	limit := f.half()
	if time.Since(f.began) > patience {
		limit = f.all
	}
	if n = copy(batch, f.round[f.next:]); n == 0 || f.running > limit {
		if f.running--; f.running == 0 {
			f.round, f.queues, f.next = nil, nil, 0
		}
		return 0
	}
	clear(f.round[f.next : f.next+n])
	f.next += n
	f.start(limit)
	return n
}

// flush writes what waits, as long as the network takes it at once. written is what was taken out before.
func (q *queue) flush(written int) {
	for {
		data, chunk := q.next(written)
		if data == nil {
			return
		}
		written = len(data)
		n, err := q.direct.try(data)
		if err == nil && n < len(data) {
			go q.directLink().write(data[n:], chunk, written)
			return
		}
		if chunk != nil || err != nil {
			q.directLink().wrote(chunk, err)
		}
	}
}

// direct writes to a connection without waiting.
type direct struct {
	conn syscall.RawConn // nil where the connection is not the system's own, as with TLS or a listener that wraps it
}

// open makes conn what is written to.
func (d *direct) open(conn net.Conn) {
	var c syscall.Conn
	switch conn := conn.(type) { // a type of somebody else's may do more than its descriptor says
	case *net.TCPConn:
		c = conn
	case *net.UnixConn:
		c = conn
	}
	if c == nil || !writesDirectly {
		return
	}
	if raw, err := c.SyscallConn(); err == nil {
		d.conn = raw
	}
}

// try writes what the network takes of data at once. Where that is not all of it and nothing has failed, the rest has to
// wait.
func (d *direct) try(data []byte) (n int, err error) {
	a := attempts.Get().(*attempt)
	defer attempts.Put(a)
	a.data, a.n, a.err = data, 0, nil
	err = d.conn.Write(a.write)
	a.data = nil
	if err == nil {
		err = a.err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) { // of an earlier write that had to wait
		err = nil
	}
	return a.n, err
}

// attempt is a write that is under way. Few are at a time, so connections have none of their own.
type attempt struct {
	write func(fd uintptr) bool
	data  []byte
	n     int
	err   error
}

var attempts = sync.Pool{New: func() any {
	a := &attempt{}
	a.write = func(fd uintptr) bool {
		a.n, a.err = writeNow(fd, a.data)
		return true // it never waits
	}
	return a
}}
