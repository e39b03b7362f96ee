//go:build linux && !chgen_portable

package engine

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

func TestASilentConnectionHasNoReader(t *testing.T) {
	t.Parallel()
	s, web := parkServer(t, Config{})
	conn := dial(t, web)
	for ref := range 5 {
		until(t, "the link is parked", allParked(s, 1))
		if l := s.links()[0]; l.ws != nil {
			t.Error("the library's connection is still there")
		}
		beat(t, conn, ref)
	}
}

func TestABusyConnectionKeepsItsReaderForAWhile(t *testing.T) {
	t.Parallel()
	s, web := parkServer(t, Config{})
	conn := dial(t, web)
	for ref := range 3 * busyStreak {
		beat(t, conn, ref)
	}
	until(t, "the link is parked once it is silent", allParked(s, 1))
	beat(t, conn, 99)
}

// TestTheRequestReturns holds that net/http gets its goroutine back, whatever the client does next: it reads the first
// message, and not much more.
func TestTheRequestReturns(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(conn *websocket.Conn, returned <-chan struct{}){
		"a client that says nothing": func(_ *websocket.Conn, returned <-chan struct{}) { <-returned },
		"a client that says one thing": func(conn *websocket.Conn, returned <-chan struct{}) {
			beat(t, conn, 1)
			<-returned
			beat(t, conn, 2)
		},
		"a client that has left": func(conn *websocket.Conn, returned <-chan struct{}) {
			_ = conn.CloseNow()
			<-returned
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := parkServer(t, Config{})
			returned := make(chan struct{})
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(returned)
				s.ServeHTTP(w, r)
			}))
			defer web.Close()
			next(dial(t, web), returned)
		})
	}
	t.Run("a client that goes on without a pause", func(t *testing.T) {
		t.Parallel()
		s, _ := parkServer(t, Config{})
		s.parkAfter = time.Hour
		returned := make(chan struct{})
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(returned)
			s.ServeHTTP(w, r)
		}))
		defer web.Close()
		raw := upgraded(t, web)
		one := string(masked(`[null,"1","phoenix","heartbeat",{}]`))
		if _, err := raw.Write([]byte(strings.Repeat(one, 2*busyStreak))); err != nil { // so that the reader finds more of them
			t.Fatal(err)
		}
		<-returned
	})
}

// TestAServerThatStopsMeetsNewConnections holds that a connection whose first message has not come ends with the server,
// and at once.
func TestAServerThatStopsMeetsNewConnections(t *testing.T) {
	t.Parallel()
	s, web := parkServer(t, Config{})
	s.parkAfter = time.Hour
	conn := dial(t, web)
	until(t, "the connection is open", func() bool { return len(s.links()) == 1 })
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != closeRestart {
		t.Errorf("the connection has ended with %v", err)
	}
}

// TestAConnectionThatIsClosedBeforeItIsReadEndsAtOnce holds it for one whose client does not say a word.
func TestAConnectionThatIsClosedBeforeItIsReadEndsAtOnce(t *testing.T) {
	t.Parallel()
	s, web := parkServer(t, Config{Limits: Limits{CloseTimeout: 10 * time.Millisecond}})
	s.parkAfter = time.Hour
	s.OnConnect(func(context.Context, *http.Request, *ConnectQuery) (context.Context, error) {
		return nil, &RefusalError{"no"}
	})
	upgradedAs(t, web, "&chgen=1")
	until(t, "the connection has ended", func() bool { return s.serial.Load() > 0 && len(s.links()) == 0 })
}

// TestAReaderWaitsWhereThePollerTakesNoMore holds that connections are served there, too, and that nothing spins.
func TestAReaderWaitsWhereThePollerTakesNoMore(t *testing.T) {
	t.Parallel()
	s, web := parkServer(t, Config{})
	var asked atomic.Int64
	full, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = full.Close() })
	s.poller.mu.Lock()
	s.poller.epoll, s.poller.used = full, 1
	s.poller.ctl = func(uintptr) {
		asked.Add(1)
		s.poller.failed = syscall.ENOSPC
	}
	s.poller.mu.Unlock()
	conn := dial(t, web)
	for ref := range 3 {
		until(t, "the reader has asked the poller", func() bool { return asked.Load() > int64(ref) })
		beat(t, conn, ref)
	}
	if n := asked.Load(); n > 10 {
		t.Errorf("the poller is asked %d times", n)
	}
}

