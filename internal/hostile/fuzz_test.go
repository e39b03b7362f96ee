package hostile_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chgen/chgen/runtime/channel"
)

// documented are the close codes of docs/protocol.md.
var documented = map[int]bool{1001: true, 1002: true, 1007: true, 1009: true, 1012: true, 1013: true, 4403: true}

func closeCode(payload []byte) int { return int(binary.BigEndian.Uint16(payload)) }

// programs are sessions to begin with.
func programs(f *testing.F) {
	for _, program := range []string{
		"\x01\x00\x00\x01\x01\x04\x00\x00\x01\x01\x03\x00\x00\x01", "\x00\x00\x00\x00\x04\x00\x00\x00\x08\x00\x0b[]", "\x01\x00\x00\x01\x00\x01\x00\x00\x00\x04\x00\x01\x02\x03\x00\x00",
		"\x02\x09\x00\x00\x01\x09\x00\x00\x00\x0a\x0b\x00\x01", "\x01\x00\x02\x01\x00\x04\x02\x01\x01\x00\x0a\x03\x02\x00\x00",
		strings.Repeat("\x01\x00\x00\x01\x04\x00\x00\x01", 20), strings.Repeat("\x00\x00\x00\x03\x00\x00", 20),
	} {
		f.Add([]byte(program))
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		program := make([]byte, random.IntN(400))
		for i := range program {
			program[i] = byte(random.UintN(11)) // no garbage
		}
		f.Add(program)
	}
}

// FuzzWebSocketSession holds that every push of a session of random frames is answered exactly once.
func FuzzWebSocketSession(f *testing.F) {
	programs(f)
	f.Fuzz(func(t *testing.T, program []byte) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t)
			defer s.stop()
			m := newModel(program)
			version := "2.0.0"
			if m.v1 {
				version = "1.0.0"
			}
			a := s.open(strings.Replace(upgrade, "2.0.0", version, 1) + "\r\n")
			for step, ok := m.step(); ok; step, ok = m.step() {
				if step.wait {
					synctest.Wait()
					continue
				}
				first := byte(finText)
				if step.binary {
					first = finBinary
				}
				a.send(masked(first, step.data))
			}
			synctest.Wait()
			closing := []byte{0x88, 0x80, 0, 0, 0, 0}
			a.send(closing)
			frames := serverFrames(<-a.received)
			replies := map[string]int{}
			for _, frame := range frames {
				count(replies, frame.payload)
			}
			last := frames[len(frames)-1]
			ended := len(last.payload) >= 2 // our own close frame has no code, and comes back as it is
			m.check(t, replies, ended)
			if ended && !documented[closeCode(last.payload)] {
				t.Errorf("closed with %d", closeCode(last.payload))
			}
		})
	})
}

// FuzzLongPollSession is the same over long-polling, in batches.
func FuzzLongPollSession(f *testing.F) {
	programs(f)
	f.Fuzz(func(t *testing.T, program []byte) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, channel.WithMount(channel.Mount{Path: "/socket", LongPoll: channel.LongPoll{MaxBatch: 1 << 20}}))
			defer s.stop()
			m := newModel(program)
			p := &poller{http: s.client(), url: "http://example.com/socket/longpoll?vsn=2.0.0&name=Mallory"}
			if m.v1 {
				p.url = strings.Replace(p.url, "2.0.0", "1.0.0", 1)
			}
			p.token = p.do(context.Background(), http.MethodGet, "").Token
			replies := map[string]int{}
			ended := false
			var batch []string
			flush := func() {
				ended = ended || len(batch) > 0 && p.do(context.Background(), http.MethodPost, strings.Join(batch, "\n")).Status != 200
				batch = nil
				synctest.Wait()
				for !ended {
					a := p.do(context.Background(), http.MethodGet, "")
					for _, message := range a.Messages {
						count(replies, []byte(message))
					}
					if a.Status != 200 {
						break
					}
				}
			}
			for step, ok := m.step(); ok; step, ok = m.step() {
				switch {
				case step.wait:
					flush()
				case step.binary:
					batch = append(batch, base64.StdEncoding.EncodeToString(step.data))
				default:
					batch = append(batch, string(bytes.ReplaceAll(step.data, []byte("\n"), []byte(" "))))
				}
			}
			flush()
			m.check(t, replies, ended)
		})
	})
}

// FuzzBytes holds that bytes that need be no WebSocket frames end in a documented close code, in the client's own, or in none.
func FuzzBytes(f *testing.F) {
	for _, seed := range [][]byte{
		masked(finText, []byte(join)), masked(text, []byte("[")), masked(continuation, []byte("x")), masked(compressed, []byte{0, 0, 0, 0xff, 0xff}),
		masked(ping, []byte("x")), {0x88, 0x80, 0, 0, 0, 0}, {0x88, 0x82, 0, 0, 0, 0, 3, 0xe8}, {0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0xff}, []byte("\x88\x840000"),
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, data []byte, deflate bool) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, channel.WithMount(channel.Mount{Path: "/socket", WebSocket: channel.WebSocket{Compression: deflate}}))
			defer s.stop()
			a := s.open(upgrade + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
			began := time.Now()
			a.send(data)
			frames := serverFrames(<-a.received) // the clock runs on to the idle timeout
			if len(frames) == 0 || frames[len(frames)-1].first != 0x88 {
				if took := time.Since(began); took >= 60*time.Second { // half a control frame is waited for 5 s
					t.Errorf("the connection ended without a close frame, after %v", took)
				}
				return
			}
			last := frames[len(frames)-1]
			if len(last.payload) == 0 {
				return // the client has sent such a one, which comes back
			}
			if code := closeCode(last.payload); !documented[code] && (code < 1000 || code > 4999) { // or it is the client's
				t.Errorf("closed with %d", code)
			}
		})
	})
}

// FuzzRequest holds that whatever is asked for over HTTP is answered with a status that is documented, or not at all.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/socket/websocket?vsn=2.0.0&name=x", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "")
	f.Add("GET", "/socket/longpoll?vsn=2.0.0&name=x&token=chgen.x", "X-Phoenix-Longpoll-Token: x", "")
	f.Add("POST", "/socket/longpoll?vsn=1.0.0&name=x", "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")
	f.Add("OPTIONS", "/socket/longpoll?vsn[]=2&name=%zz", "Origin: http://example.com\r\nAccess-Control-Request-Headers: x", "")
	f.Add("GET", "/socket/websocket?vsn=2.0.0&name=x", "Sec-WebSocket-Protocol: phoenix, base64url.bearer.phx.eHg", "")
	statuses := map[string]bool{"": true, "101": true, "200": true, "400": true, "403": true, "404": true, "431": true, "500": true, "501": true, "503": true, "505": true}
	f.Fuzz(func(t *testing.T, method, target, headers, body string) {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, channel.WithMount(channel.Mount{Path: "/socket", AuthToken: true}), channel.WithMount(channel.Mount{Path: "/ws/{name}"}))
			defer s.stop()
			a := s.open("")
			a.send([]byte(method + " " + target + " HTTP/1.1\r\nHost: example.com\r\n" + headers + "\r\n\r\n" + body))
			<-time.After(2 * time.Minute)
			_ = a.Close()
			_, status, _ := strings.Cut(string(<-a.received), " ")
			status, _, _ = strings.Cut(status, " ")
			if !statuses[status] {
				t.Errorf("got the status %q", status)
			}
		})
	})
}
