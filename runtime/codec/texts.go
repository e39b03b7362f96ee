package codec

import "encoding/json"

// Texts are parameters that arrived as text, such as those of a URL's query, on their way into a generated type. Their
// zero value is ready.
type Texts struct {
	e Encoder
}

// String adds a parameter that travels as a JSON string.
func (t *Texts) String(name, text string) {
	t.name(name)
	t.e.String(text)
}

// Value adds a parameter that travels as a JSON number, boolean or any other value. A text that is no JSON is added as
// a string, for the type to refuse.
func (t *Texts) Value(name, text string) {
	t.name(name)
	if Valid([]byte(text)) == nil {
		t.e.JSON(json.RawMessage(text))
		return
	}
	t.e.String(text)
}

func (t *Texts) name(name string) {
	if t.e.buf == nil {
		t.e.Object()
	}
	t.e.Key(name)
}

// Decode reads the parameters into v. The error is an *Error whose path names the parameter.
func (t *Texts) Decode(v Unmarshaler) error {
	if t.e.buf == nil {
		t.e.Object()
	}
	t.e.EndObject()
	data, err := t.e.Done()
	if err != nil {
		return err
	}
	return Unmarshal(data, v)
}

// UnmarshalLists reads every value of the lists with decode, a method such as (*T).DecodeJSON.
func UnmarshalLists[T any](lists map[string][]json.RawMessage, decode func(*T, *Decoder) error) (map[string][]T, error) {
	decoded := make(map[string][]T, len(lists))
	for key, list := range lists {
		values := make([]T, len(list))
		for i, data := range list {
			if err := Unmarshal(data, &decodeFunc[T]{&values[i], decode}); err != nil {
				return nil, err
			}
		}
		decoded[key] = values
	}
	return decoded, nil
}

type decodeFunc[T any] struct {
	v      *T
	decode func(*T, *Decoder) error
}

// DecodeJSON reads the value.
func (f *decodeFunc[T]) DecodeJSON(d *Decoder) error { return f.decode(f.v, d) }
