// Package load is the other side of a measurement: many clients in one light process, which count what they receive.
package load

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"
)

// client is one connection. Its reader is the only one to touch what is not atomic.
type client struct {
	conn    net.Conn
	dialect Dialect
	topic   int
	at      *Histogram // where it is one whose deliveries are timed

	deliveries atomic.Int64
	replies    chan struct{} // full when something has come since it was last emptied
}

// addresses is how many loopback addresses clients connect from: one has ports for some 28,000.
const addresses = 8

// dial opens the i-th connection and plays the hello.
func dial(i int, addr string, d Dialect, topic int, timed *Histogram) (*client, error) {
	from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%addresses))}
	conn, err := (&net.Dialer{LocalAddr: from, Timeout: 20 * time.Second}).Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	_ = conn.(*net.TCPConn).SetLinger(0) // else the ports of one run are missing in the next, and cost it a search
	c := &client{conn: conn, dialect: d, topic: topic, at: timed, replies: make(chan struct{}, 1)}
	if err := c.hello(addr); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *client) hello(addr string) error {
	_ = c.conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, err := fmt.Fprintf(c.conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", c.dialect.Path, addr)
	if err != nil {
		return err
	}
	frames := frameReader{r: c.conn, buf: make([]byte, 0, 4<<10)}
	if err := frames.skipHead(); err != nil {
		return err
	}
	for _, step := range c.dialect.Hello(c.topic) {
		if step.Send != "" {
			if err := c.send(step.Send); err != nil {
				return err
			}
		}
		for {
			message, err := frames.next()
			if err != nil {
				return fmt.Errorf("waiting for %q: %w", step.Await, err)
			}
			if bytes.Contains(message, []byte(step.Await)) {
				break
			}
		}
	}
	_ = c.conn.SetDeadline(time.Time{})
	return nil
}

// send sends a text message, masked with zeros: the mask must be there, not be random.
func (c *client) send(text string) error {
	frame := []byte{0x81, 0x80 | byte(len(text))}
	if len(text) >= 126 {
		frame = binary.BigEndian.AppendUint16([]byte{0x81, 0x80 | 126}, uint16(len(text)))
	}
	frame = append(frame, 0, 0, 0, 0)
	_, err := c.conn.Write(append(frame, text...))
	return err
}

var stamp = []byte(`"at":`)

// read counts deliveries until the connection ends.
func (c *client) read(bufferBytes int) {
	frames := frameReader{r: c.conn, buf: make([]byte, 0, bufferBytes)}
	for {
		message, err := frames.next()
		if err != nil {
			return
		}
		n := bytes.Count(message, stamp)
		if n == 0 {
			if pong, ok := c.dialect.Pong[string(message)]; ok {
				_ = c.send(pong)
			}
			continue
		}
		c.deliveries.Add(int64(n))
		if c.at != nil {
			c.time(message)
		}
		select {
		case c.replies <- struct{}{}:
		default:
		}
	}
}

// time notes how old each post in the message is.
func (c *client) time(message []byte) {
	now := time.Now().UnixMicro()
	for {
		_, rest, found := bytes.Cut(message, stamp)
		if !found {
			return
		}
		message = rest
		var at int64
		for _, digit := range rest {
			if digit < '0' || digit > '9' {
				break
			}
			at = at*10 + int64(digit-'0')
		}
		c.at.Add(now - at)
	}
}

// frameReader takes a server's frames apart. Servers under measurement do not fragment.
type frameReader struct {
	r    io.Reader
	buf  []byte
	from int
}

// skipHead skips the answer to the upgrade.
func (f *frameReader) skipHead() error {
	for {
		if i := bytes.Index(f.buf, []byte("\r\n\r\n")); i >= 0 {
			if !strings.HasPrefix(string(f.buf), "HTTP/1.1 101") {
				return fmt.Errorf("no upgrade: %q", f.buf[:min(len(f.buf), 60)])
			}
			f.from = i + 4
			return nil
		}
		if err := f.more(); err != nil {
			return err
		}
	}
}

// next returns the payload of the next data frame; it is valid until the next call.
func (f *frameReader) next() ([]byte, error) {
	for {
		head, size, ok := frameSize(f.buf[f.from:])
		if !ok || len(f.buf)-f.from < head+size {
			if err := f.more(); err != nil {
				return nil, err
			}
			continue
		}
		op := f.buf[f.from] & 0x0f
		payload := f.buf[f.from+head : f.from+head+size]
		f.from += head + size
		switch op {
		case 1, 2:
			return payload, nil
		case 8:
			return nil, errors.New("closed by the server")
		}
	}
}

// more reads, after making room.
func (f *frameReader) more() error {
	if f.from > 0 {
		f.buf = f.buf[:copy(f.buf, f.buf[f.from:])]
		f.from = 0
	}
	if len(f.buf) == cap(f.buf) {
		f.buf = append(f.buf, make([]byte, cap(f.buf))...)[:len(f.buf)]
	}
	n, err := f.r.Read(f.buf[len(f.buf):cap(f.buf)])
	f.buf = f.buf[:len(f.buf)+n]
	if n > 0 {
		return nil
	}
	return err
}

// frameSize returns the sizes of the head and of the payload of the frame at the start of b.
func frameSize(b []byte) (head, size int, ok bool) {
	if len(b) < 2 {
		return 0, 0, false
	}
	switch size = int(b[1] & 0x7f); size {
	case 126:
		if len(b) < 4 {
			return 0, 0, false
		}
		return 4, int(binary.BigEndian.Uint16(b[2:])), true
	case 127:
		if len(b) < 10 {
			return 0, 0, false
		}
		return 10, int(binary.BigEndian.Uint64(b[2:])), true
	}
	return 2, size, true
}
