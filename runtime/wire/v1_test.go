package wire_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/wire"
)

func TestVersion1DecodesObjects(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, frame string
		want        wire.Message
	}{
		{"without join_ref", `{"topic":"room:a","event":"echo","payload":{"a":1},"ref":"2"}`,
			wire.Message{Ref: ref(`"2"`), Topic: "room:a", Event: "echo", Payload: []byte(`{"a":1}`)}},
		{"with join_ref, any order, white space", ` { "ref" : 2 , "join_ref" : "1", "payload" : null , "event":"e","topic":"t" } `,
			wire.Message{JoinRef: ref(`"1"`), Ref: ref(`2`), Topic: "t", Event: "e", Payload: []byte(`null`)}},
		{"null refs", `{"topic":"t","event":"e","payload":{},"ref":null,"join_ref":null}`,
			wire.Message{Topic: "t", Event: "e", Payload: []byte(`{}`)}},
		{"members that are none of a frame's", `{"topic":"t","x":[1,{"ref":"3"}],"event":"e","payload":[],"ref":"2"}`,
			wire.Message{Ref: ref(`"2"`), Topic: "t", Event: "e", Payload: []byte(`[]`)}},
		{"escapes", `{"\u0074opic":"\u0074","event":"\"e","payload":{},"ref":"2"}`,
			wire.Message{Ref: ref(`"2"`), Topic: "t", Event: `"e`, Payload: []byte(`{}`)}},
		{"topic and event no strings", `{"topic":5,"event":7,"payload":{},"ref":"2"}`,
			wire.Message{Ref: ref(`"2"`), OddTopic: []byte(`5`), Payload: []byte(`{}`)}},
		{"of a member that is there twice the last counts", `{"topic":"a","topic":"t","event":"e","payload":{},"ref":"2"}`,
			wire.Message{Ref: ref(`"2"`), Topic: "t", Event: "e", Payload: []byte(`{}`)}},
		{"a name twice is for the payload's decoder to refuse", `{"topic":"t","event":"e","payload":{"a":1,"a":2},"ref":"2"}`,
			wire.Message{Ref: ref(`"2"`), Topic: "t", Event: "e", Payload: []byte(`{"a":1,"a":2}`)}},
	}
	for _, test := range tests {
		var got wire.Message
		if err := wire.V1.Decode([]byte(test.frame), false, &got); err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestVersion1RefusesWhatIsNoFrame(t *testing.T) {
	t.Parallel()
	for _, frame := range []string{
		"", "null", "1", "{}", "{ }", "{", "[]", `["1","1","t","e",{}]`,
		`{"event":"e","payload":{},"ref":"2"}`, `{"topic":"t","payload":{},"ref":"2"}`,
		`{"topic":"t","event":"e","ref":"2"}`, `{"topic":"t","event":"e","payload":{}}`,
		`{"topic":"t","event":"e","payload":{},"ref":"2"}x`, `{"topic":"t","event":"e","payload":{},"ref":"2",}`,
		`{"topic":"t","event":"e","payload":{},"ref":"2"`, `{"topic" "t"}`, `{topic:"t"}`, `{"topic":}`,
		"{\"topic\":\"\xff\",\"event\":\"e\",\"payload\":{},\"ref\":\"2\"}",
	} {
		var got wire.Message
		if err := wire.V1.Decode([]byte(frame), false, &got); err == nil {
			t.Errorf("%q: decoded as %+v, want an error", frame, got)
		}
	}
	var got wire.Message
	if err := wire.V1.Decode([]byte(`{"topic":"t","event":"e","payload":{},"ref":"2"}`), true, &got); err == nil {
		t.Error("a binary message was decoded")
	}
}

func TestVersion1NeverWritesJoinRef(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		m    wire.Message
		want string
	}{
		{"reply", wire.Message{JoinRef: ref(`"1"`), Ref: ref(`"2"`), Topic: "t", Status: "ok", Payload: []byte(`{"a":1}`)},
			`{"topic":"t","event":"phx_reply","payload":{"status":"ok","response":{"a":1}},"ref":"2"}`},
		{"push", wire.Message{JoinRef: ref(`"1"`), Topic: "t\"", Event: "e", Payload: []byte(`{}`)},
			`{"topic":"t\"","event":"e","payload":{},"ref":null}`},
		{"broadcast", wire.Message{Topic: "t", Event: "e", Payload: []byte(`{}`)}, `{"topic":"t","event":"e","payload":{},"ref":null}`},
		{"odd topic", wire.Message{Ref: ref(`2`), OddTopic: []byte(`5`), Status: "error", Payload: []byte(`{}`)},
			`{"topic":5,"event":"phx_reply","payload":{"status":"error","response":{}},"ref":2}`},
	}
	for _, test := range tests {
		got, binary, err := wire.V1.Append(nil, &test.m)
		if err != nil || binary {
			t.Fatalf("%s: binary %v, err %v", test.name, binary, err)
		}
		if diff := cmp.Diff(test.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	if _, _, err := wire.V1.Append(nil, &wire.Message{Topic: "t", Event: "e", Binary: true}); err == nil {
		t.Error("a payload that is bytes was written")
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	text := wire.Message{JoinRef: ref(`"1"`), Ref: ref(`"2"`), Topic: "room:1", Status: "ok", Payload: []byte(`{"a":1}`)}
	binary := wire.Message{JoinRef: ref(`"1"`), Topic: "room:1", Event: "blob", Payload: []byte{1, 2}, Binary: true}
	buf := make([]byte, 0, 256)
	for name, test := range map[string]struct {
		ser wire.Serializer
		m   *wire.Message
	}{"V1": {wire.V1, &text}, "V2": {wire.V2, &text}} {
		if n := testing.AllocsPerRun(100, func() { buf, _, _ = test.ser.Append(buf[:0], test.m) }); n != 0 {
			t.Errorf("%s: Append allocates %v times, want 0", name, n)
		}
	}
	broadcast := binary
	broadcast.JoinRef = nil
	if n := testing.AllocsPerRun(100, func() { buf, _, _ = wire.V2.Append(buf[:0], &broadcast) }); n != 0 {
		t.Errorf("V2, binary broadcast: Append allocates %v times, want 0", n)
	}
	if n := testing.AllocsPerRun(100, func() { buf, _, _ = wire.V2.Append(buf[:0], &binary) }); n != 0 {
		t.Errorf("V2, binary push: Append allocates %v times, want 0", n)
	}
}

func TestForVersion(t *testing.T) {
	t.Parallel()
	for vsn, want := range map[string]wire.Serializer{
		wire.DefaultVersion: wire.V1, "1.0.7": wire.V1, "2.0.0": wire.V2, "2.0.9": wire.V2, "2.0.10": wire.V2,
	} {
		if got, ok := wire.ForVersion(vsn); !ok || got != want {
			t.Errorf("%s: got %T, %v, want %T", vsn, got, ok, want)
		}
	}
	for _, vsn := range []string{
		"", "1", "1.0", "2.0", "2.0.", "2.1.0", "1.1.0", "3.0.0", "abc", "2.0.x", "2.0.01", "2.0.-1", "2.0.+1", "2.0.0 ", "v2.0.0", "2.0.0.0", "02.0.0",
	} {
		if _, ok := wire.ForVersion(vsn); ok {
			t.Errorf("%q is spoken", vsn)
		}
	}
}

// FuzzDecodeV1 holds the decoder to encoding/json: what it takes is an object with the four members, and it keeps
// their values as they are.
func FuzzDecodeV1(f *testing.F) {
	for _, seed := range []string{
		`{"topic":"room:lobby","event":"phx_join","payload":{},"ref":"1"}`,
		`{"topic":"t","event":"e","payload":{"a":1,"a":2},"ref":1,"join_ref":null,"x":[]}`,
		`{"topic":"a","topic":"t","event":"e","payload":"\ud800","ref":"2"}`, `{}`, `{"topic"`, `[{}]`, "{\"topic\":\"\xff\"}", `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m wire.Message
		if wire.V1.Decode(data, false, &m) != nil {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(data, &members); err != nil {
			t.Fatalf("took %q, which is no object: %v", data, err)
		}
		if string(members["payload"]) != string(m.Payload) {
			t.Fatalf("payload of %q: got %q, want %q", data, m.Payload, members["payload"])
		}
		out, _, err := wire.V1.Append(nil, &m)
		if err != nil {
			t.Fatal(err)
		}
		var again wire.Message
		if err := wire.V1.Decode(out, false, &again); err != nil {
			t.Fatalf("what was written cannot be read: %q: %v", out, err)
		}
		m.JoinRef = nil // never written
		if diff := cmp.Diff(m, again); diff != "" {
			t.Fatalf("round trip of %q (-want +got):\n%s", data, diff)
		}
	})
}
