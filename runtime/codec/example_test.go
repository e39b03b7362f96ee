package codec_test

import (
	"errors"
	"fmt"

	"github.com/chgen/chgen/runtime/codec"
)

// greeting is what a generator makes of { body: { type: string, max_length: 5 } }.
type greeting struct{ Body string }

func (v *greeting) AppendJSON(dst []byte) ([]byte, error) {
	e := codec.NewEncoder(dst)
	e.Object()
	e.Name("body")
	e.Check(codec.Length(v.Body, 0, 5))
	e.String(v.Body)
	e.EndObject()
	return e.Done()
}

func (v *greeting) DecodeJSON(d *codec.Decoder) error {
	obj := d.Object()
	for obj.Next(d) {
		switch string(obj.Name()) {
		case "body":
			obj.Once(d, 0)
			v.Body = d.String()
			d.Check(codec.Length(v.Body, 0, 5))
		default:
			obj.Skip(d)
		}
	}
	obj.Require(d, 0, "body")
	return d.Err()
}

func ExampleUnmarshal() {
	var v greeting
	fmt.Println(codec.Unmarshal([]byte(`{"body":"hello","more":[1,2]}`), &v), v.Body)
	for _, text := range []string{`{"body":"hello again"}`, `{}`, `{"body":"a","body":"b"}`, `{"body":1}`, `{"body":"a"`} {
		err := codec.Unmarshal([]byte(text), &v)
		if problem, ok := errors.AsType[*codec.Error](err); ok {
			fmt.Printf("%q %s\n", problem.Path, problem.Message)
		}
	}
	// Output:
	// <nil> hello
	// "/body" must have at most 5 characters
	// "/body" is required
	// "/body" must not be there twice
	// "/body" must be a string
	// "/body" is not valid JSON: it ends too early
}

func ExampleEncoder() {
	out, err := (&greeting{"hello"}).AppendJSON(nil)
	fmt.Printf("%s %v\n", out, err)
	out, err = (&greeting{"hello again"}).AppendJSON(nil)
	fmt.Printf("%s %v\n", out, err)
	// Output:
	// {"body":"hello"} <nil>
	//  /body must have at most 5 characters
}
