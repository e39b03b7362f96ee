package codec

import "sync"

// Decoder reads one JSON value from front to back. The first error stays: every method that follows gives zero
// values, Next false, and Err returns it. So generated code looks at errors once, at its end.
type Decoder struct {
	data    []byte
	pos     int
	start   int // of the value that was read last: what Check complains about
	depth   int
	err     *Error
	names   [][]byte // of the objects that are open: what nameSet needs
	scratch []byte
	types   []typeMember // what a union's decoding found further on; see Variant
	ahead   int          // objects that begin before this have been searched
}

var decoders = sync.Pool{New: func() any { return new(Decoder) }}

// Unmarshal reads the whole of data into v, and refuses data that goes on after the value. What v keeps is copied.
// The error is an *Error; then v is not to be used.
func Unmarshal(data []byte, v Unmarshaler) error {
	d := NewDecoder(data)
	return d.End(v.DecodeJSON(d))
}

// NewDecoder returns a Decoder of data, for whoever knows the type to read and need not have it in memory of its own, as
// Unmarshal does. End ends its life.
func NewDecoder(data []byte) *Decoder {
	d := decoders.Get().(*Decoder)
	d.data = data
	return d
}

// End returns err, the outcome of the reading, or refuses data that goes on after the value. d is not to be used any more.
func (d *Decoder) End(err error) error {
	if err == nil {
		err = d.end()
	}
	d.reset()
	decoders.Put(d)
	return err
}

// reset makes d ready for the next value. It drops buffers that have grown large; what the names in the others point
// to is let go with the pool's next two collections.
func (d *Decoder) reset() {
	if cap(d.names) > maxNames || cap(d.scratch) > 64<<10 || cap(d.types) > 1024 {
		*d = Decoder{}
		return
	}
	d.data, d.pos, d.start, d.depth, d.err, d.ahead = nil, 0, 0, 0, nil, 0
	d.names, d.scratch, d.types = d.names[:0], d.scratch[:0], d.types[:0]
}

// end refuses what follows the value.
func (d *Decoder) end() error {
	if d.pos = SkipSpace(d.data, d.pos); d.pos < len(d.data) {
		d.fail(0, errTrailing)
	}
	return d.Err()
}

// Err is the first error, an *Error.
func (d *Decoder) Err() error {
	if d.err == nil {
		return nil
	}
	return d.err
}

// Value reads a value of a generated type.
func (d *Decoder) Value(v Unmarshaler) {
	_ = v.DecodeJSON(d) // The error stays in d.
}

// Check makes a problem with the scalar that was read last, if it is one, the error.
func (d *Decoder) Check(problem string) {
	if problem != "" {
		d.fail(d.start, problem)
	}
}

// Null reads a null if one is next: an optional member that is absent.
func (d *Decoder) Null() bool {
	if d.peek() != 'n' {
		return false
	}
	return d.literal("null")
}

// Skip reads a value that nobody wants.
func (d *Decoder) Skip() {
	d.peek()
	if d.err != nil {
		return
	}
	s := skipper{data: d.data, names: d.names}
	end, problem := s.value(d.pos, d.depth)
	d.names = s.names[:len(d.names)]
	if problem != "" {
		d.fail(end, problem)
		return
	}
	d.pos = end
}

// peek returns the first byte of the next value, 0 at the end or after an error.
func (d *Decoder) peek() byte {
	d.pos = SkipSpace(d.data, d.pos)
	d.start = d.pos
	if d.pos < len(d.data) {
		return d.data[d.pos]
	}
	return 0
}

// fail makes the problem at off the error, unless there is one already, and goes to the end of the data.
func (d *Decoder) fail(off int, problem string) {
	if d.err == nil {
		d.err = &Error{Path: pointer(d.data, off), Message: problem}
	}
	d.pos = len(d.data)
}

// missing makes it the error that the object at off has no member name.
func (d *Decoder) missing(off int, name string) {
	d.fail(off, isRequired)
	d.err.Path = string(appendToken([]byte(d.err.Path), name))
}

// mismatch refuses the value at d.pos, which is not of the type that is asked for, or is no value at all.
func (d *Decoder) mismatch(problem string) {
	switch c := d.peek(); {
	case d.pos >= len(d.data):
		d.fail(d.pos, errTruncated)
	case c == '"', c == '{', c == '[', c == '-', '0' <= c && c <= '9', c == 't', c == 'f', c == 'n':
		d.fail(d.pos, problem)
	default:
		d.fail(d.pos, errSyntax)
	}
}

func (d *Decoder) literal(want string) bool {
	if end := d.pos + len(want); end <= len(d.data) && string(d.data[d.pos:end]) == want {
		d.pos = end
		return true
	}
	d.fail(d.pos, errSyntax)
	return false
}

// open reads the bracket that an array or object begins with.
func (d *Decoder) open(bracket byte, problem string) bool {
	if d.peek() != bracket {
		d.mismatch(problem)
		return false
	}
	if d.depth >= MaxDepth {
		d.fail(d.pos, errDepth)
		return false
	}
	d.depth++
	d.pos++
	return true
}

// more goes to the next element or member of an array or object; it reads the comma or the bracket that ends it.
func (d *Decoder) more(first bool, bracket byte) bool {
	if d.err != nil {
		return false
	}
	switch c := d.peek(); {
	case c == bracket:
		d.depth--
		d.pos++
		return false
	case first:
		return true
	case c == ',':
		d.pos++
		return true
	case d.pos >= len(d.data):
		d.fail(d.pos, errTruncated)
	default:
		d.fail(d.pos, errSyntax)
	}
	return false
}

// Array is an array that is being read:
//
//	list := d.Array()
//	for list.Next(d) {
//		v = append(v, d.Int())
//	}
type Array struct {
	start int
	begun bool
}

// Array begins to read an array.
func (d *Decoder) Array() Array {
	a := Array{}
	if d.open('[', mustBeArray) {
		a.start = d.pos - 1
	}
	return a
}

// Next reports whether there is another element, which is to be read then.
func (a *Array) Next(d *Decoder) bool {
	ok := d.more(!a.begun, ']')
	a.begun = true
	return ok
}

// Check makes a problem with the whole array the error.
func (a *Array) Check(d *Decoder, problem string) {
	if problem != "" {
		d.fail(a.start, problem)
	}
}
