package client

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"

	"github.com/coder/websocket"
)

// WebSocket is the Transport of section 1 of the protocol. Its zero value is ready.
type WebSocket struct {
	// HTTPClient makes the request that is upgraded; nil is http.DefaultClient. It must have no Timeout.
	HTTPClient *http.Client

	// MaxMessageBytes is how large a message of the server may be; a larger one ends the connection. 0 is 16 MiB.
	MaxMessageBytes int64
}

const maxMessageBytes = 16 << 20

// Dial implements Transport. A token travels as a subprotocol, because pages can send it in no other way and servers
// therefore look for it there.
func (t *WebSocket) Dial(ctx context.Context, target string, header http.Header) (Conn, error) {
	options := websocket.DialOptions{HTTPClient: t.HTTPClient, HTTPHeader: header}
	if tokens := header.Values(HeaderAuthToken); len(tokens) > 0 {
		options.HTTPHeader = header.Clone()
		options.HTTPHeader.Del(HeaderAuthToken)
		options.Subprotocols = []string{"phoenix", "base64url.bearer.phx." + base64.RawStdEncoding.EncodeToString([]byte(tokens[0]))}
	}
	ws, response, err := websocket.Dial(ctx, target, &options)
	if err != nil {
		if response != nil && response.StatusCode == http.StatusForbidden {
			return nil, &RefusedError{}
		}
		return nil, err
	}
	limit := t.MaxMessageBytes
	if limit == 0 {
		limit = maxMessageBytes
	}
	ws.SetReadLimit(limit)
	return &webSocketConn{ws}, nil
}

type webSocketConn struct{ ws *websocket.Conn }

// Read implements Conn.
func (c *webSocketConn) Read() ([]byte, bool, error) {
	kind, data, err := c.ws.Read(context.Background())
	if closed, ok := errors.AsType[websocket.CloseError](err); ok {
		if closed.Code == closeRefused {
			return nil, false, &RefusedError{Reason: closed.Reason}
		}
		return nil, false, &CloseError{Code: int(closed.Code), Reason: closed.Reason}
	}
	return data, kind == websocket.MessageBinary, err
}

// Write implements Conn.
func (c *webSocketConn) Write(ctx context.Context, data []byte, binary bool) error {
	kind := websocket.MessageText
	if binary {
		kind = websocket.MessageBinary
	}
	return c.ws.Write(ctx, kind, data)
}

// Close implements Conn.
func (c *webSocketConn) Close(code int, reason string) error {
	return c.ws.Close(websocket.StatusCode(code), reason)
}

// CloseNow implements Conn.
func (c *webSocketConn) CloseNow() error { return c.ws.CloseNow() }
