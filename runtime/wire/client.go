package wire

import (
	"github.com/chgen/chgen/runtime/codec"
)

// AppendPush writes m as a client sends it: an array of five, or where m is Binary a push with a ref (rule 9.1). It
// says whether the result is a binary message, and fails when a binary frame cannot hold the names.
func AppendPush(dst []byte, m *Message) (out []byte, binary bool, err error) {
	if !m.Binary {
		return appendText(dst, m), false, nil
	}
	out, err = appendFrame(dst, kindPush, m.Payload, []Ref{m.JoinRef, m.Ref}, m.Topic, m.Event)
	return out, true, err
}

// DecodeServer reads one transport message that a server sent. The message aliases data. A reply as text is left as
// it is, with Event EventReply and the payload {"status","response"}; one that is binary has its Status.
func DecodeServer(data []byte, binary bool, m *Message) error {
	*m = Message{}
	if binary {
		return decodeServerBinary(data, m)
	}
	return decodeText(data, m)
}

// decodeServerBinary reads what appendBinary writes (rules 9.2 to 9.4). A ref that is absent is null.
func decodeServerBinary(data []byte, m *Message) error {
	if len(data) == 0 {
		return errBinaryShort
	}
	kind := data[0]
	if kind > kindBroadcast {
		return errBinaryKind
	}
	fields, payload, err := cutHead(data[1:], [...]int{kindPush: 3, kindReply: 4, kindBroadcast: 2}[kind])
	if err != nil {
		return err
	}
	switch kind {
	case kindPush:
		m.JoinRef, m.Topic, m.Event = textRef(fields[0]), fields[1], fields[2]
	case kindReply:
		m.JoinRef, m.Ref, m.Topic, m.Status = textRef(fields[0]), textRef(fields[1]), fields[2], fields[3]
		m.Event = EventReply
	case kindBroadcast:
		m.Topic, m.Event = fields[0], fields[1]
	}
	m.Payload, m.Binary = payload, true
	return nil
}

// textRef is the ref that a binary frame carries as text; nothing is null.
func textRef(s string) Ref {
	if s == "" {
		return nil
	}
	return appendString(nil, s)
}

// Text is the ref as text: a string's own, any other value's as it is written, null's empty.
func (r Ref) Text() string { return string(appendRefText(nil, r)) }

// TextRef is the ref that is the JSON string s.
func TextRef(s string) Ref { return appendString(nil, s) }

// Response is the payload of a reply as text, taken apart.
type Response struct {
	Status  string
	Payload []byte // JSON

	// Of the reply to a join of a channel with history.
	Position  string
	Recovered bool
}

// DecodeJSON reads {"status","response"}, and "recovery": {"position","recovered"}.
func (r *Response) DecodeJSON(d *codec.Decoder) error {
	obj := d.Object()
	for obj.Next(d) {
		switch string(obj.Name()) {
		case "status":
			r.Status = d.String()
		case "response":
			r.Payload = d.JSON()
		case "recovery":
			r.decodeRecovery(d)
		default:
			d.Skip()
		}
	}
	return d.Err()
}

func (r *Response) decodeRecovery(d *codec.Decoder) {
	obj := d.Object()
	for obj.Next(d) {
		switch string(obj.Name()) {
		case "position":
			r.Position = d.String()
		case "recovered":
			r.Recovered = d.Bool()
		default:
			d.Skip()
		}
	}
}
