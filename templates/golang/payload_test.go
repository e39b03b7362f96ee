package golang_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/testdata/golang/chat"
	"github.com/chgen/chgen/testdata/golang/kitchen"
	"github.com/chgen/chgen/testdata/golang/strict"
)

// encode is the value's JSON, or its error.
func encode(v codec.Marshaler) string {
	data, err := v.AppendJSON(nil)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func scalars() kitchen.Scalars {
	return kitchen.Scalars{
		Bool: true, String: "a \"b\" é\n", Int: -5, Int64: math.MinInt64, Float: 1e21,
		Timestamp: time.Date(2026, 3, 1, 9, 30, 0, 125e6, time.FixedZone("", -3600)),
		Duration:  1500 * time.Millisecond, UUID: "01234567-89ab-cdef-0123-456789abcdef",
		Bytes: []byte{0xff}, JSON: json.RawMessage(`{"a":[1,null]}`), Level: kitchen.LevelInProgress,
	}
}

const scalarsJSON = `{"bool":true,"string":"a \"b\" é\n","int":-5,"int64":"-9223372036854775808","float":1e+21,` +
	`"timestamp":"2026-03-01T09:30:00.125-01:00","duration":1500,"uuid":"01234567-89ab-cdef-0123-456789abcdef",` +
	`"bytes":"/w==","json":{"a":[1,null]},"level":"in progress"}`

func TestValuesTravelBothWays(t *testing.T) {
	t.Parallel()
	circle := &kitchen.ShapeCircle{Radius: 2}
	check := func(name string, v codec.Marshaler, decoded interface {
		codec.Marshaler
		codec.Unmarshaler
	}, want string) {
		t.Helper()
		if diff := cmp.Diff(want, encode(v)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if err := codec.Unmarshal([]byte(want), decoded); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(v, codec.Marshaler(decoded)); diff != "" {
			t.Errorf("%s decoded (-want +got):\n%s", name, diff)
		}
	}
	all := scalars()
	check("scalars", &all, new(kitchen.Scalars), scalarsJSON)
	check("absent", &kitchen.Optionals{}, new(kitchen.Optionals), `{}`)
	check("optionals", &kitchen.Optionals{
		Bool: new(false), String: new(""), Int: new(int64(0)), Level: new(kitchen.LevelEmpty),
		Scalars: &all, Shape: circle, List: []string{}, Map: map[string]int64{"b": 1, "a": 2}, Bytes: []byte{},
	}, new(kitchen.Optionals), `{"bool":false,"string":"","int":0,"bytes":"","level":"","scalars":`+scalarsJSON+
		`,"shape":{"type":"circle","radius":2},"list":[],"map":{"a":2,"b":1}}`)
	check("nested", &kitchen.Nested{
		Matrix: [][]float64{{1, 2.5}, {}},
		Lists:  map[string][]kitchen.Point{"a/b": {{X: 1}}},
		Maps:   []map[string]int64{{"x": 1}, {}},
		Deep:   map[string]map[string]map[string]string{"b": {}, "a": {"y": {"z": "!"}, "x": {}}},
		Shapes: []kitchen.Shape{circle, &kitchen.ShapeGroup{Members: []kitchen.Shape{&kitchen.ShapeNothing{}}}},
		ByName: map[string]kitchen.Shape{"c": &kitchen.ShapePoint{X: 1, Y: new(2.0)}},
		Levels: []kitchen.Level{kitchen.LevelPlus1},
		Raw:    []json.RawMessage{json.RawMessage("null"), json.RawMessage("[]")},
	}, new(kitchen.Nested), `{"matrix":[[1,2.5],[]],"lists":{"a/b":[{"x":1}]},"maps":[{"x":1},{}],`+
		`"deep":{"a":{"x":{},"y":{"z":"!"}},"b":{}},"shapes":[{"type":"circle","radius":2},`+
		`{"type":"group","members":[{"type":"nothing"}]}],"by_name":{"c":{"type":"point","x":1,"y":2}},"levels":["+1"],"raw":[null,[]]}`)
	check("tree", &kitchen.Tree{
		Value: 1, Parent: &kitchen.Tree{Value: 2, Children: []kitchen.Tree{}, Named: map[string]kitchen.Tree{}},
		Children: []kitchen.Tree{{Value: 3, Children: []kitchen.Tree{}, Named: map[string]kitchen.Tree{}}},
		Named:    map[string]kitchen.Tree{"x": {Value: 4, Children: []kitchen.Tree{}, Named: map[string]kitchen.Tree{}}},
	}, new(kitchen.Tree), `{"value":1,"parent":{"value":2,"children":[],"named":{}},"children":[{"value":3,"children":[],"named":{}}],`+
		`"named":{"x":{"value":4,"children":[],"named":{}}}}`)
	check("error", &kitchen.WithFieldsError{RetryAfterMs: 5}, new(kitchen.WithFieldsError),
		`{"reason":"with_fields","message":"It has fields.","retry_after_ms":5}`)
	check("error without text", &kitchen.SilentFieldsError{Count: 5}, new(kitchen.SilentFieldsError),
		`{"reason":"silent_fields","count":5}`)
}

func TestNilListsAndMapsAreWrittenEmpty(t *testing.T) {
	t.Parallel()
	want := `{"matrix":[],"lists":{},"maps":[],"deep":{},"shapes":[],"by_name":{},"levels":[],"raw":[]}`
	if diff := cmp.Diff(want, encode(&kitchen.Nested{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEncodingJSONUsesTheGeneratedMethods(t *testing.T) {
	t.Parallel()
	v := chat.Author{ID: "1", Name: "Ada", Role: chat.RoleMember}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(data), `{"id":"1","name":"Ada","role":"member"}`; got != want {
		t.Errorf("json.Marshal gives %s, want %s", got, want)
	}
	var back chat.Author
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v, back); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDefaultsFillInWhatIsAbsent(t *testing.T) {
	t.Parallel()
	want := kitchen.Defaults{
		Bool: true, String: "a \"b\" `c`", Int: -1, Int64: 9007199254740993, Float: 1.5,
		Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.FixedZone("", 3600)),
		Duration:  1500 * time.Millisecond, UUID: "01234567-89ab-cdef-0123-456789abcdef", Bytes: []byte{0xff},
		JSON: json.RawMessage(`{"a":[1,null]}`), Level: kitchen.LevelInProgress, List: []int64{1, 2},
		Map: map[string][]string{"a": {}, "b": {"x"}}, Object: kitchen.Point{X: 1}, Shape: &kitchen.ShapeCircle{Radius: 2},
	}
	for _, data := range []string{`{}`, `{"bool":null,"int":null,"list":null,"object":null,"shape":null}`} {
		var got kitchen.Defaults
		if err := codec.Unmarshal([]byte(data), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", data, diff)
		}
	}
	var zero kitchen.Defaults
	if err := codec.Unmarshal([]byte(`{"bool":false,"int":0,"list":[]}`), &zero); err != nil {
		t.Fatal(err)
	}
	if zero.Bool || zero.Int != 0 || len(zero.List) != 0 {
		t.Errorf("what is given is overwritten: %+v", zero)
	}
	if got := encode(&want); !strings.HasPrefix(got, `{"bool":true,"string":"a \"b\" `) || !strings.Contains(got, `"int":-1`) {
		t.Errorf("values that are the default are not written: %s", got)
	}
}

func TestDecodeRefusesWithThePath(t *testing.T) {
	t.Parallel()
	limits := func(member string) string {
		name, _, _ := strings.Cut(member, ":")
		all := []string{`"name":"abc"`, `"code":"A1"`, `"exact":"abc"`, `"count":0`, `"big":"10"`, `"ratio":1`, `"wait":1000`,
			`"key":"AA=="`, `"tags":["a"]`, `"scores":{}`}
		for i, m := range all {
			if strings.HasPrefix(m, name+":") {
				all[i] = member
				return "{" + strings.Join(all, ",") + "}"
			}
		}
		return "{" + strings.Join(append(all, member), ",") + "}"
	}
	for _, c := range []struct {
		v          codec.Unmarshaler
		data, want string
	}{
		{new(kitchen.Limits), limits(`"name":"a"`), "/name must have 2 to 5 characters"},
		{new(kitchen.Limits), limits(`"name":"éééééé"`), "/name must have 2 to 5 characters"},
		{new(kitchen.Limits), limits(`"code":"a"`), "/code must match ^[A-Z]`?\\d+$"},
		{new(kitchen.Limits), limits(`"exact":"ab"`), "/exact must have 3 characters"},
		{new(kitchen.Limits), limits(`"count":-6`), "/count must be at least -5"},
		{new(kitchen.Limits), limits(`"count":6`), "/count must be at most 5"},
		{new(kitchen.Limits), limits(`"big":"9"`), "/big must be at least 10"},
		{new(kitchen.Limits), limits(`"ratio":0.4`), "/ratio must be at least 0.5"},
		{new(kitchen.Limits), limits(`"ratio":1501`), "/ratio must be at most 1500"},
		{new(kitchen.Limits), limits(`"wait":999`), "/wait must be at least 1000"},
		{new(kitchen.Limits), limits(`"wait":60001`), "/wait must be at most 60000"},
		{new(kitchen.Limits), limits(`"key":""`), "/key must have 1 to 2 bytes"},
		{new(kitchen.Limits), limits(`"tags":[]`), "/tags must have 1 to 2 items"},
		{new(kitchen.Limits), limits(`"tags":["a","b","c"]`), "/tags must have 1 to 2 items"},
		{new(kitchen.Limits), limits(`"scores":{"a":1,"b":2}`), "/scores must have at most 1 item"},
		{new(kitchen.Limits), limits(`"nick":"abcd"`), "/nick must have at most 3 characters"},
		{new(kitchen.Limits), limits(`"delay":-1`), "/delay must be at least 0"},

		{new(chat.Author), `[]`, "payload must be an object"},
		{new(chat.Author), `{"id":"1","role":"member"}`, "/name is required"},
		{new(chat.Author), `{"id":null,"name":"","role":"member"}`, "/id must be a string"},
		{new(chat.Author), `{"id":"1","name":"","role":"admin"}`, "/role must be one of member, moderator"},
		{new(chat.Author), `{"id":"1","id":"1"}`, "/id must not be there twice"},
		{new(chat.Author), `{"id":"1","x":1,"x":2}`, "/x must not be there twice"},
		{new(chat.Author), `{"id":"1","x":{"y":1,"\u0079":2}}`, "/x/y must not be there twice"},
		{new(chat.Author), `{"id":"1","name":"","role":"member"}]`, "payload is not valid JSON: something follows the value"},
		{new(chat.Author), `{"id":"1`, "/id is not valid JSON: it ends too early"},
		{new(chat.Message), `{"author":{"id":"1","name":5}}`, "/author/name must be a string"},
		{new(chat.Message), `{"mentions":[{"id":"1","name":"a","role":"member"},{"id":"1"}]}`, "/mentions/1/name is required"},
		{new(chat.Message), `{"reactions":{"a/b":1.5}}`, "/reactions/a~1b must be an integer"},
		{new(chat.Message), `{"reactions":{"a":1,"a":1}}`, "/reactions/a must not be there twice"},
		{new(chat.Message), `{"attachment":{}}`, "/attachment/type is required"},
		{new(chat.Message), `{"attachment":{"type":5}}`, "/attachment/type must be a string"},
		{new(chat.Message), `{"attachment":{"url":"","type":"video"}}`, "/attachment/type must be one of image, link"},
		{new(chat.Message), `{"attachment":{"url":"","type":"image","width":1}}`, "/attachment/height is required"},
		{new(chat.Message), `{"attachment":{"type":"link","url":"","type":"link"}}`, "/attachment/type must not be there twice"},
		{new(chat.AttachmentLink), `{"type":"image","url":""}`, "/type must be link"},
		{new(kitchen.Scalars), `{"bool":0}`, "/bool must be true or false"},
		{new(kitchen.Scalars), `{"int":"1"}`, "/int must be an integer"},
		{new(kitchen.Scalars), `{"int":9007199254740992}`, "/int must be at most 9007199254740991"},
		{new(kitchen.Scalars), `{"int":1e400}`, "/int must be at most 9007199254740991"},
		{new(kitchen.Scalars), `{"int64":1}`, "/int64 must be a string of digits that fits 64 bits"},
		{new(kitchen.Scalars), `{"int64":"007"}`, "/int64 must be a string of digits that fits 64 bits"},
		{new(kitchen.Scalars), `{"int64":"9223372036854775808"}`, "/int64 must be a string of digits that fits 64 bits"},
		{new(kitchen.Scalars), `{"float":1e400}`, "/float must be a finite number"},
		{new(kitchen.Scalars), `{"timestamp":"2026-02-29T00:00:00Z"}`, "/timestamp must be a timestamp as in RFC 3339"},
		{new(kitchen.Scalars), `{"duration":1.5}`, "/duration must be whole milliseconds"},
		{new(kitchen.Scalars), `{"duration":9223372036855}`, "/duration must be at most 9223372036854"},
		{new(kitchen.Scalars), `{"uuid":"0123456789abcdef0123456789abcdef"}`, "/uuid must be a UUID"},
		{new(kitchen.Scalars), `{"bytes":"_w=="}`, "/bytes must be base64 with padding"},
		{new(kitchen.Scalars), `{"json":{"a":1,"a":2}}`, "/json/a must not be there twice"},
		{new(kitchen.Nested), `{"matrix":[[1],[2,"3"]]}`, "/matrix/1/1 must be a number"},
		{new(kitchen.Nested), `{"deep":{"a":{"b":{"c":1}}}}`, "/deep/a/b/c must be a string"},
		{new(kitchen.Nested), `{"shapes":[{"type":"group","members":[{"radius":"","type":"circle"}]}]}`, "/shapes/0/members/0/radius must be a number"},
		{new(strict.Item), `{"name":"","colour":"red"}`, "/colour is not a member of this object"},
		{new(strict.Item), `{"name":"","part":{"type":"bolt","length":1,"width":2}}`, "/part/width is not a member of this object"},
	} {
		err := codec.Unmarshal([]byte(c.data), c.v)
		if err == nil || err.Error() != c.want {
			t.Errorf("%T from %s: got %v, want %s", c.v, c.data, err, c.want)
		}
	}
}

func TestEncodeRefusesWithThePath(t *testing.T) {
	t.Parallel()
	limits := func(change func(*kitchen.Limits)) codec.Marshaler {
		v := kitchen.Limits{Name: "abc", Code: "A1", Exact: "abc", Big: 10, Ratio: 1, Wait: time.Second, Key: []byte{0}, Tags: []string{"a"}}
		change(&v)
		return &v
	}
	one := func(change func(*kitchen.Scalars)) codec.Marshaler {
		v := scalars()
		change(&v)
		return &kitchen.Optionals{List: []string{"["}, Scalars: &v}
	}
	for _, c := range []struct {
		v    codec.Marshaler
		want string
	}{
		{limits(func(v *kitchen.Limits) { v.Name = "a" }), "/name must have 2 to 5 characters"},
		{limits(func(v *kitchen.Limits) { v.Code = "1" }), "/code must match ^[A-Z]`?\\d+$"},
		{limits(func(v *kitchen.Limits) { v.Exact = "éé" }), "/exact must have 3 characters"},
		{limits(func(v *kitchen.Limits) { v.Count = -6 }), "/count must be at least -5"},
		{limits(func(v *kitchen.Limits) { v.Count = 6 }), "/count must be at most 5"},
		{limits(func(v *kitchen.Limits) { v.Big = 9 }), "/big must be at least 10"},
		{limits(func(v *kitchen.Limits) { v.Ratio = 0.25 }), "/ratio must be at least 0.5"},
		{limits(func(v *kitchen.Limits) { v.Wait = 0 }), "/wait must be at least 1000"},
		{limits(func(v *kitchen.Limits) { v.Wait = time.Hour }), "/wait must be at most 60000"},
		{limits(func(v *kitchen.Limits) { v.Key = nil }), "/key must have 1 to 2 bytes"},
		{limits(func(v *kitchen.Limits) { v.Tags = nil }), "/tags must have 1 to 2 items"},
		{limits(func(v *kitchen.Limits) { v.Scores = map[string]float64{"a": 1, "b": 2} }), "/scores must have at most 1 item"},
		{limits(func(v *kitchen.Limits) { v.Nick = new("abcd") }), "/nick must have at most 3 characters"},

		{one(func(v *kitchen.Scalars) { v.String = "\xff" }), "/scalars/string is not valid UTF-8"},
		{one(func(v *kitchen.Scalars) { v.Int = codec.MaxInt + 1 }), "/scalars/int must be at most 9007199254740991"},
		{one(func(v *kitchen.Scalars) { v.Int = -codec.MaxInt - 1 }), "/scalars/int must be at least -9007199254740991"},
		{one(func(v *kitchen.Scalars) { v.Float = math.NaN() }), "/scalars/float must be a finite number"},
		{one(func(v *kitchen.Scalars) { v.Float = math.Inf(-1) }), "/scalars/float must be a finite number"},
		{one(func(v *kitchen.Scalars) { v.Timestamp = v.Timestamp.AddDate(8000, 0, 0) }), "/scalars/timestamp must be a timestamp as in RFC 3339"},
		{one(func(v *kitchen.Scalars) { v.UUID = "" }), "/scalars/uuid must be a UUID"},
		{one(func(v *kitchen.Scalars) { v.JSON = json.RawMessage(`{"a":[1,}`) }), "/scalars/json/a/1 is not valid JSON"},
		{one(func(v *kitchen.Scalars) { v.Level = "lowest" }),
			`/scalars/level must be one of low, high, in progress, +1, -1, , "quoted", type`},
		{&chat.Author{}, "/role must be one of member, moderator"},
		{&chat.Message{Mentions: []chat.Author{{Role: chat.RoleMember}, {Name: `"`}}, Author: chat.Author{Role: chat.RoleMember}},
			"/mentions/1/role must be one of member, moderator"},
		{&kitchen.ShapeGroup{Members: []kitchen.Shape{&kitchen.ShapeCircle{}, nil}}, "/members/1 is required"},
		{&kitchen.Nested{ByName: map[string]kitchen.Shape{"a/~": nil}}, "/by_name/a~1~0 is required"},
		{&kitchen.Nested{Deep: map[string]map[string]map[string]string{"a": {"b": {"\xff": ""}}}}, "/deep/a/b is not valid UTF-8"},
	} {
		dst := []byte("kept")
		got, err := c.v.AppendJSON(dst)
		var refused *codec.Error
		if !errors.As(err, &refused) || err.Error() != c.want {
			t.Errorf("%T: got %v, want %s", c.v, err, c.want)
		}
		if string(got) != "kept" {
			t.Errorf("%T: an error leaves %q in the buffer", c.v, got)
		}
	}
}

func TestUnknownMembersAreIgnoredUnlessStrict(t *testing.T) {
	t.Parallel()
	var v chat.RoomSetTyping
	if err := codec.Unmarshal([]byte(`{"later":{"a":[1]},"active":true,"more":null}`), &v); err != nil || !v.Active {
		t.Errorf("got %+v, %v; want it active", v, err)
	}
	// A strict schema's error is still read with its reason and message.
	var e strict.BrokenError
	if err := codec.Unmarshal([]byte(`{"reason":"broken","message":"It is broken.","at":"joint"}`), &e); err != nil || e.At != "joint" {
		t.Errorf("got %+v, %v; want it at the joint", e, err)
	}
}

func TestIntegersAreWhatJavaScriptCannotTellFromIntegers(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]int64{
		"1.0": 1, "1e2": 100, "-0": 0, "-0.0": 0, "1.5e1": 15, "9007199254740991": codec.MaxInt, "9007199254740990.9999": codec.MaxInt,
		"1e-400": 0, "-9007199254740991.0": -codec.MaxInt,
	} {
		var v kitchen.Tree
		if err := codec.Unmarshal([]byte(`{"value":`+data+`,"children":[],"named":{}}`), &v); err != nil || v.Value != want {
			t.Errorf("%s is read as %d, %v; want %d", data, v.Value, err, want)
		}
	}
}

func TestUUIDsAreKeptInSmallLetters(t *testing.T) {
	t.Parallel()
	var v kitchen.Optionals
	if err := codec.Unmarshal([]byte(`{"uuid":"01234567-89AB-CDEF-0123-456789ABCDEF"}`), &v); err != nil {
		t.Fatal(err)
	}
	if got, want := *v.UUID, "01234567-89ab-cdef-0123-456789abcdef"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	v.UUID = new("01234567-89AB-CDEF-0123-456789ABCDEF")
	if got, want := encode(&v), `{"uuid":"01234567-89ab-cdef-0123-456789abcdef"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A union whose type stands last is searched for it. Unions in unions must not make that quadratic: the message has
// a tenth of the limit on frames, and each byte may be looked at a few times, not a thousand.
func TestNestedUnionsWithTheTypeLastAreReadInLinearTime(t *testing.T) {
	t.Parallel()
	read := func(depth, padding int) time.Duration {
		data := strings.Repeat(`{"members":[`, depth) + `{"radius":1,"name":"` + strings.Repeat("x", padding) + `","type":"circle"}` +
			strings.Repeat(`],"type":"group"}`, depth)
		begin := time.Now()
		var v kitchen.Optionals
		if err := codec.Unmarshal([]byte(`{"shape":`+data+`}`), &v); err != nil {
			t.Fatal(err)
		}
		return time.Since(begin)
	}
	const size = 4 << 20
	flat, deep := read(1, size), read(400, size)
	if deep > 40*flat+100*time.Millisecond {
		t.Errorf("400 unions deep takes %v, one deep %v", deep, flat)
	}
}

// TestCyclicValuesAreRefused: what may hold itself is written as deep as it can be read, and no deeper.
func TestCyclicValuesAreRefused(t *testing.T) {
	t.Parallel()
	parent := &kitchen.Tree{}
	parent.Parent = parent
	children := &kitchen.Tree{Children: make([]kitchen.Tree, 1)}
	children.Children[0].Children = children.Children
	named := &kitchen.Tree{Named: map[string]kitchen.Tree{}}
	named.Named["a"] = *named
	group := &kitchen.ShapeGroup{Members: make([]kitchen.Shape, 1)}
	group.Members[0] = group
	for path, v := range map[string]codec.Marshaler{
		strings.Repeat("/parent", codec.MaxDepth):       parent,
		strings.Repeat("/children/0", codec.MaxDepth/2): children,
		strings.Repeat("/named/a", codec.MaxDepth/2):    named,
		strings.Repeat("/members/0", codec.MaxDepth/2):  group,
	} {
		dst := []byte("before")
		out, err := v.AppendJSON(dst)
		problem, ok := errors.AsType[*codec.Error](err)
		if !ok || problem.Message != "is nested too deeply" || problem.Path != path || string(out) != "before" {
			t.Errorf("%T: got %.80v, want that it is nested too deeply", v, err)
		}
	}
	deep := &kitchen.Tree{}
	for range codec.MaxDepth - 2 { // the innermost holds an empty list
		deep = &kitchen.Tree{Parent: deep}
	}
	data, err := deep.AppendJSON(nil)
	if err == nil {
		err = codec.Unmarshal(data, new(kitchen.Tree))
	}
	if err != nil {
		t.Errorf("as deep as may be: %.200v", err)
	}
	if _, err := (&kitchen.ShapeGroup{Members: []kitchen.Shape{nil}}).AppendJSON(nil); err == nil {
		t.Error("a group without a shape is written")
	}
}

func TestEncodingAllocatesNothing(t *testing.T) {
	all := scalars()
	v := kitchen.Nested{
		Matrix: [][]float64{{1, 2.5}},
		Lists:  map[string][]kitchen.Point{"b": {{X: 1, Y: new(2.0)}}, "a": nil},
		Deep:   map[string]map[string]map[string]string{"a": {"y": {"z": "!"}}},
		Shapes: []kitchen.Shape{&kitchen.ShapeCircle{Radius: 2}},
		ByName: map[string]kitchen.Shape{"c": &kitchen.ShapePoint{}},
		Raw:    []json.RawMessage{json.RawMessage(`{"a":{"b":1}}`)},
	}
	buf := make([]byte, 0, 4096)
	for name, v := range map[string]codec.Marshaler{
		"scalars": &all, "nested": &v, "optionals": &kitchen.Optionals{Scalars: &all, Map: map[string]int64{"a": 1, "b": 2}},
	} {
		n := fewestAllocs(func() {
			if _, err := v.AppendJSON(buf); err != nil {
				t.Error(err)
			}
		})
		if n != 0 {
			t.Errorf("encoding %s allocates %v times, want 0", name, n)
		}
	}
}

// fewestAllocs is how often f allocates at least: the race detector makes a sync.Pool forget at random.
func fewestAllocs(f func()) float64 {
	fewest := math.Inf(1)
	for range 100 {
		fewest = min(fewest, testing.AllocsPerRun(1, f))
	}
	return fewest
}

func TestDecodingAllocatesOnlyWhatItKeeps(t *testing.T) {
	data := []byte(`{"id":"01J9ZK3V8W","name":"Ada","role":"member","other":{"a":[1,2]}}`)
	var v chat.Author
	n := fewestAllocs(func() {
		if err := codec.Unmarshal(data, &v); err != nil {
			t.Error(err)
		}
	})
	if n != 2 {
		t.Errorf("decoding allocates %v times, want 2, for the two strings", n)
	}
}

func TestEnumsListTheirValues(t *testing.T) {
	t.Parallel()
	want := []chat.Role{chat.RoleMember, chat.RoleModerator}
	got := chat.RoleValues()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got[0] = "changed"
	if !chat.RoleMember.Valid() || chat.Role("changed").Valid() || chat.Role("").Valid() {
		t.Error("Valid follows a list that a caller has changed, or takes a value that is none")
	}
}

func TestErrorsAreFoundWithErrorsAs(t *testing.T) {
	t.Parallel()
	var err error = &chat.SlowDownError{RetryAfterMs: 5}
	var slow *chat.SlowDownError
	if !errors.As(err, &slow) || slow.Code() != "slow_down" || err.Error() != "slow_down: Too many messages." {
		t.Errorf("got %v with the code %q", err, slow.Code())
	}
}

func TestTopicsAreWrittenAsOnTheWire(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ got, want string }{
		{chat.RoomTopic{RoomID: "42"}.String(), "room:42"},
		{kitchen.KitchenTopic{ID: -7, Type: "soup", Owner: "me", Rest: "a:b"}.String(), "kitchen:-7:soup:of:me:a:b"},
		{kitchen.LobbyTopic{}.String(), "lobby"},
		{kitchen.ShapesTopic{Rest: "x"}.String(), "x"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}
