package codec

import (
	"bytes"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// What the scanner says about what is no JSON. The empty problem is none.
const (
	errSyntax    = "is not valid JSON"
	errTruncated = "is not valid JSON: it ends too early"
	errTrailing  = "is not valid JSON: something follows the value"
	errString    = "is not valid JSON: a control character or a wrong escape in a string"
	errUTF8      = "is not valid UTF-8"
	errSurrogate = "is not valid Unicode: a lone surrogate"
	errNumber    = "is not valid JSON: a malformed number"
	errDepth     = "is nested too deeply"
	errDuplicate = "must not be there twice"
)

// Valid reports whether data is one JSON value with nothing but white space around it. The error is an *Error.
func Valid(data []byte) error {
	end, err := SkipValue(data, 0)
	if err != nil {
		return err
	}
	if end = SkipSpace(data, end); end < len(data) {
		return &Error{Message: errTrailing}
	}
	return nil
}

// SkipValue checks the JSON value at data[i:], white space before it included, as strictly as a Decoder does, and
// returns the index after it. The error is an *Error; its path begins at the value.
func SkipValue(data []byte, i int) (end int, err error) {
	i = SkipSpace(data, i)
	s := skipper{data: data}
	var problem string
	if i < len(data) && (data[i] == '{' || data[i] == '[') {
		end, problem = s.pooled(i)
	} else {
		end, problem = s.value(i, 0)
	}
	if problem != "" {
		return end, &Error{Path: pointer(data[i:], end-i), Message: problem}
	}
	return end, nil
}

// ScanString checks the JSON string whose opening quote is data[i] and returns the index after its closing quote.
// If it is plain, data[i+1:end-1] is its text; else Unquote makes it. The error is an *Error without a path.
func ScanString(data []byte, i int) (end int, plain bool, err error) {
	if i >= len(data) || data[i] != '"' {
		return i, false, &Error{Message: mustBeString}
	}
	end, plain, problem := scanString(data, i)
	if problem != "" {
		return end, false, &Error{Message: problem}
	}
	return end, plain, nil
}

// SkipSpace returns the index of the first byte at or after i that is no JSON white space.
func SkipSpace(data []byte, i int) int {
	for i < len(data) && data[i] <= ' ' && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

// scanString is ScanString for an i that is at a quote, with the problem as text. On a problem end is its place.
func scanString(data []byte, i int) (end int, plain bool, problem string) {
	plain = true
	for i++; ; {
		i = skipPlain(data, i)
		if i >= len(data) {
			return len(data), false, errTruncated
		}
		switch c := data[i]; {
		case c == '"':
			return i + 1, plain, ""
		case c == '\\':
			plain = false
			n, problem := scanEscape(data[i:])
			if problem != "" {
				return i, false, problem
			}
			i += n
		case c < ' ':
			return i, false, errString
		default:
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n == 1 {
				return i, false, errUTF8
			}
			i += n
		}
	}
}

// scanEscape checks the escape sequence that b begins with, both halves of a surrogate pair, and returns its length.
func scanEscape(b []byte) (n int, problem string) {
	if len(b) < 2 {
		return 0, errTruncated
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, ""
	case 'u':
	default:
		return 0, errString
	}
	r := hex4(b[2:])
	if r < 0 {
		return 0, errString
	}
	if !utf16.IsSurrogate(r) {
		return 6, ""
	}
	if len(b) < 12 || b[6] != '\\' || b[7] != 'u' || utf16.DecodeRune(r, hex4(b[8:])) == utf8.RuneError {
		return 0, errSurrogate
	}
	return 12, ""
}

// hex4 is the number that the first four bytes of b spell, -1 where they do not.
func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// closingQuote returns the index after the string at data[i], which is sound or ends too early.
func closingQuote(data []byte, i int) int {
	for i++; i < len(data); i++ {
		switch data[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return len(data)
}

// Unquote appends the text of a JSON string, quotes included, that ScanString has found sound.
func Unquote(dst, quoted []byte) []byte {
	s := quoted[1:max(1, len(quoted)-1)]
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 || i+1 >= len(s) {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		c := s[i+1]
		s = s[i+2:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := hex4(s)
			s = s[min(4, len(s)):]
			if utf16.IsSurrogate(r) && len(s) >= 6 {
				r = utf16.DecodeRune(r, hex4(s[2:]))
				s = s[6:]
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
}

// skipPlain returns the index of the first byte at or after i that is not printable ASCII without meaning in a JSON
// string: a quote, a backslash, a control character, part of a longer character, or the end.
func skipPlain[T string | []byte](s T, i int) int {
	start := i
	for ; i+8 <= len(s); i += 8 {
		if m := stops(load(s, i)); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	if i > start && i < len(s) { // The rest with some that have been seen: eight at once again.
		if m := stops(load(s, len(s)-8)); m != 0 {
			return len(s) - 8 + bits.TrailingZeros64(m)/8
		}
		return len(s)
	}
	for i < len(s) && s[i] >= ' ' && s[i] < utf8.RuneSelf && s[i] != '"' && s[i] != '\\' {
		i++
	}
	return i
}

// stops has the high bit set in the lowest of the eight bytes of x that skipPlain stops at, perhaps in higher ones
// too, and is 0 where there is none.
func stops(x uint64) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	return (x | (x - ones*' ') | ((x ^ ones*'"') - ones) | ((x ^ ones*'\\') - ones)) & highs
}

// load is the eight bytes of s from i on, the first the lowest.
func load[T string | []byte](s T, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// scanNumber returns the index after the number at data[i], which is a digit or a minus sign.
func scanNumber(data []byte, i int) (end int, problem string) {
	if data[i] == '-' {
		i++
	}
	digits := skipDigits(data, i)
	if digits == i || (data[i] == '0' && digits > i+1) {
		return i, errNumber
	}
	i = digits
	if i < len(data) && data[i] == '.' {
		if digits = skipDigits(data, i+1); digits == i+1 {
			return i, errNumber
		}
		i = digits
	}
	if i < len(data) && data[i]|0x20 == 'e' {
		sign := i + 1
		if sign < len(data) && (data[sign] == '+' || data[sign] == '-') {
			sign++
		}
		if digits = skipDigits(data, sign); digits == sign {
			return i, errNumber
		}
		i = digits
	}
	return i, ""
}

func skipDigits(data []byte, i int) int {
	for i < len(data) && '0' <= data[i] && data[i] <= '9' {
		i++
	}
	return i
}
