package wire_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/wire"
)

func TestDecodeTextKeepsRefsAsTheyCame(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, frame string
		want        wire.Message
	}{
		{"strings", `["1","2","room:a","echo",{"a":1}]`,
			wire.Message{JoinRef: wire.Ref(`"1"`), Ref: wire.Ref(`"2"`), Topic: "room:a", Event: "echo", Payload: []byte(`{"a":1}`)}},
		{"null refs", `[null,null,"t","e",{}]`,
			wire.Message{Topic: "t", Event: "e", Payload: []byte(`{}`)}},
		{"refs of any type", `[ 1 , {"x":[2]} , "t","e",null]`,
			wire.Message{JoinRef: wire.Ref(`1`), Ref: wire.Ref(`{"x":[2]}`), Topic: "t", Event: "e", Payload: []byte(`null`)}},
		{"more than five", ` ["1","2","t","e",{},"extra",[6]] `,
			wire.Message{JoinRef: wire.Ref(`"1"`), Ref: wire.Ref(`"2"`), Topic: "t", Event: "e", Payload: []byte(`{}`)}},
		{"topic no string", `["1","2",5,"e",{}]`,
			wire.Message{JoinRef: wire.Ref(`"1"`), Ref: wire.Ref(`"2"`), OddTopic: []byte(`5`), Event: "e", Payload: []byte(`{}`)}},
		{"topic null", `["1","2",null,"e",{}]`,
			wire.Message{JoinRef: wire.Ref(`"1"`), Ref: wire.Ref(`"2"`), OddTopic: []byte(`null`), Event: "e", Payload: []byte(`{}`)}},
		{"event no string", `["1","2","t",7,{}]`,
			wire.Message{JoinRef: wire.Ref(`"1"`), Ref: wire.Ref(`"2"`), Topic: "t", Payload: []byte(`{}`)}},
		{"escapes", `["1","2","\u0074\n","\"e",{}]`,
			wire.Message{JoinRef: wire.Ref(`"1"`), Ref: wire.Ref(`"2"`), Topic: "t\n", Event: `"e`, Payload: []byte(`{}`)}},
		{"a name twice is for the payload's decoder to refuse", `["1","2","t","e",{"a":1,"a":2}]`,
			wire.Message{JoinRef: wire.Ref(`"1"`), Ref: wire.Ref(`"2"`), Topic: "t", Event: "e", Payload: []byte(`{"a":1,"a":2}`)}},
	}
	for _, test := range tests {
		var got wire.Message
		if err := wire.V2.Decode([]byte(test.frame), false, &got); err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestDecodeTextRefusesWhatIsNoFrame(t *testing.T) {
	t.Parallel()
	for _, frame := range []string{
		"", "this is not json", "1", "null", `{"topic":"t"}`, "[]", "[ ]", `["1","1","t","phx_join"]`,
		`["1","1","t","phx_join"`, `["1","1","t","phx_join",`, `["1","1","t","phx_join",{}`, `["1","1","t","phx_join",{"a":}]`,
		`["1","1","t","phx_join",{}]x`, `["1","1","t","phx_join",{},]`, `["1","1","t","e",{}}`, `["1" "1","t","e",{}]`,
		"[\"1\",\"1\",\"t\",\"e\",\"\xff\"]", "[\"1\",\"1\",\"\xff\",\"e\",{}]",
	} {
		var got wire.Message
		if err := wire.V2.Decode([]byte(frame), false, &got); err == nil {
			t.Errorf("%q: decoded as %+v, want an error", frame, got)
		}
	}
}

func TestRefEqualComparesValues(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a, b string
		want bool
	}{
		{`"1"`, `"1"`, true}, {`1`, `"1"`, false}, {`"1"`, `"\u0031"`, true}, {``, ``, true}, {``, `""`, false}, {`"a\n"`, `"b\n"`, false},
	}
	for _, test := range tests {
		if got := ref(test.a).Equal(ref(test.b)); got != test.want {
			t.Errorf("%s = %s: got %v, want %v", test.a, test.b, got, test.want)
		}
	}
}

func ref(s string) wire.Ref {
	if s == "" {
		return nil
	}
	return wire.Ref(s)
}

