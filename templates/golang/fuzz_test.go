package golang_test

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/testdata/golang/kitchen"
)

// refOptionals and refScalars are kitchen.Optionals and what it holds as go-json-experiment/json reads them.
// Pointers tell what is absent, raw values are judged by the rules that are the schema's and not JSON's.
type refOptionals struct {
	Bool      *bool                      `json:"bool"`
	String    *string                    `json:"string"`
	Int       jsontext.Value             `json:"int"`
	Int64     *string                    `json:"int64"`
	Float     *float64                   `json:"float"`
	Timestamp *time.Time                 `json:"timestamp"`
	Duration  jsontext.Value             `json:"duration"`
	UUID      *string                    `json:"uuid"`
	Bytes     *[]byte                    `json:"bytes"`
	JSON      jsontext.Value             `json:"json"`
	Level     *string                    `json:"level"`
	Scalars   *refScalars                `json:"scalars"`
	Shape     jsontext.Value             `json:"shape"`
	List      *[]*string                 `json:"list"`
	Map       *map[string]jsontext.Value `json:"map"`
}

type refScalars struct {
	Bool      *bool          `json:"bool"`
	String    *string        `json:"string"`
	Int       jsontext.Value `json:"int"`
	Int64     *string        `json:"int64"`
	Float     *float64       `json:"float"`
	Timestamp *time.Time     `json:"timestamp"`
	Duration  jsontext.Value `json:"duration"`
	UUID      *string        `json:"uuid"`
	Bytes     *[]byte        `json:"bytes"`
	JSON      jsontext.Value `json:"json"`
	Level     *string        `json:"level"`
}

// verdict collects whether everything satisfies the schema.
type verdict struct{ bad bool }

func absent(v jsontext.Value) bool { return len(v) == 0 || v.Kind() == 'n' }

