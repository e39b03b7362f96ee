package asyncapi_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/testdata/golang/chat"
)

// room does whatever makes the server send each message of the chat's document.
type room struct{ socket *chat.RoomSocket }

var ann = chat.Author{ID: "a", Name: "Ann", Role: chat.RoleMember}

func (room) Join(ctx context.Context, s *chat.RoomSocket, _ chat.RoomJoin) (chat.RoomHandler, chat.RoomJoined, error) {
	if s.Topic().RoomID == "private" {
		return nil, chat.RoomJoined{}, chat.ErrNotAMember
	}
	err := s.Presence().Track(ctx, ann.ID, chat.RoomPresence{Name: ann.Name})
	return room{s}, chat.RoomJoined{You: ann}, err
}

func (r room) SendMessage(ctx context.Context, in chat.RoomSendMessage) (chat.RoomSendMessageReply, error) {
	switch in.Body {
	case "slow":
		return chat.RoomSendMessageReply{}, &chat.SlowDownError{RetryAfterMs: 1}
	case "crash":
		panic("asked to")
	}
	for _, err := range []error{
		r.socket.Broadcast().MessageCreated(ctx, chat.Message{ID: "1", Author: ann, Attachment: &chat.AttachmentLink{URL: "u"}}),
		r.socket.Push().MessageDeleted(ctx, chat.RoomMessageDeletedEvent{ID: "1"}),
		r.socket.Push().CursorMoved(ctx, chat.RoomCursorMovedEvent{User: "a", X: 1}),
	} {
		if err != nil {
			return chat.RoomSendMessageReply{}, err
		}
	}
	return chat.RoomSendMessageReply{ID: "1"}, nil
}

func (r room) SetTyping(ctx context.Context, in chat.RoomSetTyping) error {
	return r.socket.Presence().Update(ctx, ann.ID, chat.RoomPresence{Name: ann.Name, Typing: in.Active})
}

// reader knows the document as one who writes a client does.
type reader struct {
	contract
	t    *testing.T
	tree map[string]any
	conn *websocket.Conn
	seen map[string]bool // keys of channels' messages: Room/joined
}

// frame is [join_ref, ref, topic, event, payload].
type frame [5]json.RawMessage

func (f frame) text(i int) string {
	var s string
	_ = json.Unmarshal(f[i], &s) // null is ""
	return s
}

// at follows names into the document, and references on the way.
func (r *reader) at(names ...string) any {
	var v any = r.tree
	for _, name := range names {
		v = v.(map[string]any)[name]
		if m, ok := v.(map[string]any); ok && m["$ref"] != nil {
			v = r.at(strings.Split(strings.TrimPrefix(m["$ref"].(string), "#/"), "/")...)
		}
	}
	return v
}

// fits reports whether a frame is the message that a reference names.
func (r *reader) fits(ref string, f frame) bool {
	channel, key := split(ref)
	path := "/channels/" + channel + "/messages/" + key
	if m := r.tree["channels"].(map[string]any)[channel].(map[string]any)["messages"].(map[string]any)[key].(map[string]any); m["$ref"] != nil {
		path = strings.TrimPrefix(m["$ref"].(string), "#")
	}
	message := r.at(strings.Split(path[1:], "/")...).(map[string]any)
	trait := message["traits"].([]any)[0].(map[string]any)["$ref"].(string)
	headers, err := json.Marshal(map[string]any{"join_ref": f[0], "ref": f[1], "topic": f[2], "event": f[3]})
	if err != nil {
		r.t.Fatal(err)
	}
	return allows(r.t, r.contract.at(r.t, strings.TrimPrefix(trait, "#")+"/headers"), headers) &&
		allows(r.t, r.contract.at(r.t, path+"/headers"), headers) &&
		allows(r.t, r.contract.at(r.t, path+"/payload"), f[4])
}

// split takes the reference of a channel's message apart.
func split(ref string) (channel, key string) {
	parts := strings.Split(ref, "/")
	return parts[2], parts[4]
}

func refsOf(messages any) []string {
	var refs []string
	for _, m := range messages.([]any) {
		refs = append(refs, m.(map[string]any)["$ref"].(string))
	}
	return refs
}

