package wire

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/chgen/chgen/runtime/codec"
)

// The kinds of binary frames. Every length in their head is one byte; the payload runs to the end (section 9).
const (
	kindPush      = 0 // from a client join_ref, ref, topic, event; from a server join_ref, topic, event
	kindReply     = 1 // join_ref, ref, topic, status
	kindBroadcast = 2 // topic, event
)

var (
	errBinaryKind  = errors.New("undecodable binary frame: unknown kind")
	errBinaryShort = errors.New("undecodable binary frame: too short")
	errBinaryUTF8  = errors.New("undecodable binary frame: not valid UTF-8")
)

// decodeBinary reads a client's push: 0, four lengths, join_ref, ref, topic, event, data. An absent ref has length 0
// and is the empty string, which is not null (rule 4.2).
func decodeBinary(data []byte, m *Message) error {
	if len(data) == 0 {
		return errBinaryShort
	}
	if data[0] != kindPush {
		return errBinaryKind
	}
	fields, payload, err := cutHead(data[1:], 4)
	if err != nil {
		return err
	}
	m.JoinRef = appendString(nil, fields[0])
	m.Ref = appendString(nil, fields[1])
	m.Topic, m.Event = fields[2], fields[3]
	m.Payload, m.Binary = payload, true
	return nil
}

// appendBinary writes a reply where m has a status, a broadcast where it has no join_ref, else a push.
func appendBinary(dst []byte, m *Message) ([]byte, error) {
	switch {
	case m.Status != "":
		return appendFrame(dst, kindReply, m.Payload, []Ref{m.JoinRef, m.Ref}, m.Topic, m.Status)
	case m.JoinRef == nil:
		return appendFrame(dst, kindBroadcast, m.Payload, nil, m.Topic, m.Event)
	default:
		return appendFrame(dst, kindPush, m.Payload, []Ref{m.JoinRef}, m.Topic, m.Event)
	}
}

// cutHead takes n fields, whose lengths come first, from the front of data.
func cutHead(data []byte, n int) (fields [4]string, payload []byte, err error) {
	if len(data) < n {
		return fields, nil, errBinaryShort
	}
	at := n
	for i := range n {
		end := at + int(data[i])
		if end > len(data) {
			return fields, nil, errBinaryShort
		}
		if !utf8.Valid(data[at:end]) {
			return fields, nil, errBinaryUTF8
		}
		fields[i] = string(data[at:end])
		at = end
	}
	return fields, data[at:], nil
}

// appendFrame appends a whole frame: its kind, the lengths of the refs and names, these themselves, and the payload.
func appendFrame(dst []byte, kind byte, payload []byte, refs []Ref, names ...string) ([]byte, error) {
	dst = append(dst, kind)
	length := len(dst)
	dst = append(dst, make([]byte, len(refs)+len(names))...)
	for i := range len(refs) + len(names) {
		start := len(dst)
		if i < len(refs) {
			dst = appendRefText(dst, refs[i])
		} else {
			dst = append(dst, names[i-len(refs)]...)
		}
		n := len(dst) - start
		if n > 255 {
			return dst, fmt.Errorf("binary frame: a field of %d bytes, at most 255 fit", n)
		}
		dst[length+i] = byte(n)
	}
	return append(dst, payload...), nil
}

// appendRefText appends a ref as binary frames carry it: a string's text, any other value as it is written, null as
// nothing.
func appendRefText(dst []byte, r Ref) []byte {
	if len(r) > 0 && r[0] == '"' {
		return codec.Unquote(dst, r)
	}
	return append(dst, r...)
}
