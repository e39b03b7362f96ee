package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/chgen/chgen/bench/load"
	"github.com/chgen/chgen/bench/serve"
)

// process is a program that obeys commands line by line.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan []byte
	inMu  sync.Mutex // guards in
}

// start runs a program with more environment. Lines that taken takes are not answers.
func start(taken func(line []byte) bool, name string, env []string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(name, args...), lines: make(chan []byte, 16)} //nolint:gosec // programs of ours
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.lines)
		scan := bufio.NewScanner(out)
		for scan.Scan() {
			if !taken(scan.Bytes()) {
				p.lines <- bytes.Clone(scan.Bytes())
			}
		}
	}()
	return p, nil
}

func (p *process) send(command any) error {
	line, err := json.Marshal(command)
	if err != nil {
		return err
	}
	p.inMu.Lock()
	defer p.inMu.Unlock()
	_, err = p.in.Write(append(line, '\n'))
	return err
}

var errEnded = errors.New("the program has ended")

// kill ends a program that does not listen to its standard input.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	p.end()
}

func (p *process) end() {
	_ = p.in.Close()
	late := time.AfterFunc(3*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	for range p.lines { // until it has ended
	}
	_ = p.cmd.Wait()
}

func none([]byte) bool { return false }

// server is a running server.
type server struct {
	*process
	kind, addr string
}

// startServer runs a server of a kind, over b where that is not nil.
func startServer(kind string, b *bus) (*server, error) {
	var env []string
	if b != nil {
		env = []string{"BENCH_BUS=" + b.url}
	}
	var p *process
	var err error
	switch kind {
	case "ws", "socketio":
		p, err = start(none, "node", nil, "node/server.mjs", kind)
	case "chgen-portable":
		p, err = start(none, "go", env, "run", "-tags", "chgen_portable", ".", "serve", "chgen")
	default:
		p, err = start(none, os.Args[0], env, "serve", kind)
	}
	if err != nil {
		return nil, err
	}
	var hello struct{ Addr string }
	line, ok := <-p.lines
	if !ok {
		return nil, fmt.Errorf("%s: %w", kind, errEnded)
	}
	if err := json.Unmarshal(line, &hello); err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	return &server{p, kind, hello.Addr}, nil
}

func (s *server) ask(c serve.Command) (r serve.Result, err error) {
	if err := s.send(c); err != nil {
		return r, err
	}
	line, ok := <-s.lines
	if !ok {
		return r, fmt.Errorf("%s: %w", s.kind, errEnded)
	}
	if err = json.Unmarshal(line, &r); err == nil && r.Error != "" {
		err = errors.New(r.Error)
	}
	return r, err
}

// clients is a running load generator.
type clients struct{ *process }

// startClients runs a load generator that tells srv what the slowest client has received.
func startClients(srv *server) (*clients, error) {
	p, err := start(func(line []byte) bool {
		var r load.Result
		if json.Unmarshal(line, &r) != nil || r.Credit == nil {
			return false
		}
		_ = srv.send(serve.Command{Cmd: "credit", Credit: *r.Credit}) // one that has ended says so elsewhere
		return true
	}, os.Args[0], nil, "load")
	if err != nil {
		return nil, err
	}
	return &clients{p}, nil
}

func (c *clients) ask(command load.Command) (r load.Result, err error) {
	if err := c.send(command); err != nil {
		return r, err
	}
	line, ok := <-c.lines
	if !ok {
		return r, fmt.Errorf("load: %w", errEnded)
	}
	if err = json.Unmarshal(line, &r); err == nil && r.Error != "" {
		err = errors.New(r.Error)
	}
	return r, err
}
