package wire_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/wire"
)

func TestServersReadWhatClientsAppend(t *testing.T) {
	t.Parallel()
	for _, want := range []wire.Message{
		{JoinRef: wire.TextRef("1"), Ref: wire.TextRef("2"), Topic: `room:"é"`, Event: "say", Payload: []byte(`{"a":1}`)},
		{Ref: wire.TextRef("2"), Topic: "phoenix", Event: "heartbeat", Payload: []byte(`{}`)},
		{JoinRef: wire.TextRef("1"), Ref: wire.TextRef("2"), Topic: "room:é", Event: "up", Payload: []byte{0, 255}, Binary: true},
	} {
		data, binary, err := wire.AppendPush(nil, &want)
		if err != nil || binary != want.Binary {
			t.Fatalf("%+v: binary %v, %v", want, binary, err)
		}
		var got wire.Message
		if err := wire.V2.Decode(data, binary, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", data, diff)
		}
	}
	long := wire.Message{Topic: strings.Repeat("x", 256), Binary: true}
	if _, _, err := wire.AppendPush(nil, &long); err == nil {
		t.Error("a binary frame takes a topic of 256 bytes")
	}
}

func TestClientsReadWhatServersAppend(t *testing.T) {
	t.Parallel()
	one, two := wire.TextRef("1"), wire.TextRef("2")
	for name, m := range map[string]wire.Message{
		"push":             {JoinRef: one, Topic: "room:é", Event: "said", Payload: []byte(`{"a":1}`)},
		"broadcast":        {Topic: "room", Event: "said", Payload: []byte(`{}`)},
		"position":         {Ref: wire.TextRef("e:1:mac"), Topic: "room", Event: "said", Payload: []byte(`{}`)},
		"binary push":      {JoinRef: one, Topic: "room:é", Event: "said", Payload: []byte{0, 255}, Binary: true},
		"binary broadcast": {Topic: "room", Event: "said", Payload: []byte{}, Binary: true},
		"binary reply":     {JoinRef: one, Ref: two, Topic: "room", Event: wire.EventReply, Status: "ok", Payload: []byte("x"), Binary: true},
	} {
		data, binary, err := wire.V2.Append(nil, &m)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got wire.Message
		if err := wire.DecodeServer(data, binary, &got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, data := range []string{"", "\x00", "\x03\x00\x00", "\x02\x01\x01a", "\x01\x00\x00\x00\x01\xff"} {
		if err := wire.DecodeServer([]byte(data), true, new(wire.Message)); err == nil {
			t.Errorf("%q is read", data)
		}
	}
}

func TestAReplyIsTakenApart(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]wire.Response{
		`{"status":"ok","response":{"a":1}}`:                                                        {Status: "ok", Payload: []byte(`{"a":1}`)},
		`{"response":null,"status":"weird","more":[1]}`:                                             {Status: "weird", Payload: []byte(`null`)},
		`{"status":"ok","response":{},"recovery":{"position":"e:1","recovered":true,"more":"yes"}}`: {Status: "ok", Payload: []byte(`{}`), Position: "e:1", Recovered: true},
	} {
		var got wire.Response
		if err := codec.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	if err := codec.Unmarshal([]byte(`{"status":1}`), new(wire.Response)); err == nil {
		t.Error("a status that is no text is read")
	}
}

// What a server may send never makes a client panic, and what is a binary frame is the same when it is written again.
func FuzzDecodeServer(f *testing.F) {
	for _, data := range []string{
		`[null,"1","t","phx_reply",{"status":"ok","response":{}}]`, `["1",null,"t","e",{}]`, `[1,2`,
		"\x00\x01\x01\x011te{}", "\x01\x01\x01\x01\x0212tok\xff", "\x02\x01\x01tex", "\x03",
	} {
		f.Add([]byte(data), data[0] < ' ')
	}
	f.Fuzz(func(t *testing.T, data []byte, binary bool) {
		var m wire.Message
		if wire.DecodeServer(data, binary, &m) != nil {
			return
		}
		if !binary {
			_ = codec.Unmarshal(m.Payload, new(wire.Response))
			return
		}
		if m.Status == "" && data[0] != 2 && m.JoinRef == nil || m.Event == wire.EventReply && m.Status == "" {
			return // a push without a join_ref, a reply without a status: no server writes these
		}
		again, _, err := wire.V2.Append(nil, &m)
		if err != nil || string(again) != string(data) {
			t.Errorf("%q is written again as %q, %v", data, again, err)
		}
	})
}
