// Package wire is the Phoenix Channels protocol as bytes: a Message and the serializers that read and write it.
//
// A serializer turns one transport message (a WebSocket message, one entry of a long-poll batch) into a Message and
// back. It knows nothing of connections, memberships or schemas: what a frame means is decided elsewhere.
// Serializers have no state and may be used concurrently.
//
// Version 2 is five-element arrays as text, and binary frames for payloads that are bytes (sections 2 and 9 of the
// protocol). Version 1 is objects, as text alone.
package wire

import (
	"bytes"

	"github.com/chgen/chgen/runtime/codec"
)

// The events that mean something to the protocol itself.
const (
	EventJoin      = "phx_join"
	EventLeave     = "phx_leave"
	EventReply     = "phx_reply"
	EventClose     = "phx_close"
	EventError     = "phx_error"
	EventHeartbeat = "heartbeat" // on TopicPhoenix only
	TopicPhoenix   = "phoenix"
)

// The statuses of a reply.
const (
	StatusOK    = "ok"
	StatusError = "error"
)

// Ref is a join_ref or ref: one JSON value exactly as the client wrote it, or nil for null. Servers echo it and
// compare it; they never look inside.
type Ref []byte

// Equal reports whether r and other are the same value: 1 and "1" are not, "1" and "\u0031" are.
func (r Ref) Equal(other Ref) bool {
	if bytes.Equal(r, other) {
		return true
	}
	if len(r) == 0 || len(other) == 0 || r[0] != '"' || other[0] != '"' {
		return false
	}
	if bytes.IndexByte(r, '\\') < 0 && bytes.IndexByte(other, '\\') < 0 {
		return false
	}
	return bytes.Equal(codec.Unquote(nil, r), codec.Unquote(nil, other))
}

// Message is one frame in either direction.
//
//	join_ref, ref   which null stands where is rule 2.6 of the protocol
//	payload         JSON; of a reply (Status is set) it is the response alone
type Message struct {
	JoinRef Ref
	Ref     Ref
	Topic   string
	Event   string // "" where the frame's event is no string, which no channel can declare
	Payload []byte // JSON, or with Binary any bytes

	// Status of a reply, "" for everything else. Serializers write such a message as EventReply.
	Status string

	// Recovery is the third member of the reply to a join on a channel with history, as JSON; nil for none.
	Recovery []byte

	// Binary says that Payload is bytes, not JSON.
	Binary bool

	// OddTopic is the topic as JSON where it is no string; Topic is then empty. It matches nothing and is echoed.
	OddTopic []byte
}

// Serializer reads and writes one version of the protocol.
type Serializer interface {
	// Decode reads one transport message that a client sent; binary says of which kind it is. The message aliases
	// data. An error means that data is no frame of this version: its text says why, fit for a close reason.
	Decode(data []byte, binary bool, m *Message) error

	// Append writes m as a server sends it and says whether the result is a binary message. It allocates only when
	// dst is too small. It fails when m cannot be written in this version.
	Append(dst []byte, m *Message) (out []byte, binary bool, err error)
}

// V2 is version 2 of the protocol.
var V2 Serializer = v2{}

type v2 struct{}

func (v2) Decode(data []byte, binary bool, m *Message) error {
	*m = Message{}
	if binary {
		return decodeBinary(data, m)
	}
	return decodeText(data, m)
}

func (v2) Append(dst []byte, m *Message) ([]byte, bool, error) {
	if m.Binary {
		dst, err := appendBinary(dst, m)
		return dst, true, err
	}
	return appendText(dst, m), false, nil
}

// appendString appends s as a JSON string.
func appendString(dst []byte, s string) []byte {
	e := codec.NewEncoder(dst)
	e.String(s)
	out, _ := e.Done() // fails for invalid UTF-8, which topics and events never are
	return out
}
