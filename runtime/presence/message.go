package presence

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"unicode/utf8"
)

// A message between nodes is
//
//	format (1 byte, 1) | kind (1 byte) | field...
//
// and a field is its tag, the length of its value, both as uvarints, and the value: bytes, a number as a uvarint, or
// again fields. Who does not know a kind or a tag passes over it, so that nodes of different versions understand each
// other; who does not know the format, over all of it.
const messageFormat = 1

// kind says what a message is for. All but answers go to every node, on topicAll; those and questions go to one, on
// the topic of that node.
type kind byte

const (
	kindHello kind = 1 // a heartbeat that asks for everybody's
	kindBeat  kind = 2 // from lives, and its last change is seq
	kindDelta kind = 3 // changes, seq of them all; to one node where that has asked for it
	kindBye   kind = 4 // from has ended
	kindAsk   kind = 5 // request asks for what came after seq
	kindState kind = 6 // a page of everything, as of seq or later: the answer to request
)

// The tags of a message.
const (
	tagFrom    = 1
	tagSeq     = 2
	tagRequest = 3
	tagPage    = 4
	tagLast    = 5
	tagChange  = 6
)

// The tags of a change and of an op.
const (
	tagTopic = 1
	tagOp    = 2

	tagGone  = 1
	tagKey   = 2
	tagOwner = 3
	tagRev   = 4
	tagBorn  = 5
	tagRef   = 6
	tagPrev  = 7
	tagData  = 8
)

// message is what nodes say to each other.
type message struct {
	kind    kind
	from    string // the node
	seq     uint64
	request uint64
	page    uint64
	last    bool // of the pages
	changes []change
}

// change is what one diff tells of: ops on one topic.
type change struct {
	topic string
	ops   []op
}

// op puts a meta under a key, or takes it away.
type op struct {
	gone  bool
	key   string
	owner Owner
	rev   uint64
	born  uint64
	Meta
}

func putOp(key string, e *entry) op {
	return op{key: key, owner: e.owner, rev: e.rev, born: e.born, Meta: e.Meta}
}

// append appends the message, but for its changes, which are appended behind it.
func (m *message) append(dst []byte) []byte {
	dst = append(dst, messageFormat, byte(m.kind))
	dst = appendText(dst, tagFrom, m.from)
	dst = appendNumber(dst, tagSeq, m.seq)
	dst = appendNumber(dst, tagRequest, m.request)
	dst = appendNumber(dst, tagPage, m.page)
	if m.last {
		dst = appendNumber(dst, tagLast, 1)
	}
	return dst
}

// append appends the change as a field of a message.
func (c *change) append(dst []byte) []byte {
	var room, opRoom [512]byte
	body := appendText(room[:0], tagTopic, c.topic)
	for i := range c.ops {
		body = appendText(body, tagOp, c.ops[i].append(opRoom[:0]))
	}
	return appendText(dst, tagChange, body)
}

func (o *op) append(dst []byte) []byte {
	dst = appendText(dst, tagKey, o.key)
	dst = appendNumber(dst, tagOwner, uint64(o.owner))
	dst = appendNumber(dst, tagRev, o.rev)
	if o.gone {
		return appendNumber(dst, tagGone, 1)
	}
	dst = appendNumber(dst, tagBorn, o.born)
	dst = appendText(dst, tagRef, o.Ref)
	if o.Prev != "" {
		dst = appendText(dst, tagPrev, o.Prev)
	}
	return appendText(dst, tagData, o.Data)
}

func appendText[T string | []byte | json.RawMessage](dst []byte, tag uint64, value T) []byte {
	dst = binary.AppendUvarint(dst, tag)
	dst = binary.AppendUvarint(dst, uint64(len(value)))
	return append(dst, value...)
}

func appendNumber(dst []byte, tag, value uint64) []byte {
	var room [binary.MaxVarintLen64]byte
	return appendText(dst, tag, binary.AppendUvarint(room[:0], value))
}

// parseMessage reads a message. What it returns shares no memory with data, which holds much else.
func parseMessage(data []byte) (m message, ok bool) {
	if len(data) < 2 || data[0] != messageFormat {
		return m, false
	}
	m.kind = kind(data[1])
	ok = eachField(data[2:], func(tag uint64, value []byte) bool {
		switch tag {
		case tagFrom:
			m.from = string(value)
		case tagSeq:
			m.seq = number(value)
		case tagRequest:
			m.request = number(value)
		case tagPage:
			m.page = number(value)
		case tagLast:
			m.last = true
		case tagChange:
			c, ok := parseChange(value)
			m.changes = append(m.changes, c)
			return ok
		}
		return true
	})
	return m, ok && m.from != ""
}

func parseChange(data []byte) (c change, ok bool) {
	ok = eachField(data, func(tag uint64, value []byte) bool {
		switch tag {
		case tagTopic:
			c.topic = string(value)
		case tagOp:
			o, ok := parseOp(value)
			c.ops = append(c.ops, o)
			return ok
		}
		return true
	})
	return c, ok
}

func parseOp(data []byte) (o op, ok bool) {
	ok = eachField(data, func(tag uint64, value []byte) bool {
		switch tag {
		case tagGone:
			o.gone = true
		case tagKey:
			o.key = string(value)
		case tagOwner:
			o.owner = Owner(number(value))
		case tagRev:
			o.rev = number(value)
		case tagBorn:
			o.born = number(value)
		case tagRef:
			o.Ref = string(value)
		case tagPrev:
			o.Prev = string(value)
		case tagData:
			o.Data = bytes.Clone(value)
		}
		return true
	})
	return o, ok && utf8.ValidString(o.key) && (o.gone || isObject(o.Data))
}

// isObject reports whether data looks like the JSON object that a meta is. That it is one, the node has seen to that it
// comes from.
func isObject(data []byte) bool {
	data = bytes.TrimSpace(data)
	return len(data) >= 2 && data[0] == '{' && data[len(data)-1] == '}'
}

// eachField calls see with every field until it returns false, and reports whether all of data was sound.
func eachField(data []byte, see func(tag uint64, value []byte) bool) bool {
	for len(data) > 0 {
		tag, n := binary.Uvarint(data)
		if n <= 0 {
			return false
		}
		size, k := binary.Uvarint(data[n:])
		if k <= 0 || size > uint64(len(data)-n-k) {
			return false
		}
		data = data[n+k:]
		if !see(tag, data[:size]) {
			return false
		}
		data = data[size:]
	}
	return true
}

// number is the value of a number's field, 0 where it is none.
func number(value []byte) uint64 {
	n, _ := binary.Uvarint(value)
	return n
}
