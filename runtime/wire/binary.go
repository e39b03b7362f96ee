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
	if len(data) < 5 {
		return errBinaryShort
	}
	var fields [4]string
	at := 5
	for i := range fields {
		end := at + int(data[1+i])
		if end > len(data) {
			return errBinaryShort
		}
		if !utf8.Valid(data[at:end]) {
			return errBinaryUTF8
		}
		fields[i] = string(data[at:end])
		at = end
	}
	m.JoinRef = appendString(nil, fields[0])
	m.Ref = appendString(nil, fields[1])
	m.Topic, m.Event = fields[2], fields[3]
	m.Payload, m.Binary = data[at:], true
	return nil
}

// appendBinary writes a reply where m has a status, a broadcast where it has no join_ref, else a push.
func appendBinary(dst []byte, m *Message) ([]byte, error) {
	var fields [4]string
	var n int
	switch {
	case m.Status != "":
		dst = append(dst, kindReply)
		fields = [4]string{refText(m.JoinRef), refText(m.Ref), m.Topic, m.Status}
		n = 4
	case m.JoinRef == nil:
		dst = append(dst, kindBroadcast)
		fields = [4]string{m.Topic, m.Event}
		n = 2
	default:
		dst = append(dst, kindPush)
		fields = [4]string{refText(m.JoinRef), m.Topic, m.Event}
		n = 3
	}
	for _, field := range fields[:n] {
		if len(field) > 255 {
			return dst, fmt.Errorf("binary frame: a field of %d bytes, at most 255 fit", len(field))
		}
		dst = append(dst, byte(len(field)))
	}
	for _, field := range fields[:n] {
		dst = append(dst, field...)
	}
	return append(dst, m.Payload...), nil
}

// refText is a ref as binary frames carry it: a string's text, any other value as it is written, null as nothing.
func refText(r Ref) string {
	if len(r) > 0 && r[0] == '"' {
		return string(codec.Unquote(nil, r))
	}
	return string(r)
}