// sent are the messages of all operations of the server.
func (r *reader) sent() []string {
	var refs []string
	for _, op := range r.tree["operations"].(map[string]any) {
		if op := op.(map[string]any); op["action"] == "send" {
			refs = append(refs, refsOf(op["messages"])...)
		}
	}
	return refs
}

// call sends a frame of an operation and reads until it is answered.
func (r *reader) call(operation, text string) {
	r.t.Helper()
	f := r.parse([]byte(text))
	op := r.at("operations", operation).(map[string]any)
	if !r.fits(refsOf(op["messages"])[0], f) && !strings.Contains(text, "invalid") {
		r.t.Errorf("%s is not what the document says of %s", text, operation)
	}
	if err := r.conn.Write(r.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		r.t.Fatal(err)
	}
	for {
		answer := r.read()
		if answer.text(3) == "phx_reply" && answer.text(1) == f.text(1) {
			r.match(answer, refsOf(op["reply"].(map[string]any)["messages"]))
			return
		}
		r.match(answer, r.sent())
	}
}

func (r *reader) read() frame {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Second)
	defer cancel()
	_, data, err := r.conn.Read(ctx)
	if err != nil {
		r.t.Fatalf("%v; so far came %v", err, slices.Sorted(maps.Keys(r.seen)))
	}
	return r.parse(data)
}

func (r *reader) parse(data []byte) (f frame) {
	r.t.Helper()
	if err := json.Unmarshal(data, &f); err != nil {
		r.t.Fatalf("%s: %v", data, err)
	}
	return f
}

// match notes which of some messages a frame is; it must be one of them.
func (r *reader) match(f frame, refs []string) {
	r.t.Helper()
	i := slices.IndexFunc(refs, func(ref string) bool { return r.fits(ref, f) })
	if i < 0 {
		r.t.Fatalf("the document has no such frame here: %s", f)
	}
	channel, key := split(refs[i])
	r.seen[channel+"/"+key] = true
}

func TestDocumentDescribesTheFramesOfAServer(t *testing.T) {
	t.Parallel()
	server := channel.NewServer(channel.WithLogger(slog.New(slog.DiscardHandler)))
	chat.HandleRoom(server, room{})
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	conn, _, err := websocket.Dial(t.Context(), strings.Replace(web.URL, "http", "ws", 1)+"/socket/websocket?vsn=2.0.0&name=ann", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() }) // the server may have closed it
	c := load(t, schemas[0])
	r := &reader{contract: c, t: t, tree: c.tree, conn: conn, seen: map[string]bool{}}

	r.call("heartbeat", `[null,"1","phoenix","heartbeat",{}]`)
	r.call("Room.join", `["2","2","room:private","phx_join",{}]`)
	r.call("Room.join", `["3","3","room:1","phx_join",{"since":"invalid"}]`)
	r.call("Room.join", `["4","4","room:1","phx_join",{"since":"2026-01-02T03:04:05Z"}]`)
	r.call("Room.push.send_message", `["4","5","room:1","send_message",{"body":"hi"}]`)
	r.call("Room.push.send_message", `[null,"6","room:1","send_message",{"body":"slow"}]`)
	r.call("Room.push.set_typing", `["4","7","room:1","set_typing",{"active":true}]`)
	r.call("Room.push.set_typing", `["4","8","room:1","set_typing",{"active":"invalid"}]`)
	r.call("Room.push.set_typing", `["4","9","room:2","set_typing",{"active":true}]`)
	r.call("Room.leave", `["4","10","room:1","phx_leave",{}]`)
	r.call("Room.join", `["11","11","room:1","phx_join",{}]`)
	r.call("Room.push.send_message", `["11","12","room:1","send_message",{"body":"crash"}]`)

	want := map[string]bool{"phoenix/ok": true}
	for key := range r.at("channels", "Room", "messages").(map[string]any) {
		if key != "join" && key != "leave" && !strings.HasPrefix(key, "push.") {
			want["Room/"+key] = true
		}
	}
	for len(r.seen) < len(want) {
		r.match(r.read(), r.sent())
	}
}
