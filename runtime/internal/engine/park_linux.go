//go:build !chgen_portable

package engine

import (
	"errors"
	"os"
	"sync"
	"syscall"
)

// canPark says that there is a poller.
const canPark = true

// poller waits for all parked links of a server at once, with epoll. Its goroutine, which waits in the runtime's own
// poller and so holds no thread, exists while it knows links.
type poller struct {
	mu    sync.Mutex // guards what follows
	epoll *os.File   // nil while no link is known
	fd    int        // of epoll
	slots []*link
	free  []int32 // of slots
	used  int
	turn  int32          // counts the links that have got a slot
	done  sync.WaitGroup // of the goroutine

	// Of the call of watch that is under way: kept, because the kernel's door takes them on the heap.
	op     int
	event  syscall.EpollEvent
	failed error
	ctl    func(fd uintptr)
}

// watch has l woken once when there is something to read.
func (p *poller) watch(l *link) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.epoll == nil {
		if err := p.open(); err != nil {
			return err
		}
	}
	op := syscall.EPOLL_CTL_MOD
	if l.slot < 0 {
		op = syscall.EPOLL_CTL_ADD
		p.place(l)
	}
	p.op, p.event = op, syscall.EpollEvent{
		Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | epollOneShot,
		Fd:     l.slot,
		Pad:    l.known,
	}
	err := l.owner.out.direct.conn.Control(p.ctl)
	if err == nil {
		err = p.failed
	}
	if err != nil && op == syscall.EPOLL_CTL_ADD {
		p.remove(l)
	}
	return err
}

const epollOneShot = 1 << 30

// open starts the goroutine. It needs mu.
func (p *poller) open() error {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		_ = syscall.Close(fd)
		return err
	}
	p.fd, p.epoll = fd, os.NewFile(uintptr(fd), "epoll")
	raw, err := p.epoll.SyscallConn()
	if err != nil {
		_ = p.epoll.Close()
		p.epoll = nil
		return err
	}
	p.ctl = func(fd uintptr) { p.failed = syscall.EpollCtl(p.fd, p.op, int(fd), &p.event) }
	p.done.Add(1)
	go p.run(raw)
	return nil
}

// place gives l a slot. It needs mu.
func (p *poller) place(l *link) {
	if n := len(p.free); n > 0 {
		l.slot = p.free[n-1]
		p.free = p.free[:n-1]
	} else {
		l.slot = int32(len(p.slots))
		p.slots = append(p.slots, nil)
	}
	p.slots[l.slot] = l
	p.turn++
	l.known = p.turn
	p.used++
}

// forget takes l away, if it is known. Its connection is closed, or will not be parked any more.
func (p *poller) forget(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.slot >= 0 {
		p.remove(l)
	}
}

// remove takes l out of its slot, and ends the goroutine after the last. It needs mu.
func (p *poller) remove(l *link) {
	p.slots[l.slot] = nil
	p.free = append(p.free, l.slot)
	l.slot = -1
	if p.used--; p.used == 0 {
		_ = p.epoll.Close()
		p.epoll, p.slots, p.free = nil, nil, nil
	}
}

// run wakes links until the poller is closed.
func (p *poller) run(raw syscall.RawConn) {
	defer p.done.Done()
	events := make([]syscall.EpollEvent, 256)
	links := make([]*link, 0, len(events))
	for {
		n := 0
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			n, failed = syscall.EpollWait(int(fd), events, 0)
			return n != 0 && !errors.Is(failed, syscall.EINTR)
		})
		if err != nil || failed != nil {
			return // it is closed
		}
		links = p.linksOf(events[:n], links[:0])
		for i, l := range links {
			l.wake()
			links[i] = nil
		}
	}
}

// linksOf appends the links that events are of.
func (p *poller) linksOf(events []syscall.EpollEvent, links []*link) []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range events {
		if int(e.Fd) >= len(p.slots) {
			continue
		}
		if l := p.slots[e.Fd]; l != nil && l.known == e.Pad {
			links = append(links, l)
		}
	}
	return links
}

// wait returns when the goroutine has ended.
func (p *poller) wait() { p.done.Wait() }
