// Package redistest runs a real Redis for tests.
package redistest

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/chgen/chgen/internal/netfault"
)

// Server is a redis-server of its own, on a port and in a directory of its own.
type Server struct {
	t    testing.TB
	addr string
	dir  string
	args []string
	cmd  *exec.Cmd
}

// Start runs a redis-server with more arguments, if any ("--appendonly", "yes"), until the test ends. A machine without
// one fails the test.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return start(t, append([]string{"--save", "", "--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"}, args...))
}

// StartSentinel runs a Sentinel with a configuration file, which it writes to, until the test ends.
func StartSentinel(t testing.TB, config string) *Server {
	t.Helper()
	return start(t, []string{config, "--sentinel"})
}

func start(t testing.TB, args []string) *Server {
	t.Helper()
	s := &Server{t: t, addr: netfault.FreePort(t), dir: t.TempDir(), args: args}
	t.Cleanup(s.Kill)
	s.Run()
	return s
}

// Addr is the server's host and port.
func (s *Server) Addr() string { return s.addr }

// URL is how to connect to the server.
func (s *Server) URL() string { return "redis://" + s.addr }

// Run runs the server again, in the same place, with what it has saved. It returns when it can be used.
func (s *Server) Run() {
	s.t.Helper()
	_, port, _ := net.SplitHostPort(s.addr)
	args := append(slices.Clone(s.args), "--port", port, "--bind", "127.0.0.1", "--dir", s.dir, "--daemonize", "no")
	s.cmd = exec.Command("redis-server", args...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("the tests need Redis (apt-get install redis-server, or make redis): %v", err)
	}
	timeout := time.After(30 * time.Second)
	for {
		if _, err := s.try("PING"); err == nil {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-timeout:
			s.t.Fatal("redis-server does not answer")
		}
	}
}

// Kill ends the server at once, without letting it save anything.
func (s *Server) Kill() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// Do sends a command over a connection of its own and returns the reply as text.
func (s *Server) Do(args ...string) string {
	s.t.Helper()
	reply, err := s.try(args...)
	if err != nil {
		s.t.Fatalf("%v: %v", args, err)
	}
	return reply
}

func (s *Server) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.addr}, DisableCache: true, ForceSingleClient: true})
	if err != nil {
		return "", err
	}
	defer client.Close()
	reply, err := client.Do(ctx, client.B().Arbitrary(args...).Build()).ToAny()
	return fmt.Sprint(reply), err
}
