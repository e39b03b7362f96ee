package client

import (
	"encoding/json"
	"errors"

	"github.com/chgen/chgen/runtime/codec"
)

// Payload is what an event or a reply carries.
type Payload struct {
	data   []byte
	binary bool
}

var (
	errNoBytes = errors.New("payload: bytes where JSON is wanted")
	errNoJSON  = errors.New("payload: JSON where bytes are wanted")
)

// Decode reads the payload into v; nil wants nothing of it.
func (p Payload) Decode(v codec.Unmarshaler) error {
	bytes, wanted := v.(*Bytes)
	switch {
	case v == nil:
		return nil
	case wanted && !p.binary:
		return errNoJSON
	case wanted:
		*bytes = p.data
		return nil
	case p.binary:
		return errNoBytes
	}
	return codec.Unmarshal(p.data, v)
}

// payloadOf encodes v; nil is {}.
func payloadOf(v codec.Marshaler) (Payload, error) {
	switch v := v.(type) {
	case nil:
		return Payload{data: []byte("{}")}, nil
	case *Bytes:
		return Payload{data: *v, binary: true}, nil
	}
	data, err := v.AppendJSON(nil)
	return Payload{data: data}, err
}

// Bytes is a payload that travels in a binary frame.
type Bytes []byte

var errNotInJSON = errors.New("payload: bytes travel in a frame of their own, not in JSON")

// AppendJSON fails.
func (b *Bytes) AppendJSON(dst []byte) ([]byte, error) { return dst, errNotInJSON }

// DecodeJSON fails.
func (b *Bytes) DecodeJSON(*codec.Decoder) error { return errNotInJSON }

// JSON is a payload that is any JSON value.
type JSON json.RawMessage

// AppendJSON appends the value, null where there is none.
func (j JSON) AppendJSON(dst []byte) ([]byte, error) {
	e := codec.NewEncoder(dst)
	e.JSON(json.RawMessage(j))
	return e.Done()
}

// DecodeJSON reads any value.
func (j *JSON) DecodeJSON(d *codec.Decoder) error {
	*j = JSON(d.JSON())
	return d.Err()
}
