package engine

import (
	"errors"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
)

// flusher writes what waits on many links, one link after the other, without ever waiting for one: what the network does
// not take at once is left to a goroutine of the link's own. While it is busy with some, more comes to wait on the
// others, and goes out in one write. It has a goroutine only while there is something to do.
type flusher struct {
	work *sync.WaitGroup // of all flushers

	mu      sync.Mutex // guards what follows; taken with a queue's lock held
	links   []*link
	spare   []*link // the memory of links that have been taken
	running bool
}

// newFlushers returns as many flushers as can run at once.
func newFlushers(work *sync.WaitGroup) []flusher {
	f := make([]flusher, runtime.GOMAXPROCS(0))
	for i := range f {
		f[i].work = work
	}
	return f
}

// flusher returns one for a new link.
func (s *Server) flusher() *flusher {
	return &s.flushers[s.serial.Add(1)%uint64(len(s.flushers))]
}

// add has what waits on l written soon.
func (f *flusher) add(l *link) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.links = append(f.links, l)
	if !f.running {
		f.running = true
		f.work.Add(1)
		go f.run()
	}
}

func (f *flusher) run() {
	defer f.work.Done()
	for links := f.take(); links != nil; links = f.take() {
		for i, l := range links {
			l.flush(0)
			links[i] = nil
		}
	}
}

// take takes all links, nil where there are none any more.
func (f *flusher) take() []*link {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.links) == 0 {
		f.running = false
		f.links, f.spare = nil, nil
		return nil
	}
	links := f.links
	f.links, f.spare = f.spare[:0], links
	return links
}

// direct writes to a connection without waiting.
type direct struct {
	conn  syscall.RawConn // nil where the connection is not the system's own, as with TLS or a listener that wraps it
	write func(fd uintptr) bool
	data  []byte // of the write that is under way; for the one who writes alone, like n and err
	n     int
	err   error
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
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	d.conn = raw
	d.write = func(fd uintptr) bool {
		d.n, d.err = writeNow(fd, d.data)
		return true // it never waits
	}
}

// try writes what the network takes of data at once. Where that is not all of it and nothing has failed, the rest has to
// wait.
func (d *direct) try(data []byte) (n int, err error) {
	d.data, d.n, d.err = data, 0, nil
	err = d.conn.Write(d.write)
	d.data = nil
	if err == nil {
		err = d.err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) { // of an earlier write that had to wait
		err = nil
	}
	return d.n, err
}
