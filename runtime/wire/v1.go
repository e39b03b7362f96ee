package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/chgen/chgen/runtime/codec"
)

// V1 is version 1 of the protocol: objects with the members topic, event, payload and ref (rules 2.9 and 2.10). A
// client may add join_ref, a server never does. There are no binary frames: Append fails for a payload that is bytes.
var V1 Serializer = v1{}

type v1 struct{}

var (
	errNotObject = errors.New("undecodable frame: not a JSON object")
	errMember    = errors.New("undecodable frame: topic, event, payload or ref is missing")
	errV1Binary  = errors.New("undecodable frame: version 1 has no binary frames")
	errV1Bytes   = errors.New("version 1 cannot carry a binary payload")
)

// The members of a frame, in the order of v1Members.
const (
	v1Topic = iota
	v1Event
	v1Payload
	v1Ref
	v1JoinRef // the one that may be missing
)

var v1Members = [...]string{v1Topic: "topic", v1Event: "event", v1Payload: "payload", v1Ref: "ref", v1JoinRef: "join_ref"}

type v1Frame [len(v1Members)][]byte

func (v1) Decode(data []byte, binary bool, m *Message) error {
	*m = Message{}
	if binary {
		return errV1Binary
	}
	var frame v1Frame
	if err := frame.split(data); err != nil {
		if err := frame.splitLeniently(data, err); err != nil { // see decodeText
			return err
		}
	}
	for _, value := range frame[:v1JoinRef] {
		if value == nil {
			return errMember
		}
	}
	if joinRef := frame[v1JoinRef]; joinRef != nil {
		m.JoinRef = ref(joinRef)
	}
	m.Ref = ref(frame[v1Ref])
	if text, ok := stringOf(frame[v1Topic]); ok {
		m.Topic = text
	} else {
		m.OddTopic = frame[v1Topic]
	}
	m.Event, _ = stringOf(frame[v1Event])
	m.Payload = frame[v1Payload]
	return nil
}

// split finds the members of the object that data is, in one pass. Of a member that is there twice the last counts.
func (f *v1Frame) split(data []byte) error {
	i := codec.SkipSpace(data, 0)
	if i >= len(data) || data[i] != '{' {
		return errNotObject
	}
	i = codec.SkipSpace(data, i+1)
	if i < len(data) && data[i] == '}' {
		return endOf(data, i)
	}
	for {
		name, at, err := memberName(data, codec.SkipSpace(data, i))
		if err != nil {
			return err
		}
		end, err := codec.SkipValue(data, at)
		if err != nil {
			return errNotJSON
		}
		f.set(name, data[at:end])
		i = codec.SkipSpace(data, end)
		switch {
		case i < len(data) && data[i] == ',':
			i++
		case i < len(data) && data[i] == '}':
			return endOf(data, i)
		default:
			return errNotJSON
		}
	}
}

// memberName reads the name at data[i:], in its quotes, and returns where its value begins.
func memberName(data []byte, i int) (name []byte, value int, err error) {
	end, _, err := codec.ScanString(data, i)
	if err != nil {
		return nil, i, errNotJSON
	}
	colon := codec.SkipSpace(data, end)
	if colon >= len(data) || data[colon] != ':' {
		return nil, i, errNotJSON
	}
	return data[i:end], codec.SkipSpace(data, colon+1), nil
}

// endOf refuses what follows the bracket at data[i].
func endOf(data []byte, i int) error {
	if codec.SkipSpace(data, i+1) < len(data) {
		return errNotJSON
	}
	return nil
}

// set keeps the value of a member, if it is one of a frame's.
func (f *v1Frame) set(quoted, value []byte) {
	name := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		name = codec.Unquote(nil, quoted)
	}
	for i := range v1Members {
		if string(name) == v1Members[i] {
			f[i] = value
		}
	}
}

// splitLeniently is split by encoding/json, which takes some values that ours does not; err is ours.
func (f *v1Frame) splitLeniently(data []byte, err error) error {
	if !utf8.Valid(data) {
		return errNotUTF8
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(data, &all) != nil || all == nil {
		return err
	}
	for i, name := range v1Members {
		f[i] = all[name]
	}
	return nil
}

func (v1) Append(dst []byte, m *Message) ([]byte, bool, error) {
	if m.Binary {
		return dst, false, errV1Bytes
	}
	dst = append(dst, `{"topic":`...)
	dst = appendTopic(dst, m)
	dst = append(dst, `,"event":`...)
	if m.Status != "" {
		dst = append(dst, `"phx_reply"`...)
	} else {
		dst = appendString(dst, m.Event)
	}
	dst = append(dst, `,"payload":`...)
	dst = appendPayload(dst, m)
	dst = append(dst, `,"ref":`...)
	dst = appendRef(dst, m.Ref)
	return append(dst, '}'), false, nil
}
