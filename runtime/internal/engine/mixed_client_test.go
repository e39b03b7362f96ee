package engine

import (
	"bufio"
	"bytes"
	"compress/flate"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/wire"
)

// mixedClient is one of the clients, on one connection after the other.
type mixedClient struct {
	t      *testing.T
	number int
	server *mixed
	web    *httptest.Server
	random *rand.Rand

	conn     mixedConn // nil where there is none
	who      int       // of the notes that are sent over it
	ref      int
	joined   map[string]bool
	pending  map[string]mixedPush // by ref
	last     map[string]int       // what has been received last, by event and who
	answered int
}

// mixedPush is a push or a join that is to be answered with its own payload.
type mixedPush struct {
	note
	topic, event string
}

// mixedConn is a connection as a client has it.
type mixedConn interface {
	send(frames []Frame, cut bool) error // or only a part of them
	next() (Frame, error)
	close(politely bool)
}

// round says some things and hears what comes of them. It returns false once the server is stopping.
func (c *mixedClient) round() bool {
	if c.conn == nil && !c.open() {
		return false
	}
	var frames []Frame
	for _, topic := range c.topics() {
		if !c.joined[topic] {
			c.joined[topic] = true
			frames = append(frames, c.push(topic, wire.EventJoin))
		}
	}
	for range 1 + c.random.IntN(6) {
		switch topics := c.topics(); c.random.IntN(20) {
		case 0:
			frames = append(frames, c.push(topics[0], "wait"), c.push(topics[1], "open"))
		case 1:
			if c.random.IntN(3) == 0 {
				frames = append(frames, c.push(topics[0], []string{"late", "exit", "panic"}[c.random.IntN(3)]))
			}
		default:
			events := []string{"echo", "keep", "bytes", "self", "shout", "beside"}
			frames = append(frames, c.push(topics[c.random.IntN(2)], events[c.random.IntN(len(events))]))
		}
	}
	breaksOff := c.random.IntN(12) == 0
	err := c.conn.send(frames, breaksOff)
	for err == nil && !breaksOff && len(c.pending) > 0 {
		var f Frame
		if f, err = c.conn.next(); err == nil {
			c.hear(f)
		}
	}
	var slow net.Error
	if errors.As(err, &slow) && slow.Timeout() {
		c.t.Errorf("client %d waits in vain for %d answers, like that to %v", c.number, len(c.pending), c.one())
	}
	if err != nil || breaksOff {
		c.leave(false)
	}
	return true
}

func (c *mixedClient) one() (text string) {
	for ref, p := range c.pending {
		return fmt.Sprintf("%s of %s on %s (%d)", ref, p.event, p.topic, p.n)
	}
	return ""
}

func (c *mixedClient) leave(politely bool) {
	if c.conn != nil {
		c.conn.close(politely)
		c.conn = nil
	}
}

// topics are one of its own, and one that it shares with all.
func (c *mixedClient) topics() [2]string { return [2]string{fmt.Sprint("room:", c.number), "room:all"} }

// open connects, unless the server is stopping.
func (c *mixedClient) open() bool {
	var err error
	if c.number%4 == 3 {
		c.conn, err = openPolls(c.web)
	} else {
		c.conn, err = openRaw(c.web, c.random)
	}
	if err != nil {
		c.server.Server.mu.Lock()
		draining := c.server.draining
		c.server.Server.mu.Unlock()
		if !draining {
			c.t.Errorf("client %d cannot connect: %v", c.number, err)
		}
		c.conn = nil
		return false
	}
	c.who += 100
	c.joined, c.pending, c.last = make(map[string]bool), make(map[string]mixedPush), make(map[string]int)
	return true
}

// push is the frame of a push.
func (c *mixedClient) push(topic, event string) Frame {
	c.ref++
	p := mixedPush{newNote(c.who+c.number, c.ref), topic, event}
	ref := fmt.Sprint(c.ref)
	c.pending[ref] = p
	msg := &wire.Message{
		JoinRef: wire.TextRef("1"), Ref: wire.TextRef(ref), Topic: topic, Event: event,
		Payload: []byte(p.json()), Binary: event == "bytes",
	}
	data, binary, err := wire.AppendPush(nil, msg)
	if err != nil {
		c.t.Error(err)
	}
	return Frame{data, binary}
}

// hear looks at what the server says, to the last byte.
func (c *mixedClient) hear(f Frame) {
	var msg wire.Message
	if err := wire.DecodeServer(f.Data, f.Binary, &msg); err != nil {
		c.t.Errorf("client %d hears %.200q: %v", c.number, f.Data, err)
		return
	}
	switch msg.Event {
	case wire.EventReply:
		c.hearReply(f, &msg)
	case wire.EventError:
		c.joined[msg.Topic] = false
	case wire.EventClose:
	default:
		c.hearEvent(f, &msg)
	}
}

