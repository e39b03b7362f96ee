package soak_test

import (
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chgen/chgen/internal/netfault"
)

// natsServer is a NATS server with JetStream in a process of its own. It is built in internal/natstest, a module of its
// own, so that it stays out of the module graph of those who use chgen.
type natsServer struct {
	t     testing.TB
	file  string // the program
	addr  string
	store string
	cmd   *exec.Cmd
}

// buildNATS builds the program once.
var buildNATS = sync.OnceValues(func() (file string, err error) {
	file = filepath.Join(os.TempDir(), "chgen-soak-nats-server") // found again by the next run, and left to the system
	build := exec.Command("go", "build", "-o", file, "github.com/nats-io/nats-server/v2")
	build.Dir = filepath.Join("..", "natstest")
	return file, build.Run()
})

func startNATS(t testing.TB) *natsServer {
	t.Helper()
	file, err := buildNATS()
	if err != nil {
		t.Fatalf("building the NATS server: %v", err)
	}
	s := &natsServer{t: t, file: file, addr: netfault.FreePort(t), store: t.TempDir()}
	s.run()
	t.Cleanup(func() { s.end(syscall.SIGKILL) })
	return s
}

// run runs the server, with what it has stored. It returns when it can be reached.
func (s *natsServer) run() {
	host, port, _ := net.SplitHostPort(s.addr)
	s.cmd = exec.Command(s.file, "-a", host, "-p", port, "-js", "-sd", s.store)
	if err := s.cmd.Start(); err != nil {
		s.t.Error(err)
		return
	}
	for range 3000 {
		if conn, err := net.Dial("tcp", s.addr); err == nil {
			_ = conn.Close()
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	s.t.Error("the NATS server does not answer")
}

func (s *natsServer) end(signal syscall.Signal) {
	_ = s.cmd.Process.Signal(signal)
	_ = s.cmd.Wait()
}

// natsService is nodes in processes of their own over a NATS server.
func natsService(t testing.TB, nodes int) (*service, []fault) {
	server := startNATS(t)
	s, proxies := processes(t, "nats", server.addr, nodes)
	return s, append(proxyFaults(proxies),
		fault{name: "nats restarted", do: func(hold time.Duration, pick *mathrand.Rand) {
			if pick.IntN(2) == 0 {
				server.end(syscall.SIGKILL)
			} else {
				server.end(syscall.SIGTERM)
			}
			<-time.After(hold)
			server.run()
		}},
		fault{name: "nats stopped", do: func(hold time.Duration, _ *mathrand.Rand) {
			_ = server.cmd.Process.Signal(syscall.SIGSTOP)
			<-time.After(hold)
			_ = server.cmd.Process.Signal(syscall.SIGCONT)
		}},
		fault{name: "nats emptied", forgets: true, do: func(hold time.Duration, _ *mathrand.Rand) {
			server.end(syscall.SIGKILL)
			server.store = t.TempDir()
			<-time.After(hold)
			server.run()
		}},
	)
}
