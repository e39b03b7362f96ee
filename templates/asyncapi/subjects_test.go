package asyncapi_test

import (
	"errors"
	"strings"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/testdata/golang/chat"
	"github.com/chgen/chgen/testdata/golang/kitchen"
	"github.com/chgen/chgen/testdata/golang/strict"
)

// subject is a type with payloads that are valid.
type subject struct {
	decode func([]byte) (codec.Marshaler, error)
	seeds  []string
}

// of is the generated type T.
func of[T any, P interface {
	*T
	codec.Marshaler
	codec.Unmarshaler
}](seeds ...string) subject {
	return subject{func(data []byte) (codec.Marshaler, error) {
		v := P(new(T))
		return v, codec.Unmarshal(data, v)
	}, seeds}
}

// inside is a type that has no methods of its own: take gets it out of T, which holds it between the texts.
func inside[T any, P interface {
	*T
	codec.Unmarshaler
}](before, after string, take func(*T) codec.Marshaler, seeds ...string) subject {
	return subject{func(data []byte) (codec.Marshaler, error) {
		v := new(T)
		err := codec.Unmarshal([]byte(before+string(data)+after), P(v))
		if err != nil {
			return nil, err
		}
		if inner := take(v); inner != nil {
			return inner, nil
		}
		return nil, errors.New("is absent")
	}, seeds}
}

type quoted string

func (q quoted) AppendJSON(dst []byte) ([]byte, error) {
	e := codec.NewEncoder(dst)
	e.String(string(q))
	return e.Done()
}

const scalars = `{"bool":true,"string":"s","int":7,"int64":"-8","float":1.5,"timestamp":"2026-01-02T03:04:05.5Z",` +
	`"duration":1500,"uuid":"01234567-89ab-cdef-0123-456789abcdef","bytes":"aGk=","json":{"a":[null]},"level":"low"}`

const author = `{"id":"a","name":"Ann","role":"member"}`

const chatMessage = `{"id":"1","author":` + author + `,"body":"hi","sent_at":"2026-01-02T03:04:05Z","mentions":[` + author + `],` +
	`"reactions":{"+1":2},"reply_to":"0","attachment":{"type":"link","url":"u","title":"t"}}`

func chatTypes() map[string]subject {
	return map[string]subject{
		"Role": inside(`{"id":"","name":"","role":`, `}`, func(v *chat.Author) codec.Marshaler { return quoted(v.Role) }, `"member"`),
		"Attachment": inside(`{"body":"b","attachment":`, `}`, func(v *chat.RoomSendMessage) codec.Marshaler { return v.Attachment },
			`{"type":"image","url":"u","width":1,"height":2}`),
		"Author":                  of[chat.Author](author),
		"Message":                 of[chat.Message](chatMessage),
		"AttachmentImage":         of[chat.AttachmentImage](`{"type":"image","url":"u","width":1,"height":2}`),
		"AttachmentLink":          of[chat.AttachmentLink](`{"type":"link","url":"u"}`, `{"type":"link","url":"u","title":"t"}`),
		"RoomJoin":                of[chat.RoomJoin](`{}`, `{"since":"2026-01-02T03:04:05Z"}`),
		"RoomJoined":              of[chat.RoomJoined](`{"you":` + author + `,"recent":[` + chatMessage + `]}`),
		"RoomSendMessage":         of[chat.RoomSendMessage](`{"body":"hi","attachment":{"type":"link","url":"u"}}`),
		"RoomSendMessageReply":    of[chat.RoomSendMessageReply](`{"id":"1","sent_at":"2026-01-02T03:04:05Z"}`),
		"RoomSetTyping":           of[chat.RoomSetTyping](`{"active":true}`),
		"RoomMessageDeletedEvent": of[chat.RoomMessageDeletedEvent](`{"id":"1"}`),
		"RoomCursorMovedEvent":    of[chat.RoomCursorMovedEvent](`{"user":"u","x":1,"y":2.5}`),
	}
}