func TestAParkedConnectionAnswersPings(t *testing.T) {
	t.Parallel()
	s, web := parkServer(t, Config{})
	conn := dial(t, web)
	until(t, "the link is parked", allParked(s, 1))
	ctx := conn.CloseRead(t.Context())
	if err := conn.Ping(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestMessagesReachAParkedConnectionInAnyPieces(t *testing.T) {
	t.Parallel()
	s, web := parkServer(t, Config{})
	for _, size := range []int{1, 7, 1000, 1 << 20} {
		raw := upgraded(t, web)
		until(t, "the link is parked", allParked(s, 1))
		var stream []byte
		for ref := range 3 { // the first wakes the reader up, the others come along
			stream = append(stream, masked(fmt.Sprintf(`[null,"%d","phoenix","heartbeat",{"x":"%s"}]`, ref, strings.Repeat("x", 20_000)))...)
		}
		go func() {
			for len(stream) > 0 {
				n := min(size, len(stream))
				if _, err := raw.Write(stream[:n]); err != nil {
					return
				}
				stream = stream[n:]
			}
		}()
		received := make([]byte, 0, 1000)
		buf := make([]byte, 1000)
		for strings.Count(string(received), `"ok"`) < 3 {
			n, err := raw.Read(buf)
			if err != nil {
				t.Fatalf("pieces of %d: %v after %q", size, err, received)
			}
			received = append(received, buf[:n]...)
		}
		_ = raw.Close()
		until(t, "the connection has ended", allParked(s, 0))
	}
}

func TestAParkedConnectionEndsInEveryWay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		end  func(t *testing.T, s *Server, conn *websocket.Conn)
		code websocket.StatusCode
	}{
		"the client closes":   {func(_ *testing.T, _ *Server, conn *websocket.Conn) { _ = conn.Close(websocket.StatusNormalClosure, "") }, -1},
		"the client is gone":  {func(_ *testing.T, _ *Server, conn *websocket.Conn) { _ = conn.CloseNow() }, -1},
		"the server closes":   {func(_ *testing.T, s *Server, _ *websocket.Conn) { s.links()[0].owner.Close(closeGoingAway, "bye") }, closeGoingAway},
		"the queue is killed": {func(_ *testing.T, s *Server, _ *websocket.Conn) { s.links()[0].owner.out.kill() }, -1},
		"the server drains": {func(t *testing.T, s *Server, _ *websocket.Conn) {
			go func() { _ = s.Shutdown(context.WithoutCancel(t.Context())) }()
		}, closeRestart},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, web := parkServer(t, Config{})
			conn := dial(t, web)
			until(t, "the link is parked", allParked(s, 1))
			test.end(t, s, conn)
			if test.code != -1 {
				if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != test.code {
					t.Errorf("got %v, want %d", err, test.code)
				}
				_ = conn.CloseNow()
			}
			until(t, "the connection has ended", allParked(s, 0))
		})
	}
}

func TestAParkedConnectionIsClosedWhenItIsIdleForTooLong(t *testing.T) {
	t.Parallel()
	_, web := parkServer(t, Config{Mounts: []Mount{{Path: "/", IdleTimeout: 60 * time.Millisecond}}})
	conn := dial(t, web)
	if _, _, err := conn.Read(t.Context()); websocket.CloseStatus(err) != closeGoingAway {
		t.Errorf("got %v", err)
	}
}

func TestConnectionsThatCannotBeParkedAreServed(t *testing.T) {
	t.Parallel()
	s := New(Config{Logger: slog.New(slog.DiscardHandler)})
	web := httptest.NewUnstartedServer(s)
	web.TLS = &tls.Config{NextProtos: []string{"http/1.1"}}
	web.StartTLS()
	t.Cleanup(web.Close)
	conn := dial(t, web)
	for ref := range 20 {
		beat(t, conn, ref)
	}
	if s.links()[0].mayPark() {
		t.Error("the link of a TLS connection can be parked")
	}
	_ = conn.CloseNow()
	until(t, "the connection has ended", allParked(s, 0))
}

func TestManyConnectionsComeAndGoWhileOthersAreParked(t *testing.T) {
	t.Parallel()
	s, web := parkServer(t, Config{})
	var clients sync.WaitGroup
	for seed := range 20 {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(uint64(seed), 0)) //nolint:gosec // it decides nothing but the test's course
			for range 10 {
				conn := dial(t, web)
				for ref := range random.IntN(8) {
					beat(t, conn, ref)
					if random.IntN(2) == 0 {
						runtime.Gosched()
					}
				}
				if random.IntN(2) == 0 {
					_ = conn.Close(websocket.StatusNormalClosure, "")
				} else {
					_ = conn.CloseNow()
				}
			}
		})
	}
	clients.Wait()
	until(t, "all connections have ended", allParked(s, 0))
}

func TestThePollerEndsWithTheServer(t *testing.T) {
	ignored := goleak.IgnoreCurrent()
	s := New(Config{Logger: slog.New(slog.DiscardHandler)})
	web := httptest.NewServer(s)
	conn := dial(t, web)
	until(t, "the link is parked", allParked(s, 1))
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _, _ = conn.Read(t.Context())
		_ = conn.CloseNow()
	}()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-read
	web.Close()
	goleak.VerifyNone(t, ignored)
}

// countingConn is a connection that does more than its descriptor: everything has to pass it.
type countingConn struct {
	*net.TCPConn
	read, written *atomic.Int64
}

func (c countingConn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

func (c countingConn) Write(p []byte) (int, error) {
	n, err := c.TCPConn.Write(p)
	c.written.Add(int64(n))
	return n, err
}

type countingListener struct {
	net.Listener
	read, written atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countingConn{conn.(*net.TCPConn), &l.read, &l.written}, nil
}

func TestConnectionsOfAListenerThatWrapsThemAreReadAndWrittenThroughIt(t *testing.T) {
	t.Parallel()
	s := New(Config{Logger: slog.New(slog.DiscardHandler)})
	web := httptest.NewUnstartedServer(s)
	counting := &countingListener{Listener: web.Listener}
	web.Listener = counting
	web.Start()
	t.Cleanup(web.Close)
	conn := dial(t, web)
	before := [2]int64{counting.read.Load(), counting.written.Load()}
	beat(t, conn, 1)
	if read, written := counting.read.Load()-before[0], counting.written.Load()-before[1]; read < 40 || written < 40 {
		t.Errorf("read %d and wrote %d bytes through the connection", read, written)
	}
	_ = conn.CloseNow()
	until(t, "the connection has ended", allParked(s, 0))
}

func TestGapsAreCountedNoFurtherThanNeeded(t *testing.T) {
	t.Parallel()
	l := new(link)
	for range 3 * busyStreak {
		l.noteGap(time.Millisecond)
	}
	if l.gaps != busyStreak {
		t.Errorf("%d gaps", l.gaps)
	}
	if l.noteGap(time.Second); l.gaps != 0 {
		t.Errorf("%d gaps after a long one", l.gaps)
	}
}
