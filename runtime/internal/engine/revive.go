package engine

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"runtime"

	"github.com/coder/websocket"
)

// The library's connection holds about 2 KiB and, between two messages and without compression, nothing worth keeping. It
// comes to be when there is something that only the library can read.
// So a link that is parked drops it, and the reader that comes back has the library accept the same connection once
// more, of a request that asks for nothing and whose answer goes nowhere.

// options is what the library is asked for.
func (l *link) options(subprotocols []string) *websocket.AcceptOptions {
	compression := websocket.CompressionDisabled
	if l.owner.mount.WebSocket.Compression {
		compression = websocket.CompressionNoContextTakeover
	}
	return &websocket.AcceptOptions{
		Subprotocols:       subprotocols,
		InsecureSkipVerify: true,        // the origin has been checked
		CompressionMode:    compression, // of what is read: we write the data frames
		OnPingReceived:     func(context.Context, []byte) bool { l.touch(); return true },
		OnPongReceived:     func(context.Context, []byte) { l.touch() },
	}
}

// use makes ws the library's connection.
func (l *link) use(ws *websocket.Conn) {
	ws.SetReadLimit(-1) // the reader has its own
	l.ws = ws
}

// accept has the library answer the upgrade.
func (l *link) accept(w http.ResponseWriter, r *http.Request, subprotocol string) error {
	var subprotocols []string
	if subprotocol != "" {
		subprotocols = []string{subprotocol}
	}
	ws, err := websocket.Accept(&hijackWriter{w, l}, r, l.options(subprotocols))
	if err == nil {
		l.use(ws)
	}
	return err
}

// hibernate drops the library's connection, which has read everything that has come.
func (l *link) hibernate() {
	if l.ws == nil || l.owner.mount.WebSocket.Compression {
		return
	}
	runtime.SetFinalizer(l.ws, nil) // which would close the network's connection
	l.ws, l.buffered = nil, nil
}

// revive brings the library's connection back, if it has been dropped.
func (l *link) revive() error {
	if l.ws != nil {
		return nil
	}
	ws, err := websocket.Accept(&revival{link: l, header: make(http.Header, 3)}, revivalRequest, l.options(nil))
	if err == nil {
		l.use(ws)
	}
	return err
}

var revivalRequest = &http.Request{
	Method: http.MethodGet, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	Header: http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
	},
}

// revival is the ResponseWriter of a revival.
type revival struct {
	link   *link
	header http.Header
}

// Header implements http.ResponseWriter.
func (r *revival) Header() http.Header { return r.header }

// Write implements http.ResponseWriter.
func (r *revival) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader implements http.ResponseWriter.
func (r *revival) WriteHeader(int) {}

// Hijack implements http.Hijacker.
func (r *revival) Hijack() (net.Conn, *bufio.ReadWriter, error) { return r.link, r.link.buffers(), nil }

// buffers returns the library's buffers. What is read ahead needs little: it is copied from an inbox.
func (l *link) buffers() *bufio.ReadWriter {
	size := readBuffer
	if l.readsAhead() {
		size = aheadBuffer
	}
	l.buffered = bufio.NewReaderSize(l, size)
	return bufio.NewReadWriter(l.buffered, bufio.NewWriterSize(l, writeBuffer))
}
