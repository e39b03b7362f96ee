package codec

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// Text reads a string. The bytes are good until the next call of d.
func (d *Decoder) Text() []byte {
	if d.peek() != '"' {
		d.mismatch(mustBeString)
		return nil
	}
	end, plain, problem := scanString(d.data, d.pos)
	if problem != "" {
		d.fail(end, problem)
		return nil
	}
	quoted := d.data[d.pos:end]
	d.pos = end
	if plain {
		return quoted[1 : len(quoted)-1]
	}
	d.scratch = Unquote(d.scratch[:0], quoted)
	return d.scratch
}

// String reads a string.
func (d *Decoder) String() string { return string(d.Text()) }

// Bool reads true or false.
func (d *Decoder) Bool() bool {
	switch d.peek() {
	case 't':
		return d.literal("true")
	case 'f':
		d.literal("false")
	default:
		d.mismatch(mustBeBool)
	}
	return false
}

// Int reads an integer within +-MaxInt. One that is written with a fraction of zeros or an exponent is one.
func (d *Decoder) Int() int64 { return d.integer(mustBeInt, -MaxInt, MaxInt) }

// Duration reads whole milliseconds.
func (d *Decoder) Duration() time.Duration {
	const limit = math.MaxInt64 / int64(time.Millisecond)
	return time.Duration(d.integer(mustBeDuration, -limit, limit)) * time.Millisecond
}

func (d *Decoder) integer(problem string, minimum, maximum int64) int64 {
	text := d.number(problem)
	if text == nil {
		return 0
	}
	n, ok := shortInt(text)
	if !ok {
		f := float(text)
		if f != math.Trunc(f) {
			d.Check(problem)
			return 0
		}
		// The limits are below 2^53 or so far from it that no float between them and 2^53 matters.
		n = int64(max(-1<<62, min(f, 1<<62)))
	}
	d.Check(AtLeast(n, minimum))
	d.Check(AtMost(n, maximum))
	return n
}

// shortInt is the number that up to 18 digits spell.
func shortInt(text []byte) (n int64, ok bool) {
	digits := text
	if text[0] == '-' {
		digits = text[1:]
	}
	if len(digits) > 18 {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if text[0] == '-' {
		n = -n
	}
	return n, true
}

// Float reads a finite number.
func (d *Decoder) Float() float64 {
	text := d.number(mustBeNumber)
	if text == nil {
		return 0
	}
	f := float(text)
	if math.IsInf(f, 0) {
		d.Check(mustBeFinite)
		return 0
	}
	return f
}

// float is the float nearest to a number that is sound, infinite where that is too large.
func float(text []byte) float64 {
	f, _ := strconv.ParseFloat(string(text), 64)
	return f
}

// number reads a number as it is written.
func (d *Decoder) number(problem string) []byte {
	if c := d.peek(); c != '-' && (c < '0' || c > '9') {
		d.mismatch(problem)
		return nil
	}
	end, bad := scanNumber(d.data, d.pos)
	if bad != "" {
		d.fail(end, bad)
		return nil
	}
	text := d.data[d.pos:end]
	d.pos = end
	return text
}

// Int64 reads a string of digits.
func (d *Decoder) Int64() int64 {
	text := d.textFor(mustBeInt64)
	digits := bytes.TrimPrefix(text, []byte("-"))
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || text[0] == '+' || digits[0] == '0' && len(text) > 1 {
		d.Check(mustBeInt64)
		return 0
	}
	return n
}

// textFor is Text with its own complaint about what is no string.
func (d *Decoder) textFor(problem string) []byte {
	if d.peek() != '"' {
		d.mismatch(problem)
		return nil
	}
	return d.Text()
}

// UUID reads a UUID in small or capital letters and returns it in small ones.
func (d *Decoder) UUID() string {
	text := d.textFor(mustBeUUID)
	if !isUUID(text) {
		d.Check(mustBeUUID)
		return ""
	}
	d.scratch = appendLower(d.scratch[:0], text)
	return string(d.scratch)
}

func isUUID[T string | []byte](text T) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		switch c := text[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case '0' <= c && c <= '9', 'a' <= c|0x20 && c|0x20 <= 'f':
		default:
			return false
		}
	}
	return true
}

// appendLower appends a UUID in small letters.
func appendLower[T string | []byte](dst []byte, text T) []byte {
	for i := range len(text) {
		c := text[i]
		if 'A' <= c && c <= 'F' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

// Bytes reads base64.
func (d *Decoder) Bytes() []byte {
	text := d.textFor(mustBeBytes)
	decoded := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(decoded, text)
	if err != nil || bytes.ContainsAny(text, "\r\n") { // The library passes over line ends.
		d.Check(mustBeBytes)
		return nil
	}
	return decoded[:n]
}

// JSON reads any value and keeps it as it is written.
func (d *Decoder) JSON() json.RawMessage {
	d.peek()
	start := d.pos
	if d.Skip(); d.err != nil {
		return nil
	}
	d.start = start
	return bytes.Clone(d.data[start:d.pos])
}

// Enum reads one of values.
func Enum[T ~string](d *Decoder, values []T) T {
	text := d.Text()
	for _, v := range values {
		if string(text) == string(v) {
			return v
		}
	}
	d.Check(oneOf(values))
	return ""
}

// Literal reads a string that is text: the "type" of a union's variant.
func (d *Decoder) Literal(text string) {
	if string(d.Text()) != text {
		d.Check(oneOf([]string{text}))
	}
}
