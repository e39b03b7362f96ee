package codec_test

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/codec"
)

// raw keeps whatever it reads.
type raw struct{ json json.RawMessage }

func (r *raw) DecodeJSON(d *codec.Decoder) error {
	r.json = d.JSON()
	return d.Err()
}

func TestTextsBecomeAnObject(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		add  func(*codec.Texts)
		want string
	}{
		{"nothing", func(*codec.Texts) {}, `{}`},
		{"strings", func(q *codec.Texts) { q.String("a", `1","b":"2`); q.String("b", "") }, `{"a":"1\",\"b\":\"2","b":""}`},
		{"values", func(q *codec.Texts) { q.Value("a", "1.5"); q.Value("b", "true"); q.Value("c", "[1]") }, `{"a":1.5,"b":true,"c":[1]}`},
		{"no values", func(q *codec.Texts) { q.Value("a", `1,"admin":true`); q.Value("b", "") }, `{"a":"1,\"admin\":true","b":""}`},
	} {
		var q codec.Texts
		c.add(&q)
		var got raw
		if err := q.Decode(&got); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, string(got.json)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestTextsThatAreNoTextNameTheirParameter(t *testing.T) {
	t.Parallel()
	var q codec.Texts
	q.String("a", "b")
	q.String("name", "\xff")
	err := q.Decode(new(raw))
	if err == nil || err.Error() != "/name is not valid UTF-8" {
		t.Errorf("got %v, want /name is not valid UTF-8", err)
	}
}

func TestUnmarshalListsReadsEveryValue(t *testing.T) {
	t.Parallel()
	lists := map[string][]json.RawMessage{"a": {[]byte("1"), []byte("2")}, "b": {}}
	got, err := codec.UnmarshalLists(lists, func(v *int64, d *codec.Decoder) error {
		*v = d.Int()
		return d.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]int64{"a": {1, 2}, "b": {}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := codec.UnmarshalLists(map[string][]json.RawMessage{"a": {[]byte("x")}}, (*raw).DecodeJSON); err == nil {
		t.Error("what is no JSON passes")
	}
}

// written is what one call of an Encoder writes, or its error.
func written(write func(*codec.Encoder)) string {
	e := codec.NewEncoder(nil)
	write(&e)
	data, err := e.Done()
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func TestTimestampsAreWrittenWithTheirOffset(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 12, 31, 23, 59, 58, 120_000_000, time.UTC)
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{at, `"2026-12-31T23:59:58.12Z"`},
		{at.Truncate(time.Second), `"2026-12-31T23:59:58Z"`},
		{at.Add(3), `"2026-12-31T23:59:58.120000003Z"`},
		{at.In(time.FixedZone("", 5*3600+1800)), `"2027-01-01T05:29:58.12+05:30"`},
		{at.In(time.FixedZone("", -3600)), `"2026-12-31T22:59:58.12-01:00"`},
		{at.In(time.FixedZone("", 20)), `"2026-12-31T23:59:58.12Z"`}, // RFC 3339 has no seconds in offsets
		{time.Time{}, `"0001-01-01T00:00:00Z"`},
		{at.AddDate(-2026, 0, 0), `"0000-12-31T23:59:58.12Z"`},
		{at.AddDate(-2027, 0, 0), "payload must be a timestamp as in RFC 3339"},
		{at.AddDate(7974, 0, 0), "payload must be a timestamp as in RFC 3339"},
	} {
		if got := written(func(e *codec.Encoder) { e.Timestamp(c.at) }); got != c.want {
			t.Errorf("%v is written as %s, want %s", c.at, got, c.want)
		}
	}
}

func TestTimestampsOfEveryYearAreWrittenAsPackageTimeWritesThem(t *testing.T) {
	t.Parallel()
	end := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for at := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC); at.Before(end); at = at.Add(10*24*time.Hour - time.Second) {
		want := at.Format(`"` + time.RFC3339Nano + `"`)
		if got := written(func(e *codec.Encoder) { e.Timestamp(at) }); got != want {
			t.Fatalf("%v is written as %s, want %s", at, got, want)
		}
	}
}

func TestDurationsAreCutToMilliseconds(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		1999 * time.Microsecond: "1", -1999 * time.Microsecond: "-1", math.MaxInt64: "9223372036854", 0: "0",
	} {
		if got := written(func(e *codec.Encoder) { e.Duration(d) }); got != want {
			t.Errorf("%v is written as %s, want %s", d, got, want)
		}
	}
}

// FuzzWrite holds what the Encoder writes to jsontext: sound, and the same string and number when read back.
func FuzzWrite(f *testing.F) {
	for _, s := range []string{"", "a", "\"\\\x00\x1f\b\f\n\r\t\x7f", "é😀\u2028<&>", "\xff", "12345678\xc3", "1234567890123456\n"} {
		f.Add(s, 1.5)
	}
	for _, x := range []float64{0, math.Copysign(0, -1), 1e21, 1e20, 1e-6, 1e-7, 123456789.125, math.MaxFloat64, 5e-324, math.Inf(1), math.NaN()} {
		f.Add("x", x)
	}
	f.Fuzz(func(t *testing.T, s string, x float64) {
		got := written(func(e *codec.Encoder) { e.String(s) })
		want, err := jsontext.AppendQuote(nil, s)
		if err != nil {
			want = []byte("payload is not valid UTF-8")
		}
		if got != string(want) {
			t.Errorf("%q is written as %s, want %s", s, got, want)
		}
		got = written(func(e *codec.Encoder) { e.Float(x) })
		want = []byte("payload must be a finite number")
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			want = strconv.AppendFloat(nil, x, 'g', -1, 64)
			if x != 0 { // the canonical form of -0 has lost its sign
				want, _ = jsontext.AppendFormat(nil, want, jsontext.CanonicalizeRawFloats(true))
			}
		}
		if got != string(want) {
			t.Errorf("%v is written as %s, want %s", x, got, want)
		}
	})
}

// many has more members than one word of marks.
type many [130]int64

func (m *many) DecodeJSON(d *codec.Decoder) error {
	obj := d.Object()
	for obj.Next(d) {
		i, err := strconv.Atoi(string(obj.Name()))
		if err != nil || i >= len(m) {
			obj.Skip(d)
			continue
		}
		obj.Once(d, i)
		m[i] = d.Int()
	}
	for i := range m {
		obj.Require(d, i, strconv.Itoa(i))
	}
	return d.Err()
}

func TestObjectsMayHaveManyMembers(t *testing.T) {
	t.Parallel()
	build := func(leave, again int) []byte {
		e := codec.NewEncoder(nil)
		e.Object()
		for i := range len(many{}) {
			if i != leave {
				e.Key(strconv.Itoa(i))
				e.Int(int64(i))
			}
		}
		if again >= 0 {
			e.Key(strconv.Itoa(again))
			e.Int(0)
		}
		e.EndObject()
		data, err := e.Done()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, c := range []struct {
		leave, again int
		want         string
	}{
		{-1, -1, ""}, {0, -1, "/0 is required"}, {64, -1, "/64 is required"}, {129, -1, "/129 is required"},
		{-1, 63, "/63 must not be there twice"}, {-1, 64, "/64 must not be there twice"}, {-1, 128, "/128 must not be there twice"},
	} {
		got := ""
		if err := codec.Unmarshal(build(c.leave, c.again), new(many)); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("without %d and with %d again: got %q, want %q", c.leave, c.again, got, c.want)
		}
	}
}