func (c *mixedClient) hearEvent(f Frame, msg *wire.Message) {
	var got note
	if err := codec.Unmarshal(msg.Payload, &got); err != nil || !got.sound() {
		c.t.Errorf("client %d hears %.200q: %v", c.number, f.Data, err)
		return
	}
	if msg.Event == "pushed" && got.who != c.who+c.number {
		c.t.Errorf("client %d hears what is for %d", c.number, got.who)
	}
	key := fmt.Sprint(msg.Topic, " ", msg.Event, " ", got.who)
	if got.n <= c.last[key] {
		c.t.Errorf("client %d hears %s %d after %d", c.number, key, got.n, c.last[key])
	}
	c.last[key] = got.n
}

func (c *mixedClient) hearReply(f Frame, msg *wire.Message) {
	p, ok := c.pending[msg.Ref.Text()]
	if !ok || msg.Topic != p.topic {
		c.t.Errorf("client %d hears an answer to nothing: %.200q", c.number, f.Data)
		return
	}
	delete(c.pending, msg.Ref.Text())
	answer := wire.Response{Status: msg.Status, Payload: msg.Payload}
	if !msg.Binary {
		if err := codec.Unmarshal(msg.Payload, &answer); err != nil {
			c.t.Errorf("client %d hears %.200q: %v", c.number, f.Data, err)
		}
	}
	if answer.Status != wire.StatusOK {
		c.hearRefusal(p, string(answer.Payload))
		return
	}
	c.answered++
	if got := string(answer.Payload); got != p.json() {
		c.t.Errorf("client %d hears as answer to %s %d: %.200q", c.number, p.event, p.n, got)
	}
	told := map[string]string{"self": "pushed"}[p.event]
	if p.event == "shout" && p.n%4 == 0 {
		told = "shouted"
	}
	if told != "" && c.last[fmt.Sprint(p.topic, " ", told, " ", p.who)] != p.n {
		c.t.Errorf("client %d hears the answer to %s %d before what it brings about", c.number, p.event, p.n)
	}
}

// hearRefusal looks at why a push is not answered with what was asked for.
func (c *mixedClient) hearRefusal(p mixedPush, response string) {
	if p.event == wire.EventJoin {
		c.joined[p.topic] = false
	}
	switch reason := strings.TrimSuffix(strings.TrimPrefix(response, `{"reason":"`), `"}`); {
	case reason == "timeout", reason == "closed", reason == "rate_limited", reason == "unmatched topic":
	case reason == "internal" && (p.event == "exit" || p.event == "panic"):
	default:
		c.t.Errorf("client %d hears as answer to %s %d: %.200q", c.number, p.event, p.n, response)
	}
}

// clientPatience is how long a client waits for what has to come.
const clientPatience = 60 * time.Second

// rawConn is a WebSocket, written in pieces of all kinds.
type rawConn struct {
	net.Conn
	in       *bufio.Reader
	random   *rand.Rand
	compress bool
}

