// Package codec is what generated decoding and encoding stand on: a strict, one-pass JSON reader (Decoder) and a
// writer that appends to the caller's buffer (Encoder). There is no reflection; generated code says what goes where.
//
// # What is refused when reading
//
// The syntax is RFC 8259's with the verdicts of I-JSON (RFC 7493): invalid UTF-8, an escaped lone surrogate, a name
// that an object has twice (compared after unescaping, in members that are skipped and in json values too), and
// anything after the value are errors. Arrays and objects may be nested MaxDepth deep.
//
// # How values of the schema travel
//
//	bool       true, false
//	string     a string
//	int        a number without a fraction within +-MaxInt. 1.0 and 1e2 are integers: JavaScript cannot tell them apart
//	int64      a string of decimal digits: no plus sign, no leading zero, no "-0"
//	float      a finite number
//	timestamp  a string, RFC 3339 with an upper-case T and Z; the offset is kept, digits after the ninth are cut off
//	duration   a number of whole milliseconds; when writing, what is less than a millisecond is cut off
//	uuid       a string, 8-4-4-4-12 hexadecimal digits; capitals are read, small letters are kept and written
//	bytes      a string, standard base64 with padding
//	json       any value, kept as it is written; nil is written as null
//	enum       a string of the list; the zero value is not in it
//	list, map  an array, an object; nil is written as [] and {}, maps in the order of their keys
//
// What the schema cannot carry is refused when writing too. Every error about a value is an *Error with the place.
//
// Decoders and Encoders belong to one goroutine; the functions may be called from several.
package codec

import (
	"strconv"
	"strings"
)

// MaxInt is the largest int: the largest that JavaScript holds exactly. The smallest is -MaxInt.
const MaxInt = 1<<53 - 1

// MaxDepth is how deep arrays and objects may be nested. It bounds the stack that a hostile message can claim.
const MaxDepth = 1000

// Unmarshaler is implemented by every generated payload type.
type Unmarshaler interface {
	// DecodeJSON reads one value. Errors are *Error.
	DecodeJSON(d *Decoder) error
}

// Marshaler is implemented by every generated payload type, union and error.
type Marshaler interface {
	// AppendJSON appends the value's JSON to dst and returns the extended buffer, or dst as it was and an *Error.
	AppendJSON(dst []byte) ([]byte, error)
}

// Error is a value that does not satisfy the schema, or is no JSON.
type Error struct {
	Path    string // JSON pointer (RFC 6901) to the offending member, also to a missing one; "" is the whole value
	Message string // what is asked of it, made to follow the place: "must be a string"
}

// Error is the place and what is asked of it.
func (e *Error) Error() string {
	if e.Path == "" {
		return "payload " + e.Message
	}
	return e.Path + " " + e.Message
}

// pointer is the JSON pointer of the value or member at off; what stands before it must be syntactically sound. A member
// counts from its colon on: a name that is broken names nothing.
// Paths are found this way, when there is an error, so that reading and writing need not keep them.
func pointer(data []byte, off int) string {
	type level struct {
		array bool
		index int
		name  []byte // as it is written, in quotes; nil before an object's first member
	}
	var levels []level
	var last []byte // the string that was passed last
	for i := 0; i < off; i++ {
		switch data[i] {
		case '{', '[':
			levels = append(levels, level{array: data[i] == '['})
		case '}', ']':
			levels = levels[:len(levels)-1]
		case ',':
			if top := &levels[len(levels)-1]; top.array {
				top.index++
			} else {
				top.name = nil
			}
		case ':':
			levels[len(levels)-1].name = last
		case '"':
			end := closingQuote(data, i)
			last = data[i:end]
			i = end - 1
		}
	}
	var path []byte
	for _, l := range levels {
		switch {
		case l.array:
			path = strconv.AppendInt(append(path, '/'), int64(l.index), 10)
		case l.name != nil:
			path = appendToken(path, string(Unquote(nil, l.name)))
		}
	}
	return string(path)
}

var tokenEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// appendToken appends a member's name to a JSON pointer.
func appendToken(path []byte, name string) []byte {
	return append(append(path, '/'), tokenEscapes.Replace(name)...)
}
