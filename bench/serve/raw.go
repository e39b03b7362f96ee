package serve

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
)

// Raw is the floor: no protocol above WebSocket frames, and one write of ready bytes for each delivery, or for each
// Batch of deliveries. A client says the number of its topic first and is answered "joined"; whatever it says then
// comes back.
type Raw struct {
	Batch int // publications in one write

	mu      sync.Mutex // guards topics
	topics  map[int]*rawTopic
	scratch []byte // of the one who publishes
}

type rawTopic struct {
	mu      sync.Mutex // guards members
	members []net.Conn
	pending []byte // of the one who publishes
	waiting int
}

func (b *Raw) topic(n int) *rawTopic {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.topics == nil {
		b.topics = make(map[int]*rawTopic)
	}
	t := b.topics[n]
	if t == nil {
		t = &rawTopic{}
		b.topics[n] = t
	}
	return t
}

// Publish implements Backend.
func (b *Raw) Publish(topic int, p Post) error {
	t := b.topic(topic)
	b.scratch = append(append(b.scratch[:0], `[null,null,"room:`...), strconv.Itoa(topic)...)
	b.scratch = append(b.scratch, `","posted",`...)
	b.scratch = append(p.AppendJSON(b.scratch), ']')
	t.pending = appendFrame(t.pending, b.scratch)
	t.waiting++
	if t.waiting >= b.Batch {
		t.flush()
	}
	return nil
}

// Flush implements Flusher.
func (b *Raw) Flush() {
	if b.Batch == 1 { // nothing is held back
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.topics {
		t.flush()
	}
}

func (t *rawTopic) flush() {
	if t.waiting == 0 {
		return
	}
	t.mu.Lock()
	members := t.members
	t.mu.Unlock()
	for _, conn := range members {
		_, _ = conn.Write(t.pending)
	}
	t.pending, t.waiting = t.pending[:0], 0
}

// ServeHTTP implements Backend.
func (b *Raw) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "+
		base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n")
	joined := false
	var payload, out []byte
	for {
		if payload, err = readFrame(buffered.Reader, payload[:0]); err != nil {
			return
		}
		if joined {
			out = appendFrame(out[:0], payload)
			_, _ = conn.Write(out)
			continue
		}
		joined = true
		n, _ := strconv.Atoi(string(payload))
		_, _ = conn.Write(appendFrame(nil, []byte("joined")))
		t := b.topic(n)
		t.mu.Lock()
		t.members = append(t.members, conn)
		t.mu.Unlock()
	}
}

// appendFrame appends an unmasked text frame.
func appendFrame(dst, payload []byte) []byte {
	if len(payload) < 126 {
		dst = append(dst, 0x81, byte(len(payload)))
	} else {
		dst = binary.BigEndian.AppendUint16(append(dst, 0x81, 126), uint16(len(payload)))
	}
	return append(dst, payload...)
}

// readFrame reads a client's text frame of at most 65,535 bytes.
func readFrame(r *bufio.Reader, dst []byte) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return nil, err
	}
	n := int(head[1] & 0x7f)
	if n == 126 {
		if _, err := io.ReadFull(r, head[2:4]); err != nil {
			return nil, err
		}
		n = int(binary.BigEndian.Uint16(head[2:]))
	}
	var mask [4]byte
	if _, err := io.ReadFull(r, mask[:]); err != nil {
		return nil, err
	}
	dst = append(dst, make([]byte, n)...)
	if _, err := io.ReadFull(r, dst); err != nil {
		return nil, err
	}
	for i := range dst {
		dst[i] ^= mask[i&3]
	}
	if head[0]&0x0f == 8 {
		return nil, io.EOF
	}
	return dst, nil
}
