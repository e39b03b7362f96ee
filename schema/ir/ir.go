// Package ir is the resolved contract: what a schema says once every name has been looked up and every rule
// checked. It is plain data without YAML and imports nothing of ours; package schema makes it, the templates
// render it. A value is never changed once it has been made and may be read from several goroutines.
package ir

// Pos is a place in the schema file; lines and columns count from 1, columns in bytes. The zero Pos is no place.
type Pos struct {
	Line, Col int
}

// Schema is one schema file.
type Schema struct {
	Name     string // the file's name without directory and extension: "chat"
	File     string // the file's name without directory: "chat.yaml"; generated headers name it
	Doc      string
	Strict   bool // unknown members are refused when decoding
	Options  Options
	Connect  []*Field   // connect params; each is a scalar or an enum
	Types    []*Decl    // in the order of the file
	Errors   []*Error   // in the order of the file
	Channels []*Channel // in the order of the file
}

// Options says where outputs go. Paths are as written, relative to the schema file; empty means not said.
type Options struct {
	Go struct {
		Dir, Package string
		Client       bool
	}
	TS struct {
		File, Runtime, React, Check string
	}
	AsyncAPI struct {
		File string
	}
}

// DeclKind says what a declared type is.
type DeclKind string

// The kinds of declared types.
const (
	Object DeclKind = "object"
	Enum   DeclKind = "enum"
	Union  DeclKind = "union"
)

// Decl is a declared type. Just one of Fields, Values and Variants is in use, as Kind says.
type Decl struct {
	Pos        Pos
	Name       string // UpperCamel, as in the schema
	Doc        string
	Deprecated string // the text, or "deprecated" where the schema gives none; empty: it is not
	Kind       DeclKind
	Fields     []*Field
	Values     []EnumValue
	Variants   []*Variant
}

// EnumValue is one value of an enum: any text.
type EnumValue struct {
	Pos  Pos
	Wire string
}

// Variant is one member of a union: on the wire an object whose member "type" is the variant's name.
type Variant struct {
	Pos    Pos
	Name   string // the wire value of "type"
	Doc    string
	Fields []*Field // the variant's own fields; those of the named object where it names one
}

// Field is a member of an object.
type Field struct {
	Pos        Pos
	Name       string // the member's name on the wire
	Doc        string
	Deprecated string
	Optional   bool
	Type       *Type
	Default    *Value // only on optional fields
	Example    *Value
}

// Kind says what a type expression is.
type Kind string

// The kinds of type expressions: the scalars of the language under their own names, and the composed ones.
const (
	Bool      Kind = "bool"
	String    Kind = "string"
	Int       Kind = "int"
	Int64     Kind = "int64"
	Float     Kind = "float"
	Timestamp Kind = "timestamp"
	Duration  Kind = "duration"
	UUID      Kind = "uuid"
	Bytes     Kind = "bytes"
	JSON      Kind = "json"
	List      Kind = "list"
	Map       Kind = "map"
	Named     Kind = "named"
)

// Type is a type expression with the constraints that its place puts on it.
type Type struct {
	Kind  Kind
	Elem  *Type // of List and Map
	Named *Decl // of Named
	// Constraints; nil means none. Min and Max are decimal text as in the schema, so that no digit is lost.
	Min, Max             *string
	MinLength, MaxLength *int // code points of a string, bytes of bytes
	MinItems, MaxItems   *int
	Pattern              string // RE2 and JavaScript's u flag both understand it; unanchored
}

// Value is a default or an example: its JSON text as it stands on the wire.
type Value struct {
	JSON string
}

// Error is a declared error.
type Error struct {
	Pos    Pos
	Name   string // the wire code: "slow_down"
	Text   string // the message that reaches the client, which is also its documentation; may be empty
	Fields []*Field
	Retry  bool // a refused join with this error may be tried again
}

// PayloadKind says what an event, a reply or join params carry.
type PayloadKind string

// The kinds of payloads.
const (
	Empty      PayloadKind = ""          // {}
	Inline     PayloadKind = "inline"    // fields written in place: the generators name the type
	Reference  PayloadKind = "reference" // a declared object or union
	AnyJSON    PayloadKind = "json"      // any JSON value
	BinaryData PayloadKind = "bytes"     // the frame is binary
)

// Payload is what an event, a reply, join params or presence carries.
type Payload struct {
	Pos    Pos
	Kind   PayloadKind
	Fields []*Field // of Inline
	Type   *Decl    // of Reference
}

// Channel is one channel: a topic pattern and what goes over it.
type Channel struct {
	Pos          Pos
	Name         string // UpperCamel
	Doc          string
	Deprecated   string
	Topic        Topic
	History      *History // nil: none
	Join         Join
	ClientEvents []*ClientEvent
	ServerEvents []*ServerEvent
	Presence     Payload // Empty and HasPresence false: no presence
	HasPresence  bool
}

// Topic is a topic pattern: segments between colons.
type Topic struct {
	Pos      Pos
	Pattern  string // as written: "room:{room_id}"
	Segments []Segment
}

// Params returns the segments that are parameters, in order.
func (t Topic) Params() []Segment {
	var params []Segment
	for _, s := range t.Segments {
		if s.Param != "" {
			params = append(params, s)
		}
	}
	return params
}

// Segment is a literal or one parameter.
type Segment struct {
	Literal string
	Param   string // the parameter's name; empty: a literal
	Kind    Kind   // of a parameter: String, Int or UUID
	Rest    bool   // {rest*}: takes everything that is left, also nothing
}

// History is a channel's recovery log.
type History struct {
	Size      int   // publications
	TTLMillis int64 // milliseconds
}

// Join is what a client presents to join and what it gets.
type Join struct {
	Doc    string
	Params Payload
	Reply  Payload
	Errors []*Error
}

// ClientEvent is an event that clients push.
type ClientEvent struct {
	Pos        Pos
	Name       string // the wire name
	Doc        string
	Deprecated string
	Payload    Payload
	Reply      Payload
	Errors     []*Error
	Concurrent bool
}

// Delivery says what may happen to a server event that waits in a full queue.
type Delivery string

// The deliveries.
const (
	Stream   Delivery = "stream"   // every one, in order
	Latest   Delivery = "latest"   // a newer one replaces the one that waits
	Volatile Delivery = "volatile" // may be dropped
)

// ServerEvent is an event that the server pushes or broadcasts.
type ServerEvent struct {
	Pos        Pos
	Name       string // the wire name
	Doc        string
	Deprecated string
	Payload    Payload
	Delivery   Delivery
	LatestKey  string // delivery: { latest: FIELD }
	Intercept  bool
}
