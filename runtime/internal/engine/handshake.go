package engine

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the protocol wants it, and hides nothing with it
	"encoding/base64"
	"net/http"
	"time"
)

// open takes the request's connection over and answers the upgrade, which is known to be sound. The library, which has
// nothing to choose here, comes in when there is something for it to read. The connection is taken over before the answer
// is written: the other way round net/http has begun a read in the meantime, and has to break it off again.
func (l *link) open(w http.ResponseWriter, r *http.Request, subprotocol string) error {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	l.own(conn, buffered.Reader)
	answer := scratches.Get().(*scratch)
	appendAnswer(&answer.Buffer, r.Header.Get("Sec-Websocket-Key"), subprotocol, w.Header())
	if l.writeAnswer(answer.Bytes()) != nil {
		_ = conn.Close() // as the reader finds; there is no HTTP left to say it in
	}
	answer.Reset()
	scratches.Put(answer)
	return nil
}

// writeAnswer writes before anything stands in the queue.
func (l *link) writeAnswer(answer []byte) error {
	if l.owner.out.direct.conn != nil {
		n, err := l.owner.out.direct.try(answer)
		if answer = answer[n:]; err != nil || len(answer) == 0 {
			return err
		}
	}
	_ = l.SetWriteDeadline(time.Now().Add(l.owner.srv.limits.WriteTimeout))
	_, err := l.Conn.Write(answer)
	_ = l.SetWriteDeadline(time.Time{})
	return err
}

// appendAnswer appends a 101 with what others, such as a middleware, have set as headers.
func appendAnswer(b *bytes.Buffer, key, subprotocol string, others http.Header) {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ")
	b.Write(base64.StdEncoding.AppendEncode(b.AvailableBuffer(), sum[:]))
	if subprotocol != "" { // one of ours
		b.WriteString("\r\nSec-WebSocket-Protocol: ")
		b.WriteString(subprotocol)
	}
	b.WriteString("\r\n")
	if len(others) > 0 {
		_ = others.WriteSubset(b, handshake) // a Buffer takes everything
	}
	b.WriteString("\r\n")
}

// handshake are the headers that are ours to set.
var handshake = map[string]bool{
	"Connection": true, "Upgrade": true, "Sec-Websocket-Accept": true, "Sec-Websocket-Extensions": true, "Sec-Websocket-Protocol": true,
}
