package wire_test

import (
	"fmt"

	"github.com/chgen/chgen/runtime/wire"
)

func ExampleSerializer() {
	ser, ok := wire.ForVersion("2.0.0")
	fmt.Println(ok)
	var m wire.Message
	err := ser.Decode([]byte(`["1","7","room:lobby","send_message",{"body":"hello"}]`), false, &m)
	fmt.Println(m.Topic, m.Event, string(m.Payload), err)

	reply := wire.Message{JoinRef: m.JoinRef, Ref: m.Ref, Topic: m.Topic, Status: wire.StatusOK, Payload: []byte(`{"id":"m1"}`)}
	out, binary, err := ser.Append(nil, &reply)
	fmt.Println(string(out), binary, err)

	fmt.Println(ser.Decode([]byte(`{"topic":"room:lobby"}`), false, &m))
	// Output:
	// true
	// room:lobby send_message {"body":"hello"} <nil>
	// ["1","7","room:lobby","phx_reply",{"status":"ok","response":{"id":"m1"}}] false <nil>
	// undecodable frame: not a JSON array
}

// What a client sends, and how it reads what comes back.
func ExampleAppendPush() {
	join := wire.Message{JoinRef: wire.TextRef("1"), Ref: wire.TextRef("1"), Topic: "room:lobby", Event: wire.EventJoin, Payload: []byte(`{}`)}
	out, _, _ := wire.AppendPush(nil, &join)
	fmt.Println(string(out))
	var m wire.Message
	err := wire.DecodeServer([]byte(`["1","1","room:lobby","phx_reply",{"status":"ok","response":{}}]`), false, &m)
	fmt.Println(m.Event, m.Ref.Text(), err)
	// Output:
	// ["1","1","room:lobby","phx_join",{}]
	// phx_reply 1 <nil>
}
