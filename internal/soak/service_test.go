package soak_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chgen/chgen/internal/netfault"
	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/pubsub"
)

// node is one node of a service. A node that was killed can be started again.
type node interface {
	start()
	kill()
	addr() string // empty when it does not run
}

// service is several nodes behind a proxy that gives each connection to the next.
type service struct {
	nodes []node
	proxy *netfault.Proxy
}

func newService(t testing.TB, nodes ...node) *service {
	s := &service{nodes: nodes, proxy: netfault.New(t)}
	for _, n := range nodes {
		n.start()
		t.Cleanup(n.kill)
	}
	s.found()
	return s
}

// found has clients find the nodes that run.
func (s *service) found() {
	var addrs []string
	for _, n := range s.nodes {
		if addr := n.addr(); addr != "" {
			addrs = append(addrs, addr)
		}
	}
	s.proxy.SetTargets(addrs...)
}

func (s *service) url() string { return "ws://" + s.proxy.Addr() + "/socket" }

// process is a node in a process of its own.
type process struct {
	t       testing.TB
	config  nodeConfig
	logFile string
	cmd     *exec.Cmd
	at      string
	stdin   io.Closer
}

func newProcess(t testing.TB, config nodeConfig) *process {
	p := &process{t: t, config: config, logFile: filepath.Join(t.TempDir(), "node.log")}
	t.Cleanup(p.inspect)
	return p
}

func (p *process) addr() string { return p.at }

func (p *process) start() {
	config, err := json.Marshal(p.config)
	if err != nil {
		p.t.Fatal(err)
	}
	logs, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = logs.Close() }() // the process has its own
	for p.at == "" {
		p.cmd = exec.Command(os.Args[0])
		p.cmd.Env = append(os.Environ(), nodeVariable+"="+string(config), "GORACE=halt_on_error=1")
		p.cmd.Stderr = logs
		stdin, err := p.cmd.StdinPipe()
		if err != nil {
			p.t.Fatal(err)
		}
		stdout, err := p.cmd.StdoutPipe()
		if err != nil {
			p.t.Fatal(err)
		}
		if err := p.cmd.Start(); err != nil {
			p.t.Fatal(err)
		}
		p.stdin = stdin
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		if p.at = strings.TrimSpace(line); p.at == "" { // the bus cannot be reached now
			_ = p.cmd.Wait()
			if p.t.Context().Err() != nil {
				return
			}
			p.inspect()
			<-time.After(50 * time.Millisecond)
		}
	}
}

func (p *process) kill() { p.end(syscall.SIGKILL) }

// terminate lets the node drain.
func (p *process) terminate() { p.end(syscall.SIGTERM) }

func (p *process) end(signal syscall.Signal) {
	if p.at == "" {
		return
	}
	p.signal(signal)
	_ = p.cmd.Wait()
	_ = p.stdin.Close()
	p.at = ""
}

func (p *process) signal(signal syscall.Signal) { _ = p.cmd.Process.Signal(signal) }

// inspect looks for what a node says when it is wrong.
func (p *process) inspect() {
	logs, _ := os.ReadFile(p.logFile)
	for _, sign := range []string{"DATA RACE", "panic:", "fatal error:", "panicked"} {
		if i := strings.Index(string(logs), sign); i >= 0 {
			p.t.Errorf("a node: %.6000s", logs[i:])
			return
		}
	}
}

// inProcess is a node in this process.
type inProcess struct {
	t      testing.TB
	bus    pubsub.PubSub
	server *channel.Server
	web    *http.Server
	at     string
}

func (n *inProcess) addr() string { return n.at }

func (n *inProcess) start() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		n.t.Fatal(err)
	}
	n.server = newServer(n.bus, slog.New(slog.DiscardHandler))
	n.web = &http.Server{Handler: n.server, ReadHeaderTimeout: 10 * time.Second}
	n.at = listener.Addr().String()
	web := n.web
	go func() { _ = web.Serve(listener) }()
}

// kill cuts all connections.
func (n *inProcess) kill() {
	if n.at == "" {
		return
	}
	_ = n.web.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = n.server.Shutdown(ctx)
	n.at = ""
}