func TestAppendTextFollowsTheNullTable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		m    wire.Message
		want string
	}{
		{"reply", wire.Message{JoinRef: ref(`"1"`), Ref: ref(`"2"`), Topic: "t", Status: "ok", Payload: []byte(`{"a":1}`)},
			`["1","2","t","phx_reply",{"status":"ok","response":{"a":1}}]`},
		{"broadcast", wire.Message{Topic: "t", Event: "e", Payload: []byte(`{}`)}, `[null,null,"t","e",{}]`},
		{"push", wire.Message{JoinRef: ref(`"1"`), Topic: "t\"", Event: "e", Payload: []byte(`{}`)}, `["1",null,"t\"","e",{}]`},
		{"odd topic", wire.Message{Ref: ref(`2`), OddTopic: []byte(`5`), Status: "error", Payload: []byte(`{}`)},
			`[null,2,5,"phx_reply",{"status":"error","response":{}}]`},
	}
	for _, test := range tests {
		got, binary, err := wire.V2.Append(nil, &test.m)
		if err != nil || binary {
			t.Fatalf("%s: binary %v, err %v", test.name, binary, err)
		}
		if diff := cmp.Diff(test.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestBinaryFrames(t *testing.T) {
	t.Parallel()
	var got wire.Message
	if err := wire.V2.Decode([]byte("\x00\x01\x01\x01\x0312tbin\x01\x02"), true, &got); err != nil {
		t.Fatal(err)
	}
	want := wire.Message{JoinRef: ref(`"1"`), Ref: ref(`"2"`), Topic: "t", Event: "bin", Payload: []byte{1, 2}, Binary: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("push (-want +got):\n%s", diff)
	}
	for _, data := range []string{"", "\x09", "\x00\x01", "\x00\x01\x01\x01\x0312", "\x00\x01\x00\x00\x00\xff"} {
		if err := wire.V2.Decode([]byte(data), true, &got); err == nil {
			t.Errorf("%q: decoded, want an error", data)
		}
	}
	for _, test := range []struct {
		m    wire.Message
		want string
	}{
		{wire.Message{JoinRef: ref(`"1"`), Ref: ref(`2`), Topic: "t", Status: "ok", Payload: []byte("x"), Binary: true}, "\x01\x01\x01\x01\x0212tokx"},
		{wire.Message{JoinRef: ref(`"1"`), Topic: "t", Event: "e", Payload: []byte("x"), Binary: true}, "\x00\x01\x01\x011tex"},
		{wire.Message{Topic: "t", Event: "e", Payload: []byte("x"), Binary: true}, "\x02\x01\x01tex"},
	} {
		data, binary, err := wire.V2.Append(nil, &test.m)
		if err != nil || !binary {
			t.Fatalf("binary %v, err %v", binary, err)
		}
		if diff := cmp.Diff(test.want, string(data)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	long := wire.Message{Topic: string(make([]byte, 256)), Binary: true}
	if _, _, err := wire.V2.Append(nil, &long); err == nil {
		t.Error("a topic of 256 bytes went into a binary frame")
	}
}

// FuzzDecodeText holds the decoder to encoding/json: what it takes is an array of five or more, and it keeps the
// elements as they are.
func FuzzDecodeText(f *testing.F) {
	for _, seed := range []string{
		`["1","1","room:lobby","phx_join",{}]`, `[null,"1","phoenix","heartbeat",{}]`, `["1",2,5,7,[1,2],"extra"]`,
		`[]`, `[[[[`, `["1","1","t","e",{"a":1,"a":2}]`, `["\ud800","","","",""]`, "[\"\xff\",1,1,1,1]", ` [ 1 , 2 , 3 , 4 , 5 ] `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m wire.Message
		if wire.V2.Decode(data, false, &m) != nil {
			return
		}
		var elements []json.RawMessage
		if err := json.Unmarshal(data, &elements); err != nil || len(elements) < 5 {
			t.Fatalf("took %q, which is no array of five: %v", data, err)
		}
		if string(elements[4]) != string(m.Payload) {
			t.Fatalf("payload of %q: got %q, want %q", data, m.Payload, elements[4])
		}
		if m.OddTopic != nil {
			return
		}
		out, _, err := wire.V2.Append(nil, &m)
		if err != nil {
			t.Fatal(err)
		}
		var again wire.Message
		if err := wire.V2.Decode(out, false, &again); err != nil {
			t.Fatalf("what was written cannot be read: %q: %v", out, err)
		}
		if diff := cmp.Diff(m, again); diff != "" {
			t.Fatalf("round trip of %q (-want +got):\n%s", data, diff)
		}
	})
}

// FuzzDecodeBinary holds that no binary frame does harm.
func FuzzDecodeBinary(f *testing.F) {
	for _, seed := range []string{"", "\x00", "\x09", "\x00\x01\x01\x01\x0312tbin\x01\x02", "\x00\xff\xff\xff\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m wire.Message
		if wire.V2.Decode(data, true, &m) == nil && !json.Valid(m.JoinRef) {
			t.Fatalf("join_ref %q is no JSON", m.JoinRef)
		}
	})
}
