// Package natstest runs a real NATS server with JetStream for tests, and tests runtime/pubsub/nats with it. It is a
// module of its own, so that nobody who uses chgen finds the server among his dependencies.
package natstest

import (
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Server is a NATS server on a port and with a store of its own.
type Server struct {
	t      testing.TB
	opts   server.Options
	server *server.Server
}

// Start runs a server until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, opts: server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true}}
	t.Cleanup(s.Stop)
	s.Run()
	return s
}

// Run runs the server again, on the same port and with the same store.
func (s *Server) Run() {
	s.t.Helper()
	opts := s.opts
	running, err := server.NewServer(&opts)
	if err != nil {
		s.t.Fatal(err)
	}
	s.server = running
	running.Start()
	if !running.ReadyForConnections(30 * time.Second) {
		s.t.Fatal("the NATS server does not answer")
	}
	_, port, _ := net.SplitHostPort(running.Addr().String())
	s.opts.Port, _ = strconv.Atoi(port)
}

// Stop ends the server. What it has stored stays.
func (s *Server) Stop() {
	s.server.Shutdown()
	s.server.WaitForShutdown()
}

// Lose has the server, which is stopped, come back with an empty store.
func (s *Server) Lose() { s.opts.StoreDir = s.t.TempDir() }

// Copy returns a copy of the store of the server, which is stopped.
func (s *Server) Copy() string {
	s.t.Helper()
	dir := s.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(s.opts.StoreDir)); err != nil {
		s.t.Fatal(err)
	}
	return dir
}

// Use has the server, which is stopped, come back with another store.
func (s *Server) Use(dir string) { s.opts.StoreDir = dir }

// Subscriptions returns how many subscriptions clients have.
func (s *Server) Subscriptions() uint32 { return s.server.NumSubscriptions() }

// Taken returns how many messages the server has taken from clients.
func (s *Server) Taken() int64 {
	s.t.Helper()
	stats, err := s.server.Varz(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return stats.InMsgs
}

// Addr is the server's host and port.
func (s *Server) Addr() string { return s.server.Addr().String() }

// URL is how to connect to the server.
func (s *Server) URL() string { return "nats://" + s.Addr() }