func (r *verdict) integer(v jsontext.Value, limit float64) *int64 {
	if absent(v) {
		return nil
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if v.Kind() != '0' || err != nil && !math.IsInf(f, 0) || f != math.Trunc(f) || math.Abs(f) > limit {
		r.bad = true
		return nil
	}
	return new(int64(f))
}

func (r *verdict) duration(v jsontext.Value) *time.Duration {
	millis := r.integer(v, math.MaxInt64/1_000_000)
	if millis == nil {
		return nil
	}
	return new(time.Duration(*millis) * time.Millisecond)
}

func (r *verdict) int64(s *string) *int64 {
	if s == nil {
		return nil
	}
	n, err := strconv.ParseInt(*s, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != *s {
		r.bad = true
	}
	return &n
}

var canonicalUUID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (r *verdict) uuid(s *string) *string {
	if s == nil {
		return nil
	}
	lower := strings.ToLower(*s)
	if len(*s) != 36 || !canonicalUUID.MatchString(lower) {
		r.bad = true
	}
	return &lower
}

func (r *verdict) level(s *string) *kitchen.Level {
	if s == nil {
		return nil
	}
	if !slices.Contains(kitchen.LevelValues(), kitchen.Level(*s)) {
		r.bad = true
	}
	return new(kitchen.Level(*s))
}

func optionalRaw(v jsontext.Value) []byte {
	if absent(v) {
		return nil
	}
	return v
}

// required is what p points to; nothing there is a refusal.
func required[T any](r *verdict, p *T) (v T) {
	if p == nil {
		r.bad = true
		return v
	}
	return *p
}

func (r *verdict) optionals(v *refOptionals) kitchen.Optionals {
	got := kitchen.Optionals{
		Bool: v.Bool, String: v.String, Int: r.integer(v.Int, codec.MaxInt), Int64: r.int64(v.Int64), Float: v.Float,
		Timestamp: v.Timestamp, Duration: r.duration(v.Duration), UUID: r.uuid(v.UUID), JSON: optionalRaw(v.JSON),
		Level: r.level(v.Level),
	}
	if v.Bytes != nil {
		got.Bytes = *v.Bytes
	}
	if v.Scalars != nil {
		got.Scalars = new(r.scalars(v.Scalars))
	}
	if !absent(v.Shape) {
		got.Shape = r.shape(v.Shape)
	}
	if v.List != nil {
		got.List = []string{}
		for _, s := range *v.List {
			got.List = append(got.List, required(r, s))
		}
	}
	if v.Map != nil {
		got.Map = map[string]int64{}
		for k, n := range *v.Map {
			got.Map[k] = required(r, r.integer(n, codec.MaxInt))
		}
	}
	return got
}

func (r *verdict) scalars(v *refScalars) kitchen.Scalars {
	if len(v.JSON) == 0 {
		r.bad = true
	}
	return kitchen.Scalars{
		Bool: required(r, v.Bool), String: required(r, v.String), Int: required(r, r.integer(v.Int, codec.MaxInt)),
		Int64: required(r, r.int64(v.Int64)), Float: required(r, v.Float), Timestamp: required(r, v.Timestamp),
		Duration: required(r, r.duration(v.Duration)), UUID: required(r, r.uuid(v.UUID)), Bytes: required(r, v.Bytes),
		JSON: []byte(v.JSON), Level: required(r, r.level(v.Level)),
	}
}

func (r *verdict) shape(raw jsontext.Value) kitchen.Shape {
	var head struct {
		Type *string `json:"type"`
	}
	r.unmarshal(raw, &head)
	switch required(r, head.Type) {
	case "circle":
		var v struct {
			Radius *float64 `json:"radius"`
		}
		r.unmarshal(raw, &v)
		return &kitchen.ShapeCircle{Radius: required(r, v.Radius)}
	case "point":
		var v struct {
			X *float64 `json:"x"`
			Y *float64 `json:"y"`
		}
		r.unmarshal(raw, &v)
		return &kitchen.ShapePoint{X: required(r, v.X), Y: v.Y}
	case "group":
		var v struct {
			Members *[]jsontext.Value `json:"members"`
			Name    *string           `json:"name"`
		}
		r.unmarshal(raw, &v)
		members := []kitchen.Shape{}
		for _, m := range required(r, v.Members) {
			members = append(members, r.shape(m))
		}
		return &kitchen.ShapeGroup{Members: members, Name: v.Name}
	case "nothing":
		return &kitchen.ShapeNothing{}
	}
	r.bad = true
	return nil
}

func (r *verdict) unmarshal(raw jsontext.Value, v any) {
	if json.Unmarshal(raw, v) != nil {
		r.bad = true
	}
}

// reference is what go-json-experiment/json and the rules of the schema make of data.
func reference(data []byte) (kitchen.Optionals, bool) {
	var v *refOptionals
	if err := json.Unmarshal(data, &v); err != nil || v == nil {
		return kitchen.Optionals{}, false
	}
	var r verdict
	got := r.optionals(v)
	return got, !r.bad
}

// sameTime compares instants and offsets: how a location is called does not matter.
var sameTime = cmp.Comparer(func(a, b time.Time) bool {
	_, x := a.Zone()
	_, y := b.Zone()
	return a.Equal(b) && x == y
})

// FuzzDecode holds generated decoding to go-json-experiment/json: the same verdict and the same value on every input.
// What is read can be written, and reads back as the same.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, `null`, `{"scalars":` + scalarsJSON + `}`, `{"a":1,"a":2}`, `{"bool":true,"bool":true}`, "{\"string\":\"\xff\"}",
		`{"bool":true,"string":"x\u00e9\ud83d\ude00","int":1.0,"int64":"-1","float":-0.0,"timestamp":"2026-03-01T09:30:00.125+01:30"}`,
		`{"duration":1e3,"uuid":"01234567-89AB-cdef-0123-456789abcdef","bytes":"AAA=","json":{"a":[null]},"level":"+1"}`,
		`{"int":9007199254740992}`, `{"int":1e400}`, `{"int":1.5}`, `{"int":-0}`, `{"int":"1"}`, `{"float":1e400}`, `{"float":1e-400}`,
		`{"int64":"007"}`, `{"int64":"-0"}`, `{"int64":"+1"}`, `{"int64":"9223372036854775808"}`, `{"duration":9223372036854}`,
		`{"duration":9223372036855}`, `{"bytes":"A"}`, `{"bytes":"AAB="}`, `{"bytes":"AA\n=="}`, `{"bytes":""}`, `{"level":""}`, `{"level":"x"}`,
		`{"timestamp":"2024-02-29T23:59:59Z"}`, `{"timestamp":"2023-02-29T00:00:00Z"}`, `{"timestamp":"2026-01-01T00:00:60Z"}`,
		`{"timestamp":"2026-01-01T00:00:00,5Z"}`, `{"timestamp":"2026-01-01T0:00:00Z"}`, `{"timestamp":"2026-01-01T00:00:00.1234567891Z"}`,
		`{"timestamp":"2026-01-01t00:00:00z"}`, `{"timestamp":"2026-01-01T00:00:00+24:00"}`, `{"timestamp":"2026-01-01T00:00:00+23:60"}`,
		`{"timestamp":"2026-01-01T00:00:00-00:00"}`, `{"timestamp":"0000-01-01T00:00:00Z"}`, `{"timestamp":"2026-01-01T00:00:00.Z"}`,
		`{"shape":{"radius":1,"type":"circle"}}`, `{"shape":{"type":"group","members":[{"type":"nothing"},{"x":1,"type":"point"}]}}`,
		`{"shape":{"\u0074ype":"circle","radius":1}}`, `{"shape":{"type":"group","members":[null]}}`, `{"shape":{"type":"circle","x":"y","radius":2}}`,
		`{"shape":{"radius":1}}`, `{"shape":{"type":"circle","type":"circle","radius":1}}`, `{"shape":{"radius":1,"type":"circle","type":"circle"}}`,
		`{"list":["a",null]}`, `{"list":[]}`, `{"list":null}`, `{"map":{"a":1,"\u0061":1}}`, `{"map":{"a":null}}`, `{"map":{"a":1e2,"b":-1}}`,
		`{"other":{"a":[{"b":"\ud800"}]}}`, `{"json":"\ud83d\ude00"}`, `{"json":null,"scalars":null,"shape":null,"map":null}`, ` {"bool" : false } `, `{} x`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Count(string(data), "[")+strings.Count(string(data), "{") > codec.MaxDepth {
			t.Skip("codec is stricter about nesting")
		}
		var got kitchen.Optionals
		err := codec.Unmarshal(data, &got)
		want, ok := reference(data)
		if ok != (err == nil) {
			t.Fatalf("codec says %v, the reference says it is good: %v", err, ok)
		}
		if err != nil {
			return
		}
		if diff := cmp.Diff(want, got, sameTime); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		written, err := got.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		var again kitchen.Optionals
		if err := codec.Unmarshal(written, &again); err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if diff := cmp.Diff(got, again, sameTime); diff != "" {
			t.Errorf("read again (-want +got):\n%s", diff)
		}
	})
}
