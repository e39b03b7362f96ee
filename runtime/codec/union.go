package codec

import "slices"

// Variant returns the text of the member "type" of the object that is next, and reads nothing: the variant reads the
// whole object. It is nil after an error, which a missing "type" is. The bytes are good until the next call of d.
func (d *Decoder) Variant() []byte {
	if d.peek() != '{' {
		d.mismatch(mustBeObject)
		return nil
	}
	start := d.pos
	var off int
	if first := SkipSpace(d.data, start+1); d.isType(first) {
		var problem string
		if off, problem = scanColon(d.data, first+len(typeName)); problem != "" {
			d.fail(off, problem)
		}
	} else {
		off = d.findType(start)
	}
	if d.err != nil {
		return nil
	}
	if off == 0 {
		d.missing(start, "type")
		return nil
	}
	d.pos = off
	text := d.Text()
	if d.err == nil {
		d.start, d.pos = off, start
	}
	return text
}

// NoVariant makes the text that Variant returned the error: it is none of names.
func (d *Decoder) NoVariant(names ...string) {
	d.Check(oneOf(names))
}

const typeName = `"type"`

// isType reports whether the name "type" stands at i. One that is written with escapes is found by findType.
func (d *Decoder) isType(i int) bool {
	return i+len(typeName) <= len(d.data) && string(d.data[i:i+len(typeName)]) == typeName
}

// typeMember is where the value of the member "type" of the object at start is.
type typeMember struct{ start, value int }

// findType returns where the value of the member "type" of the object at start is, 0 where there is none. Unions may
// stand in unions, so that the search goes through everything inside at once and keeps what it found: no byte is
// searched twice, whatever the message.
func (d *Decoder) findType(start int) int {
	if start >= d.ahead {
		d.types = d.types[:0]
		s := skipper{data: d.data, names: d.names, types: &d.types}
		end, problem := s.value(start, d.depth)
		d.names = s.names[:len(d.names)]
		if problem != "" {
			d.fail(end, problem)
			return 0
		}
		d.ahead = end
		slices.SortFunc(d.types, func(a, b typeMember) int { return a.start - b.start })
	}
	i, ok := slices.BinarySearchFunc(d.types, start, func(m typeMember, start int) int { return m.start - start })
	if !ok {
		return 0
	}
	return d.types[i].value
}

// Union makes an Unmarshaler of a variable whose type is a union, and the generated function that reads such a union.
func Union[T any](v *T, read func(*Decoder) T) Unmarshaler {
	return &union[T]{v, read}
}

type union[T any] struct {
	v    *T
	read func(*Decoder) T
}

// DecodeJSON reads the union.
func (u *union[T]) DecodeJSON(d *Decoder) error {
	*u.v = u.read(d)
	return d.Err()
}

// Present is v, or where v is nil a Marshaler that refuses: a union that is required.
func Present(v Marshaler) Marshaler {
	if v == nil {
		return absent{}
	}
	return v
}

// ErrTooDeep is the *Error of a value that is nested deeper than MaxDepth. Generated encoding counts where a type holds
// itself, so that a Go value that does, too, is an error and not the end of the process.
var ErrTooDeep error = &Error{Message: errDepth}

type absent struct{}

// AppendJSON refuses.
func (absent) AppendJSON(dst []byte) ([]byte, error) {
	return dst, &Error{Message: isRequired}
}