func openRaw(web *httptest.Server, random *rand.Rand) (mixedConn, error) {
	conn, err := net.Dial("tcp", web.Listener.Addr().String())
	if err != nil {
		return nil, err
	}
	if web.TLS != nil {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the test's own certificate
	}
	c := &rawConn{Conn: conn, in: bufio.NewReader(conn), random: random}
	_ = conn.SetDeadline(time.Now().Add(clientPatience))
	_, _ = io.WriteString(conn, "GET /websocket?vsn=2.0.0 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; server_no_context_takeover\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	answer, err := http.ReadResponse(c.in, nil)
	if err == nil && answer.StatusCode != http.StatusSwitchingProtocols {
		_ = answer.Body.Close()
		err = errors.New(answer.Status)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	c.compress = answer.Header.Get("Sec-WebSocket-Extensions") != ""
	return c, nil
}

func (c *rawConn) send(frames []Frame, cut bool) error {
	var out []byte
	for _, f := range frames {
		out = c.message(out, f)
	}
	if cut {
		out = out[:c.random.IntN(len(out))]
	}
	_ = c.SetWriteDeadline(time.Now().Add(clientPatience))
	for len(out) > 0 {
		n := len(out)
		if c.random.IntN(3) == 0 {
			n = 1 + c.random.IntN(n)
		}
		if _, err := c.Write(out[:n]); err != nil {
			return err
		}
		out = out[n:]
		runtime.Gosched()
	}
	return nil
}

// message appends a message: whole or in fragments, with a ping in between, compressed or as it is.
func (c *rawConn) message(out []byte, f Frame) []byte {
	first, data := byte(opText), f.Data
	if f.Binary {
		first = opBinary
	}
	if c.compress && c.random.IntN(2) == 0 {
		var small bytes.Buffer
		w, _ := flate.NewWriter(&small, flate.BestSpeed)
		_, _ = w.Write(data)
		_ = w.Flush()
		first, data = first|0x40, bytes.TrimSuffix(small.Bytes(), []byte{0, 0, 0xff, 0xff})
	}
	for c.random.IntN(6) == 0 {
		n := c.random.IntN(len(data) + 1)
		out = c.frame(out, first, data[:n])
		first, data = 0, data[n:]
		if c.random.IntN(2) == 0 {
			out = c.frame(out, finBit|9, []byte("as it is"))
		}
	}
	return c.frame(out, finBit|first, data)
}

func (c *rawConn) frame(out []byte, first byte, data []byte) []byte {
	out = append(out, first)
	switch n := len(data); {
	case n < 126:
		out = append(out, maskBit|byte(n))
	case n <= 0xffff:
		out = binary.BigEndian.AppendUint16(append(out, maskBit|126), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, maskBit|127), uint64(n))
	}
	mask := [4]byte{byte(c.random.Uint32()), byte(c.random.Uint32()), 7, 1}
	out = append(append(out, mask[:]...), data...)
	unmask(out[len(out)-len(data):], mask)
	return out
}

// next returns the next message, and looks at what else comes.
func (c *rawConn) next() (Frame, error) {
	_ = c.SetReadDeadline(time.Now().Add(clientPatience))
	for {
		var head [10]byte
		if _, err := io.ReadFull(c.in, head[:2]); err != nil {
			return Frame{}, err
		}
		n := uint64(head[1])
		switch n {
		case 126:
			_, _ = io.ReadFull(c.in, head[2:4])
			n = uint64(binary.BigEndian.Uint16(head[2:]))
		case 127:
			_, _ = io.ReadFull(c.in, head[2:10])
			n = binary.BigEndian.Uint64(head[2:])
		}
		if n > 1<<20 {
			return Frame{}, fmt.Errorf("a frame of %d bytes: %x", n, head)
		}
		data := make([]byte, n)
		if _, err := io.ReadFull(c.in, data); err != nil {
			return Frame{}, err
		}
		switch head[0] {
		case finBit | opText, finBit | opBinary:
			return Frame{data, head[0] == finBit|opBinary}, nil
		case finBit | 10:
			if string(data) != "as it is" {
				return Frame{}, fmt.Errorf("a pong of %q", data)
			}
		case finBit | opClose:
			return Frame{}, io.EOF
		default:
			return Frame{[]byte(fmt.Sprintf("a frame that begins with %x: %q", head, data)), false}, nil
		}
	}
}

func (c *rawConn) close(politely bool) {
	if politely {
		_, _ = c.Write(c.frame(nil, finBit|opClose, []byte{3, 232}))
		for {
			if _, err := c.next(); err != nil {
				break
			}
		}
	}
	_ = c.Close()
}

// pollConn is a session of long-polling.
type pollConn struct {
	web    *httptest.Server
	token  string
	frames []Frame
}

func openPolls(web *httptest.Server) (mixedConn, error) {
	c := &pollConn{web: web}
	err := c.poll()
	if c.token == "" && err == nil {
		err = io.EOF
	}
	return c, err
}

// poll asks for messages.
func (c *pollConn) poll() error { return c.request(http.MethodGet, nil) }

func (c *pollConn) request(method string, body io.Reader) error {
	url := c.web.URL + "/longpoll?vsn=2.0.0"
	if c.token != "" {
		url += "&token=" + c.token
	}
	req, err := http.NewRequest(method, url, body) //nolint:noctx // it ends with the server
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", ndjson)
	resp, err := c.web.Client().Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	var a struct {
		Status   int
		Token    string
		Messages []string
	}
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		return err
	}
	if a.Status == http.StatusGone && c.token != "" {
		return io.EOF
	}
	if a.Token != "" {
		c.token = a.Token
	}
	for _, text := range a.Messages {
		f := Frame{Data: []byte(text)}
		if !strings.HasPrefix(text, "[") {
			if f.Data, err = base64.StdEncoding.DecodeString(text); err != nil {
				return err
			}
			f.Binary = true
		}
		c.frames = append(c.frames, f)
	}
	return nil
}

func (c *pollConn) send(frames []Frame, cut bool) error {
	if cut {
		frames = frames[:len(frames)/2+1]
	}
	var body bytes.Buffer
	for _, f := range frames {
		if f.Binary {
			body.WriteString(base64.StdEncoding.EncodeToString(f.Data))
		} else {
			body.Write(f.Data)
		}
		body.WriteByte('\n')
	}
	return c.request(http.MethodPost, &body)
}

func (c *pollConn) next() (f Frame, err error) {
	for len(c.frames) == 0 {
		if err := c.poll(); err != nil {
			return f, err
		}
	}
	f, c.frames = c.frames[0], c.frames[1:]
	return f, nil
}

func (c *pollConn) close(bool) {}
