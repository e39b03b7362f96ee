package hostile_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chgen/chgen/examples/chat/chat"
	"github.com/chgen/chgen/internal/echo"
	"github.com/chgen/chgen/runtime/channel"
)

// How BenchmarkLatency measures: rounds with and without take turns, so that what else the machine does meets both.
const (
	rounds      = 5
	roundTime   = 2 * time.Second
	pace        = 50 * time.Millisecond // between two broadcasts
	subscribers = 1000
)

// stage is a server on loopback with subscribers who measure how old a message is when it comes.
type stage struct {
	server  *channel.Server
	addr    string
	room    chat.RoomSender
	reading sync.WaitGroup

	measuring atomic.Bool
	mu        sync.Mutex // guards ages
	ages      []time.Duration
}

// BenchmarkLatency reports the 99th percentile of how old a message of a broadcast to 1,000 subscribers is when it
// arrives, normally and with trouble of each kind, and what the second is in terms of the first (the median of each).
//
// One attacker does each thing over and over, as fast as it is answered, from the same two cores: what is measured holds
// what it takes him, too.
func BenchmarkLatency(b *testing.B) {
	for _, trouble := range troubles() {
		b.Run(trouble.name, func(b *testing.B) {
			s := newStage(b)
			for range b.N {
				var normal, troubled []time.Duration
				for range rounds {
					normal = append(normal, s.round(func(<-chan struct{}) {}))
					troubled = append(troubled, s.round(func(stop <-chan struct{}) { trouble.run(s, stop) }))
				}
				slices.Sort(normal)
				slices.Sort(troubled)
				p99, with := normal[rounds/2], troubled[rounds/2]
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(p99)/1e6, "normal-ms")
				b.ReportMetric(float64(with)/1e6, "with-ms")
				b.ReportMetric(float64(with)/float64(p99), "ratio")
			}
		})
	}
}