func kitchenTypes() map[string]subject {
	return map[string]subject{
		"Level": inside(`{"level":`, `}`, func(v *kitchen.KitchenLeveledEvent) codec.Marshaler { return quoted(v.Level) }, `"low"`),
		"Shape": inside(`{"type":"group","members":[`, `]}`, func(v *kitchen.ShapeGroup) codec.Marshaler { return v.Members[0] },
			`{"type":"circle","radius":1}`, `{"type":"group","members":[{"type":"nothing"},{"type":"point","x":1}],"name":"g"}`),
		"Scalars": of[kitchen.Scalars](scalars),
		"Optionals": of[kitchen.Optionals](`{}`, strings.TrimSuffix(scalars, "}")+`,"scalars":`+scalars+
			`,"shape":{"type":"nothing"},"list":["a",""],"map":{"":1,"b":-1}}`),
		"Limits": of[kitchen.Limits](limits("")),
		"Defaults": of[kitchen.Defaults](`{}`, `{"bool":false,"string":"","int":1,"int64":"1","float":0,"timestamp":"2026-01-02T03:04:05Z",`+
			`"duration":0,"uuid":"01234567-89ab-cdef-0123-456789abcdef","bytes":"","json":null,"level":"","list":[],"map":{},`+
			`"object":{"x":0},"shape":{"type":"circle","radius":1}}`),
		"Point":        of[kitchen.Point](`{"x":1}`, `{"x":1,"y":2}`),
		"ShapeCircle":  of[kitchen.ShapeCircle](`{"type":"circle","radius":1}`),
		"ShapePoint":   of[kitchen.ShapePoint](`{"type":"point","x":1,"y":2}`),
		"ShapeGroup":   of[kitchen.ShapeGroup](`{"members":[{"radius":2,"type":"circle"}],"type":"group"}`),
		"ShapeNothing": of[kitchen.ShapeNothing](`{"type":"nothing"}`),
		"Tree":         of[kitchen.Tree](`{"value":1,"children":[],"named":{"a":{"value":2,"children":[],"named":{}}},"parent":{"value":0,"children":[],"named":{}}}`),
		"Nested": of[kitchen.Nested](`{"matrix":[[1],[]],"lists":{"a":[{"x":1}]},"maps":[{"a":1}],"deep":{"a":{"b":{"c":"d"}}},` +
			`"shapes":[{"type":"nothing"}],"by_name":{"a":{"type":"circle","radius":1}},"levels":["low"],"raw":[null,1]}`),
		"Nothing":              of[kitchen.Nothing](`{}`),
		"Odd":                  of[kitchen.Odd](`{"type":"","func":"","error":"","nil":1,"v":1,"d":1,"e":1,"obj":1,"dst":1,"user_id":"","userName":"","URL2":"","x_1_2":""}`),
		"KitchenJoin":          of[kitchen.KitchenJoin](`{"since":"2026-01-02T03:04:05+01:00"}`),
		"KitchenJoined":        of[kitchen.KitchenJoined](`{"scalars":` + scalars + `}`),
		"KitchenRawReply":      of[kitchen.KitchenRawReply](`{"done":true}`),
		"KitchenSearch":        of[kitchen.KitchenSearch](`{"text":"t"}`, `{"text":"t","limit":1}`),
		"KitchenSearchReply":   of[kitchen.KitchenSearchReply](`{"hits":[{"x":1}]}`),
		"KitchenMovedEvent":    of[kitchen.KitchenMovedEvent](`{"user":"u","x":1}`),
		"KitchenNumberedEvent": of[kitchen.KitchenNumberedEvent](`{"n":1}`),
		"KitchenLeveledEvent":  of[kitchen.KitchenLeveledEvent](`{"level":"+1"}`),
		"KitchenTaggedEvent":   of[kitchen.KitchenTaggedEvent](`{"tag":"t"}`),
	}
}

func strictTypes() map[string]subject {
	return map[string]subject{
		"Part":     inside(`{"name":"n","part":`, `}`, func(v *strict.Item) codec.Marshaler { return v.Part }, `{"type":"bolt","length":1}`),
		"Item":     of[strict.Item](`{"name":"n"}`, `{"name":"n","part":{"type":"bolt","length":1}}`),
		"PartBolt": of[strict.PartBolt](`{"type":"bolt","length":1}`),
	}
}

// limits is a valid Limits with one member that is changed.
func limits(changed string) string {
	name, _, _ := strings.Cut(changed, ":")
	var members []string
	for _, m := range []string{
		`"name":"abc"`, `"code":"A1"`, `"exact":"abc"`, `"count":0`, `"big":"10"`, `"ratio":1`, `"wait":1500`,
		`"key":"aGk="`, `"tags":["a"]`, `"scores":{"a":1}`, `"nick":"abc"`, `"delay":0`,
	} {
		if strings.HasPrefix(m, name+":") {
			m = changed
		}
		members = append(members, m)
	}
	return "{" + strings.Join(members, ",") + "}"
}
