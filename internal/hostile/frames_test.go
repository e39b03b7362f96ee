package hostile_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chgen/chgen/runtime/channel"
)

const join = `["1","1","room:lobby","phx_join",{}]`

func TestTruncatedFrames(t *testing.T) {
	whole := append(masked(finText, []byte(join)), masked(finText, []byte(`["1","2","room:lobby","send_message",{"body":"x"}]`))...)
	attack(t, func(s *site) {
		for n := range len(join) {
			a := s.webSocket()
			a.text(join[:n])
			if code := a.closed(); code != 1007 {
				t.Errorf("%q: closed with %d, want 1007", join[:n], code)
			}
		}
		for n := range masked(finText, []byte(join)) { // the network goes away in the middle
			a := s.webSocket()
			a.send(whole[:n])
			_ = a.Close()
		}
	})
}

func TestOversizedFrames(t *testing.T) {
	huge := func(n uint64) []byte {
		return append(binary.BigEndian.AppendUint64([]byte{finText, 0x80 | 127}, n), 0, 0, 0, 0)
	}
	for name, test := range map[string]struct {
		sent []byte
		code int
	}{
		"one byte above the limit":      {masked(finText, bytes.Repeat([]byte("x"), 64<<10+1)), 1009},
		"a megabyte":                    {masked(finBinary, make([]byte, 1<<20)), 1009},
		"an exabyte is announced":       {append(huge(1<<60), make([]byte, 64<<10+1)...), 1009},
		"a negative length":             {append(huge(1<<63), make([]byte, 1024)...), 1002},
		"in fragments of one byte":      {append(masked(text, []byte("[")), bytes.Repeat(masked(continuation, []byte("x")), 64<<10)...), 1009},
		"a ping of more than 125 bytes": {masked(ping, make([]byte, 126)), 1002},
	} {
		t.Run(name, func(t *testing.T) {
			attack(t, func(s *site) {
				for range 3 {
					a := s.webSocket()
					a.text(join)
					go a.send(test.sent) // which is not all taken
					if code := a.closed(); code != test.code {
						t.Fatalf("closed with %d, want %d", code, test.code)
					}
				}
			})
		})
	}
}

func TestMistypedFrames(t *testing.T) {
	values := []string{`null`, `true`, `-0`, `1e400`, `"x"`, `"\ud800"`, `""`, `[]`, `[[[]]]`, `{}`, `{"":null}`, `{"body":[]}`, strings.Repeat("[", 5000) + strings.Repeat("]", 5000)}
	attack(t, func(s *site) {
		for slot := range 5 {
			for _, value := range values {
				elements := []string{`"1"`, `"2"`, `"room:lobby"`, `"send_message"`, `{"body":"x"}`}
				elements[slot] = value
				a := s.webSocket()
				a.text(`["1","1","room:mallory","phx_join",{}]`)
				a.text(strings.ReplaceAll("["+strings.Join(elements, ",")+"]", "room:lobby", "room:mallory"))
				if slot != 2 {
					elements[3] = `"phx_join"`
					a.text(strings.ReplaceAll("["+strings.Join(elements, ",")+"]", "room:lobby", "room:other"))
				}
				synctest.Wait()
				_ = a.Close()
			}
		}
	})
}

func TestRandomFrames(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	attack(t, func(s *site) {
		for range 500 {
			a := s.webSocket()
			for taken := true; taken && random.IntN(8) > 0; {
				data := make([]byte, random.IntN(200))
				for i := range data {
					data[i] = byte(random.UintN(256))
				}
				switch random.IntN(3) {
				case 0:
					taken = a.send(data)
				case 1:
					taken = a.send(masked(finBinary, data))
				default:
					taken = a.send(masked(finText, data))
				}
			}
			_ = a.Close()
		}
	})
}

func TestFragmentsWithoutEnd(t *testing.T) {
	attack(t, func(s *site) {
		a := s.webSocket()
		began := time.Now()
		a.send(masked(text, []byte("[")))
		for a.send(bytes.Repeat(masked(continuation, nil), 10)) && time.Since(began) < time.Hour {
			<-time.After(time.Second / 2)
		}
		if code := a.closed(); code != 1001 {
			t.Errorf("closed with %d, want 1001", code)
		}
		if took := time.Since(began); took > 70*time.Second {
			t.Errorf("that took %v, want the idle timeout", took)
		}
	})
}

func TestACompressionBomb(t *testing.T) {
	var zeros bytes.Buffer
	w, _ := flate.NewWriter(&zeros, flate.BestCompression)
	_, _ = w.Write(make([]byte, 1<<20))
	_ = w.Flush()
	frame := masked(compressed, bytes.Repeat(zeros.Bytes(), 256))
	attack(t, func(s *site) {
		request := upgrade + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 10 {
			a := s.open(request)
			go a.send(frame)
			if code := a.closed(); code != 1009 {
				t.Fatalf("closed with %d, want 1009", code)
			}
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
			t.Errorf("ten bombs of 256 MiB took %d KiB of memory", n>>10)
		}
	}, channel.WithMount(channel.Mount{Path: "/socket", WebSocket: channel.WebSocket{Compression: true}}))
}

func TestCompressedNothingWithoutEnd(t *testing.T) {
	attack(t, func(s *site) {
		a := s.open(upgrade + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
		began := time.Now()
		a.send(masked(0x41, nil))
		empty := masked(continuation, bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, 1000)) // stored blocks with nothing in them
		for a.send(empty) && time.Since(began) < time.Hour {
			<-time.After(time.Second / 2)
		}
		if code := a.closed(); code != 1001 {
			t.Errorf("closed with %d, want 1001", code)
		}
	}, channel.WithMount(channel.Mount{Path: "/socket", WebSocket: channel.WebSocket{Compression: true}}))
}

func TestTenThousandJoins(t *testing.T) {
	t.Run("on one connection", func(t *testing.T) {
		attack(t, func(s *site) {
			a := s.webSocket()
			for i := range 10_000 {
				a.text(fmt.Sprintf(`["%d","%d","room:%d","phx_join",{}]`, i, i, i))
			}
			synctest.Wait()
			_ = a.Close()
			replies := map[string]int{}
			for _, f := range serverFrames(<-a.received) {
				if strings.Contains(string(f.payload), "phx_reply") {
					_, reason, _ := strings.Cut(string(f.payload), `"status":"error","response":{"reason":"`)
					reason, _, _ = strings.Cut(reason, `"`)
					replies[reason]++
				}
			}
			if replies[""] != 100 || replies["too many channels joined"] != 900 || replies["rate_limited"] != 9000 {
				t.Errorf("replies %v, want 100 joins, 900 too many, 9000 rate_limited", replies)
			}
		})
	})
	t.Run("on twenty", func(t *testing.T) {
		attack(t, func(s *site) {
			for n := range 20 {
				a := s.webSocket()
				for i := range 100 {
					a.text(fmt.Sprintf(`["%d","%d","room:%d of %d","phx_join",{}]`, i, i, i, n))
				}
			}
			synctest.Wait()
		})
	})
	t.Run("of one topic", func(t *testing.T) {
		attack(t, func(s *site) {
			a := s.webSocket()
			for i := range 10_000 {
				a.text(fmt.Sprintf(`["%d","%d","room:mallory","phx_join",{}]`, i, i))
			}
			synctest.Wait()
		})
	})
}
