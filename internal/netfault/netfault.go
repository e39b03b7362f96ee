// Package netfault is a TCP proxy for tests that can do to connections what networks do: cut them, or leave them open and
// carry nothing.
package netfault

import (
	"net"
	"sync"
	"testing"
)

// Proxy stands between clients and addresses.
type Proxy struct {
	listener net.Listener
	running  sync.WaitGroup

	mu      sync.Mutex // guards what follows
	targets []string
	next    int // the target whose turn it is
	conns   map[net.Conn]bool
	frozen  map[net.Conn]bool
	held    chan struct{} // closed when what is held may go on; nil when nothing is held
	ended   chan struct{} // closed with the proxy
}

// New begins to carry connections to the targets, each to the next. The proxy ends with the test.
func New(t testing.TB, targets ...string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, targets: targets, conns: make(map[net.Conn]bool), frozen: make(map[net.Conn]bool), ended: make(chan struct{})}
	p.running.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// Addr is where clients connect to.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// SetTargets has connections from now on go to other addresses.
func (p *Proxy) SetTargets(targets ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets = targets
}

// Hold leaves all connections open, and takes new ones, but carries nothing any more.
func (p *Proxy) Hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == nil {
		p.held = make(chan struct{})
	}
}

// Release ends Hold. What was held is carried on if its connection still stands.
func (p *Proxy) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held != nil {
		close(p.held)
		p.held = nil
	}
}

// Freeze leaves the connections that stand open for ever, and carries nothing over them. New ones are carried.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		p.frozen[conn] = true
	}
}

// Cut closes all connections. New ones are carried.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
	}
}

func (p *Proxy) close() {
	p.mu.Lock()
	close(p.ended)
	p.mu.Unlock()
	_ = p.listener.Close()
	p.Cut()
	p.Release()
	p.running.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.carry(client) })
	}
}

// carry carries one connection until one side ends it.
func (p *Proxy) carry(client net.Conn) {
	if !p.keep(client) {
		return
	}
	defer p.drop(client)
	p.wait(client)
	server := p.dial()
	if server == nil || !p.keep(server) {
		return
	}
	defer p.drop(server)
	var back sync.WaitGroup
	back.Go(func() { p.copy(client, server) })
	p.copy(server, client)
	back.Wait()
}

// dial connects to the target whose turn it is, or to the first after it that can be reached.
func (p *Proxy) dial() net.Conn {
	p.mu.Lock()
	targets, first := p.targets, p.next
	p.next++
	p.mu.Unlock()
	for i := range targets {
		if conn, err := net.Dial("tcp", targets[(first+i)%len(targets)]); err == nil {
			return conn
		}
	}
	return nil
}

func (p *Proxy) copy(to, from net.Conn) {
	defer to.Close()   //nolint:errcheck // the connection is of no more use
	defer from.Close() //nolint:errcheck // the connection is of no more use
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.wait(from)
		if _, werr := to.Write(buf[:n]); werr != nil || err != nil {
			return
		}
	}
}

// wait returns when conn may go on.
func (p *Proxy) wait(conn net.Conn) {
	p.mu.Lock()
	held := p.held
	if p.frozen[conn] {
		held = p.ended
	}
	p.mu.Unlock()
	if held != nil {
		<-held
	}
}

func (p *Proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.ended:
		_ = conn.Close()
		return false
	default:
	}
	p.conns[conn] = true
	return true
}

func (p *Proxy) drop(conn net.Conn) {
	_ = conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}
