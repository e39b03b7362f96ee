package engine

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
)

// said is a network that a client has said these bytes on, and that takes everything.
type said struct {
	net.Conn
	r *bytes.Reader
}

func (s *said) Read(p []byte) (int, error)  { return s.r.Read(p) }
func (s *said) Write(p []byte) (int, error) { return len(p), nil }
func (s *said) Close() error                { return nil }

// saidWriter hands it to the library.
type saidWriter struct {
	*revival
	conn *said
}

func (w *saidWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.conn, bufio.NewReadWriter(bufio.NewReader(w.conn), bufio.NewWriterSize(w.conn, writeBuffer)), nil
}

// FuzzTakeWhole holds what is read without the library to what the library reads.
func FuzzTakeWhole(f *testing.F) {
	mask := []byte{1, 2, 3, 4}
	for _, text := range []string{"", "1234567", "12345678", strings.Repeat("x", 125), strings.Repeat("y", 200)} {
		frame := masked(text)
		copy(frame[4:], mask)
		unmask(frame[8:], [4]byte(mask))
		f.Add(frame)
		f.Add(append(frame, frame...))
		f.Add(frame[:len(frame)-1])
	}
	f.Add([]byte{0x82, 0x83, 1, 2, 3, 4, 'a', 'b', 'c'})
	f.Add([]byte{0x01, 0x81, 1, 2, 3, 4, 'a', 0x80, 0x80, 1, 2, 3, 4}) // in fragments
	f.Add([]byte{0xc1, 0x81, 1, 2, 3, 4, 'a'})                         // compressed
	f.Add([]byte{0x89, 0x80, 1, 2, 3, 4})                              // a ping
	f.Add([]byte{0x81, 0x01, 'a'})                                     // not masked
	f.Add([]byte{0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 'a'})
	f.Fuzz(func(t *testing.T, stream []byte) {
		l := &link{owner: &Conn{mount: &mount{Mount: Mount{MaxFrameBytes: 1000}}}}
		l.ahead = new(ahead)
		l.memory = inboxes.Get().(*[]byte)
		l.inbox = (*l.memory)[:copy(*l.memory, stream)]
		data, isBinary, ok := l.takeWhole()
		if !ok {
			return
		}
		conn := &said{r: bytes.NewReader(stream)}
		ws, err := websocket.Accept(&saidWriter{&revival{header: make(http.Header)}, conn}, revivalRequest, &websocket.AcceptOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			kind, reader, err := ws.Reader(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want, err := io.ReadAll(reader)
			if err != nil {
				t.Fatal(err)
			}
			if isBinary != (kind == websocket.MessageBinary) || !bytes.Equal(data, want) {
				t.Fatalf("message %d: %s", i, cmp.Diff(want, data))
			}
			if data, isBinary, ok = l.takeWhole(); !ok {
				return
			}
		}
	})
}

// masked is a text frame of a client, masked with zeros.
func masked(text string) []byte {
	return append([]byte{0x81, 0x80 | 126, byte(len(text) >> 8), byte(len(text)), 0, 0, 0, 0}, text...)
}
