package codec

// Object is an object that is being read:
//
//	obj := d.Object()
//	for obj.Next(d) {
//		switch string(obj.Name()) {
//		case "id":
//			obj.Once(d, 0)
//			v.ID = d.String()
//		default:
//			obj.Skip(d)
//		}
//	}
//	obj.Require(d, 0, "id")
//
// Known members have numbers from 0.
type Object struct {
	start int
	begun bool
	name  []byte
	seen  uint64
	more  []uint64 // seen of the members from 64 on
	other nameSet  // the names of the members without a number
}

// Object begins to read an object.
func (d *Decoder) Object() Object {
	o := Object{other: nameSet{mark: len(d.names)}}
	if d.open('{', mustBeObject) {
		o.start = d.pos - 1
	}
	return o
}

// Next reports whether there is another member, whose value is to be read then.
func (o *Object) Next(d *Decoder) bool {
	if !d.more(!o.begun, '}') {
		if d.err == nil {
			d.names = d.names[:o.other.mark]
		}
		return false
	}
	if o.begun {
		d.pos = SkipSpace(d.data, d.pos)
	}
	o.begun = true
	end, ok := shortName(d.data, d.pos)
	if !ok {
		return o.longName(d)
	}
	o.name = d.data[d.pos+1 : end-2]
	d.pos = end
	return true
}

// shortName finds the end of a name that is written as most are: letters, digits and _, and a colon right after it.
func shortName(data []byte, i int) (end int, ok bool) {
	if i >= len(data) || data[i] != '"' {
		return i, false
	}
	i++
	for i < len(data) && ((data[i]|0x20)-'a' < 26 || data[i] == '_' || data[i]-'0' < 10) {
		i++
	}
	if i+1 < len(data) && data[i] == '"' && data[i+1] == ':' {
		return i + 2, true
	}
	return i, false
}

// longName reads any name and the colon after it.
func (o *Object) longName(d *Decoder) bool {
	start := d.pos
	end, plain, problem := scanName(d.data, start)
	if problem != "" {
		d.fail(end, problem)
		return false
	}
	o.name = d.data[start+1 : end-1]
	if !plain {
		o.name = Unquote(nil, d.data[start:end])
	}
	if d.pos, problem = scanColon(d.data, end); problem != "" {
		d.fail(d.pos, problem)
		return false
	}
	return true
}

// Name is the name of the member whose value is next. The bytes are not to be kept.
func (o *Object) Name() []byte { return o.name }

// Once refuses the second member with number i.
func (o *Object) Once(d *Decoder, i int) {
	word := &o.seen
	if i >= 64 {
		for len(o.more) < i/64 {
			o.more = append(o.more, 0)
		}
		word = &o.more[i/64-1]
	}
	bit := uint64(1) << (i % 64)
	if *word&bit != 0 {
		d.fail(d.pos, errDuplicate)
	}
	*word |= bit
}

// Has reports whether the object had member i.
func (o *Object) Has(i int) bool {
	word := o.seen
	if i >= 64 {
		if len(o.more) < i/64 {
			return false
		}
		word = o.more[i/64-1]
	}
	return word&(1<<(i%64)) != 0
}

// Require refuses an object that had no member i, whose name is name.
func (o *Object) Require(d *Decoder, i int, name string) {
	if d.err == nil && !o.Has(i) {
		d.missing(o.start, name)
	}
}

// Skip reads the value of a member that the schema does not have.
func (o *Object) Skip(d *Decoder) {
	if d.err != nil {
		return
	}
	if !o.other.add(&d.names, o.name) {
		d.fail(d.pos, errDuplicate)
		return
	}
	d.Skip()
}

// Refuse refuses a member that the schema does not have, where it is strict.
func (o *Object) Refuse(d *Decoder) {
	d.fail(d.pos, isUnknown)
}

// Check makes a problem with the whole object, a map, the error.
func (o *Object) Check(d *Decoder, problem string) {
	if problem != "" {
		d.fail(o.start, problem)
	}
}

// Key returns a copy of the name of the member whose value is next, which m must not have yet.
func Key[V any](d *Decoder, o *Object, m map[string]V) string {
	if _, ok := m[string(o.name)]; ok {
		d.fail(d.pos, errDuplicate)
	}
	return string(o.name)
}