func newStage(b *testing.B) *stage {
	s := &stage{}
	s.server = channel.NewServer(channel.WithLogger(slog.New(slog.DiscardHandler)),
		channel.WithMount(channel.Mount{Path: "/socket", WebSocket: channel.WebSocket{Compression: true}}))
	echo.Handle(s.server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s.addr = listener.Addr().String()
	web := &http.Server{Handler: s.server, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { // so that who does not read is noticed soon
			_ = c.(*net.TCPConn).SetWriteBuffer(16 << 10)
			return ctx
		}}
	go func() { _ = web.Serve(listener) }()
	s.room = chat.BroadcastRoom(s.server, chat.RoomTopic{RoomID: "lobby"})
	var conns []net.Conn
	for range subscribers {
		conn, r := s.join("lobby")
		conns = append(conns, conn)
		s.reading.Go(func() { s.measure(r) })
	}
	s.round(func(<-chan struct{}) {}) // until the presence of so many has been told
	b.Cleanup(func() {
		for _, c := range conns {
			_ = c.Close()
		}
		s.reading.Wait()
		_ = s.server.Shutdown(context.Background())
		_ = web.Close()
	})
	return s
}

// dial opens a WebSocket.
func (s *stage) dial(headers string) (net.Conn, *bufio.Reader) {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(conn, upgrade+headers+"\r\n")
	r := bufio.NewReaderSize(conn, 2048)
	if _, err := http.ReadResponse(r, nil); err != nil { //nolint:bodyclose // an upgrade has none
		panic(err)
	}
	return conn, r
}

// join opens a WebSocket that has joined a room.
func (s *stage) join(room string) (net.Conn, *bufio.Reader) {
	conn, r := s.dial("")
	_, _ = conn.Write(masked(finText, []byte(`["1","1","room:`+room+`","phx_join",{}]`)))
	for last := []byte(nil); !bytes.Contains(last, []byte("presence_state")); {
		last, _ = r.ReadSlice('{')
	}
	return conn, r
}

// measure reads until the connection ends. The messages that count have the time at which they were sent as their text.
func (s *stage) measure(r *bufio.Reader) {
	for {
		line, err := r.ReadSlice('}') // the frames are what they are: the text is all that is looked for
		if _, after, ok := bytes.Cut(line, []byte(`"body":"`)); ok {
			if text, _, ok := bytes.Cut(after, []byte(`"`)); ok && s.measuring.Load() {
				sent, _ := strconv.ParseInt(string(text), 10, 64)
				age := time.Duration(time.Now().UnixNano() - sent)
				s.mu.Lock()
				s.ages = append(s.ages, age)
				s.mu.Unlock()
			}
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// round broadcasts at its pace while the trouble goes on, and returns the 99th percentile.
func (s *stage) round(trouble func(stop <-chan struct{})) time.Duration {
	stop := make(chan struct{})
	var troubling sync.WaitGroup
	troubling.Go(func() { trouble(stop) })
	tick := time.NewTicker(pace)
	defer tick.Stop()
	s.mu.Lock()
	s.ages = s.ages[:0]
	s.mu.Unlock()
	warm := int(200 * time.Millisecond / pace)
	for n := range warm + int(roundTime/pace) {
		<-tick.C
		s.measuring.Store(n >= warm)
		s.broadcast()
	}
	<-tick.C // what is on its way arrives
	<-tick.C
	s.measuring.Store(false)
	close(stop)
	troubling.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.ages)
	return s.ages[len(s.ages)*99/100]
}

func (s *stage) broadcast() {
	message := chat.Message{ID: "1", Author: chat.Author{ID: "1", Name: "x", Role: chat.RoleMember}, Body: strconv.FormatInt(time.Now().UnixNano(), 10)}
	if err := s.room.MessageCreated(context.Background(), message); err != nil {
		panic(err)
	}
}

// trouble is something that must not trouble the others.
type trouble struct {
	name string
	run  func(s *stage, stop <-chan struct{})
}

// over makes a trouble of something that is done over and over.
func over(name string, do func(s *stage)) trouble {
	return trouble{name, func(s *stage, stop <-chan struct{}) {
		for {
			select {
			case <-stop:
				return
			default:
				do(s)
			}
		}
	}}
}

// exchange opens a WebSocket, sends, and reads until the server closes.
func exchange(headers string, sent []byte) func(s *stage) {
	return func(s *stage) {
		conn, r := s.dial(headers)
		defer func() { _ = conn.Close() }()
		_, _ = conn.Write(sent)
		_, _ = io.Copy(io.Discard, r)
	}
}

// request sends a request and reads the answer.
func request(text string) func(s *stage) {
	return func(s *stage) {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, text)
		_, _ = io.Copy(io.Discard, conn)
	}
}

func troubles() []trouble {
	var zeros bytes.Buffer
	w, _ := flate.NewWriter(&zeros, flate.BestCompression)
	_, _ = w.Write(make([]byte, 1<<20))
	_ = w.Flush()
	var joins bytes.Buffer
	for i := range 10_000 {
		joins.Write(masked(finText, fmt.Appendf(nil, `["%d","%d","room:%d","phx_join",{}]`, i, i, i)))
	}
	closing := []byte{0x88, 0x80, 0, 0, 0, 0}
	newlines := strings.Repeat("\n", 1<<20)
	return []trouble{
		{"AStalledClient", stalled},
		over("UndecodableFrames", exchange("", masked(finText, []byte("[")))),
		over("OversizedFrames", exchange("", masked(finText, make([]byte, 64<<10+1)))),
		over("Fragments", exchange("", append(masked(text, nil), bytes.Repeat(masked(continuation, []byte("x")), 64<<10+1)...))),
		over("CompressionBombs", exchange("Sec-WebSocket-Extensions: permessage-deflate\r\n", masked(compressed, bytes.Repeat(zeros.Bytes(), 64)))),
		over("TenThousandJoins", exchange("", append(joins.Bytes(), closing...))),
		over("ConnectAndLeave", exchange("", closing)),
		over("Newlines", request(fmt.Sprintf("POST /socket/longpoll?vsn=2.0.0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s", len(newlines), newlines))),
		over("ForgedTokens", request("POST /socket/longpoll?vsn=2.0.0&token=chgen.x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")),
		over("Headers", request("GET /socket/longpoll HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 2<<20)+"\r\n\r\n")),
		over("URLs", request("GET /socket/longpoll?"+strings.Repeat("a=b&", 200_000)+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")),
		{"AThousandSilent", silent},
	}
}

// stalled has one more subscriber, who does not read, and whom more is waiting for than the network takes.
func stalled(s *stage, stop <-chan struct{}) {
	conn, _ := s.join("stalled")
	defer func() { _ = conn.Close() }()
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	_, _ = conn.Write(masked(finText, []byte(`["2","2","room:lobby","phx_join",{}]`)))
	stuck := chat.BroadcastRoom(s.server, chat.RoomTopic{RoomID: "stalled"})
	message := chat.Message{ID: "1", Author: chat.Author{ID: "1", Name: "x", Role: chat.RoleMember}, Body: strings.Repeat("x", 2000)}
	for range 300 {
		_ = stuck.MessageCreated(context.Background(), message)
	}
	<-stop
}

func silent(s *stage, stop <-chan struct{}) {
	for range 1000 {
		conn, _ := s.dial("")
		defer func() { _ = conn.Close() }()
	}
	<-stop
}
