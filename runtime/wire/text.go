package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/chgen/chgen/runtime/codec"
)

var (
	errNotArray = errors.New("undecodable frame: not a JSON array")
	errNotJSON  = errors.New("undecodable frame: not valid JSON")
	errNotUTF8  = errors.New("undecodable frame: not valid UTF-8")
	errTooShort = errors.New("undecodable frame: fewer than five elements")
)

// decodeText reads [join_ref, ref, topic, event, payload]; elements after the fifth are ignored (rule 2.2).
func decodeText(data []byte, m *Message) error {
	var elements [5][]byte
	if err := split(data, &elements); err != nil {
		if elements[4] == nil {
			return err
		}
		// Four sound elements and something in the payload that the scanner does not take. If that is no more than,
		// say, a name that an object has twice, it is for the payload's decoder to refuse, not for us to hang up.
		if err := splitLeniently(data, &elements, err); err != nil {
			return err
		}
	}
	m.JoinRef = ref(elements[0])
	m.Ref = ref(elements[1])
	if text, ok := stringOf(elements[2]); ok {
		m.Topic = text
	} else {
		m.OddTopic = elements[2]
	}
	m.Event, _ = stringOf(elements[3])
	m.Payload = elements[4]
	return nil
}

// split finds the first five elements of the array that data is, in one pass. When the fifth alone cannot be read,
// elements[4] is not nil beside the error.
func split(data []byte, elements *[5][]byte) error {
	i := codec.SkipSpace(data, 0)
	if i >= len(data) || data[i] != '[' {
		return errNotArray
	}
	i = codec.SkipSpace(data, i+1)
	if i < len(data) && data[i] == ']' {
		return tooShortOr(data, i)
	}
	for n := 0; ; n++ {
		i = codec.SkipSpace(data, i)
		end, err := codec.SkipValue(data, i)
		if err != nil {
			if n >= 4 {
				elements[4] = data[i:]
			}
			return errNotJSON
		}
		if n < len(elements) {
			elements[n] = data[i:end]
		}
		i = codec.SkipSpace(data, end)
		if i >= len(data) {
			return errNotJSON
		}
		if data[i] == ']' {
			if n < 4 {
				return tooShortOr(data, i)
			}
			if codec.SkipSpace(data, i+1) < len(data) {
				return errNotJSON
			}
			return nil
		}
		if data[i] != ',' {
			return errNotJSON
		}
		i++
	}
}

// tooShortOr is the error of an array that ends at i too soon.
func tooShortOr(data []byte, i int) error {
	if codec.SkipSpace(data, i+1) < len(data) {
		return errNotJSON
	}
	return errTooShort
}

// splitLeniently is split by encoding/json, which takes some values that ours does not; err is ours.
func splitLeniently(data []byte, elements *[5][]byte, err error) error {
	if !utf8.Valid(data) {
		return errNotUTF8
	}
	var all []json.RawMessage
	if json.Unmarshal(data, &all) != nil || len(all) < len(elements) {
		return err
	}
	for i := range elements {
		elements[i] = all[i]
	}
	return nil
}

func ref(element []byte) Ref {
	if string(element) == "null" {
		return nil
	}
	return element
}

// stringOf is the text of an element that is a JSON string.
func stringOf(element []byte) (string, bool) {
	if element[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(element, '\\') < 0 {
		return string(element[1 : len(element)-1]), true
	}
	return string(codec.Unquote(nil, element)), true
}

// appendText writes m as an array of five (rule 2.1).
func appendText(dst []byte, m *Message) []byte {
	dst = append(dst, '[')
	dst = appendRef(dst, m.JoinRef)
	dst = append(dst, ',')
	dst = appendRef(dst, m.Ref)
	dst = append(dst, ',')
	dst = appendTopic(dst, m)
	dst = append(dst, ',')
	if m.Status != "" {
		dst = append(dst, `"phx_reply"`...)
	} else {
		dst = appendString(dst, m.Event)
	}
	dst = append(dst, ',')
	dst = appendPayload(dst, m)
	return append(dst, ']')
}

func appendTopic(dst []byte, m *Message) []byte {
	if m.OddTopic != nil {
		return append(dst, m.OddTopic...)
	}
	return appendString(dst, m.Topic)
}

// appendPayload writes the payload, that of a reply as {"status","response"} (rule 2.7) and what it has of recovery.
func appendPayload(dst []byte, m *Message) []byte {
	if m.Status == "" {
		return append(dst, m.Payload...)
	}
	dst = append(dst, `{"status":`...)
	dst = appendString(dst, m.Status)
	dst = append(dst, `,"response":`...)
	dst = append(dst, m.Payload...)
	if m.Recovery != nil {
		dst = append(dst, `,"recovery":`...)
		dst = append(dst, m.Recovery...)
	}
	return append(dst, '}')
}

func appendRef(dst []byte, r Ref) []byte {
	if r == nil {
		return append(dst, "null"...)
	}
	return append(dst, r...)
}
