package codec

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Encoder appends one JSON value to a buffer. The first error stays, and Done returns it:
//
//	e := codec.NewEncoder(dst)
//	e.Object()
//	e.Name("id")
//	e.String(v.ID)
//	e.EndObject()
//	return e.Done()
type Encoder struct {
	buf   []byte
	start int // where the value begins
	err   *Error
}

// NewEncoder returns an Encoder that appends to dst.
func NewEncoder(dst []byte) Encoder {
	return Encoder{buf: dst, start: len(dst)}
}

// Done returns the extended buffer, or after an error the buffer as it was and the error, an *Error.
func (e *Encoder) Done() ([]byte, error) {
	if e.err != nil {
		return e.buf[:e.start], e.err
	}
	return e.buf, nil
}

// Check makes a problem with the value that is written next, if it is one, the error.
func (e *Encoder) Check(problem string) {
	if problem != "" {
		e.fail("", problem)
	}
}

// fail makes a problem at path, seen from the value that is written next, the error, unless there is one already.
func (e *Encoder) fail(path, problem string) {
	if e.err == nil {
		e.err = &Error{Path: pointer(e.buf[e.start:], len(e.buf)-e.start) + path, Message: problem}
	}
}

// Buf is the buffer so far, for Put.
func (e *Encoder) Buf() []byte { return e.buf }

// Put takes what a generated AppendJSON made of Buf: e.Put(v.AppendJSON(e.Buf())).
func (e *Encoder) Put(buf []byte, err error) {
	if err == nil {
		e.buf = buf
		return
	}
	if inner, ok := errors.AsType[*Error](err); ok {
		e.fail(inner.Path, inner.Message)
		return
	}
	e.fail("", err.Error())
}

// Object begins an object, EndObject ends it.
func (e *Encoder) Object() { e.buf = append(e.buf, '{') }

// EndObject ends an object.
func (e *Encoder) EndObject() { e.buf = append(e.buf, '}') }

// Array begins an array, EndArray ends it.
func (e *Encoder) Array() { e.buf = append(e.buf, '[') }

// EndArray ends an array.
func (e *Encoder) EndArray() { e.buf = append(e.buf, ']') }

// Next begins an element of an array.
func (e *Encoder) Next() {
	if e.buf[len(e.buf)-1] != '[' {
		e.buf = append(e.buf, ',')
	}
}

// Name begins a member of an object. The name is one of the schema's, which need no escapes; see Key.
func (e *Encoder) Name(name string) {
	b := e.buf
	if b[len(b)-1] == '{' {
		b = append(b, '"')
	} else {
		b = append(b, ',', '"')
	}
	b = append(b, name...)
	e.buf = append(b, '"', ':')
}

// Key begins a member of a map.
func (e *Encoder) Key(key string) {
	if e.buf[len(e.buf)-1] != '{' {
		e.buf = append(e.buf, ',')
	}
	e.String(key)
	e.buf = append(e.buf, ':')
}

// SmallMap is how many keys generated code has room for on the stack.
const SmallMap = 16

// SortedKeys appends the keys of m to dst, which is empty, in their order.
func SortedKeys[V any](dst []string, m map[string]V) []string {
	for key := range m {
		dst = append(dst, key)
	}
	slices.Sort(dst)
	return dst
}

// Bool writes true or false.
func (e *Encoder) Bool(v bool) { e.buf = strconv.AppendBool(e.buf, v) }

// String writes a string, which must be valid UTF-8.
func (e *Encoder) String(s string) {
	if i := skipPlain(s, 0); i < len(s) {
		e.escaped(s, i)
		return
	}
	b := append(e.buf, '"')
	b = append(b, s...)
	e.buf = append(b, '"')
}

// escaped writes a string whose first i bytes need no look. No more is escaped than JSON asks for.
func (e *Encoder) escaped(s string, i int) {
	const hex = "0123456789abcdef"
	b := append(e.buf, '"')
	written := 0
	for i < len(s) {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				e.Check(errUTF8)
				return
			}
			i += n
			continue
		}
		b = append(b, s[written:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		written = i
	}
	b = append(b, s[written:]...)
	e.buf = append(b, '"')
}

// Int writes an integer within +-MaxInt.
func (e *Encoder) Int(v int64) {
	if v < -MaxInt || v > MaxInt {
		e.Check(AtLeast(v, -MaxInt))
		e.Check(AtMost(v, MaxInt))
	}
	e.buf = strconv.AppendInt(e.buf, v, 10)
}

// Int64 writes a string of digits.
func (e *Encoder) Int64(v int64) {
	b := append(e.buf, '"')
	b = strconv.AppendInt(b, v, 10)
	e.buf = append(b, '"')
}

// Float writes a finite number, as JavaScript would; -0 keeps its sign.
func (e *Encoder) Float(v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		e.Check(mustBeFinite)
		return
	}
	e.buf = appendFloat(e.buf, v)
}

// appendFloat appends the shortest text that reads back as v, without an exponent where JavaScript has none.
func appendFloat(dst []byte, v float64) []byte {
	abs := math.Abs(v)
	if v == 0 || 1e-6 <= abs && abs < 1e21 {
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, v, 'e', -1, 64)
	if n := len(dst); dst[n-4] == 'e' && dst[n-2] == '0' { // e-09 is e-9
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// Duration writes whole milliseconds; what is less than one is cut off.
func (e *Encoder) Duration(v time.Duration) {
	e.buf = strconv.AppendInt(e.buf, v.Milliseconds(), 10)
}

// UUID writes a UUID in small letters.
func (e *Encoder) UUID(v string) {
	if !isUUID(v) {
		e.Check(mustBeUUID)
		return
	}
	b := appendLower(append(e.buf, '"'), v)
	e.buf = append(b, '"')
}

// Bytes writes base64.
func (e *Encoder) Bytes(v []byte) {
	b := base64.StdEncoding.AppendEncode(append(e.buf, '"'), v)
	e.buf = append(b, '"')
}

// JSON writes a value as it is, or null where v is empty.
func (e *Encoder) JSON(v json.RawMessage) {
	if len(v) == 0 {
		e.buf = append(e.buf, "null"...)
		return
	}
	if err := Valid(v); err != nil {
		e.Put(nil, err)
		return
	}
	e.buf = append(e.buf, v...)
}
