package codec_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/chgen/chgen/runtime/codec"
)

// fiveFields is a payload as generated code reads and writes it, its constraints included.
type fiveFields struct {
	ID     string    `json:"id"`
	Author string    `json:"author"`
	Body   string    `json:"body"`
	SentAt time.Time `json:"sent_at"`
	Likes  int64     `json:"likes"`
}

func (v *fiveFields) DecodeJSON(d *codec.Decoder) error {
	*v = fiveFields{}
	obj := d.Object()
	for obj.Next(d) {
		switch string(obj.Name()) {
		case "id":
			obj.Once(d, 0)
			v.ID = d.String()
		case "author":
			obj.Once(d, 1)
			v.Author = d.String()
			d.Check(codec.Length(v.Author, 1, 40))
		case "body":
			obj.Once(d, 2)
			v.Body = d.String()
			d.Check(codec.Length(v.Body, 1, 2000))
		case "sent_at":
			obj.Once(d, 3)
			v.SentAt = d.Timestamp()
		case "likes":
			obj.Once(d, 4)
			v.Likes = d.Int()
			d.Check(codec.AtLeast(v.Likes, 0))
		default:
			obj.Skip(d)
		}
	}
	obj.Require(d, 0, "id")
	obj.Require(d, 1, "author")
	obj.Require(d, 2, "body")
	obj.Require(d, 3, "sent_at")
	obj.Require(d, 4, "likes")
	return d.Err()
}

func (v *fiveFields) AppendJSON(dst []byte) ([]byte, error) {
	e := codec.NewEncoder(dst)
	e.Object()
	e.Name("id")
	e.String(v.ID)
	e.Name("author")
	e.Check(codec.Length(v.Author, 1, 40))
	e.String(v.Author)
	e.Name("body")
	e.Check(codec.Length(v.Body, 1, 2000))
	e.String(v.Body)
	e.Name("sent_at")
	e.Timestamp(v.SentAt)
	e.Name("likes")
	e.Check(codec.AtLeast(v.Likes, 0))
	e.Int(v.Likes)
	e.EndObject()
	return e.Done()
}

// frame is a V2 text frame of 200 bytes around those five fields.
const frame = `["4","12","room:lobby","send_message",` + payload + `]`
const payload = `{"id":"01J9ZK3V8W","author":"Ada Lovelace","body":"The Analytical Engine weaves algebraical patterns: A. A. L",` +
	`"sent_at":"2026-03-01T09:30:00.125Z","likes":1815}`

func TestBenchmarkFrameHas200Bytes(t *testing.T) {
	t.Parallel()
	if got, want := len(frame), 200; got != want {
		t.Errorf("the frame has %d bytes, want %d", got, want)
	}
}

// unmarshalFrame is how encoding/json is used for a frame: the array first, its parts then.
func unmarshalFrame(data []byte, payload any) (head [4]string, err error) {
	var parts [5]json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil {
		return head, err
	}
	for i := range head {
		if err := json.Unmarshal(parts[i], &head[i]); err != nil {
			return head, err
		}
	}
	return head, json.Unmarshal(parts[4], payload)
}

type frameReader struct {
	head    [4]string
	payload fiveFields
}

func (f *frameReader) DecodeJSON(d *codec.Decoder) error {
	list := d.Array()
	for i := range f.head {
		if list.Next(d) {
			f.head[i] = d.String()
		}
	}
	if list.Next(d) {
		d.Value(&f.payload)
	}
	list.Next(d)
	return d.Err()
}

func BenchmarkDecode(b *testing.B) {
	plain := func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v plainFields
			if _, err := unmarshalFrame([]byte(frame), &v); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("encoding-json", plain)
	b.Run("codec", func(b *testing.B) {
		b.ReportAllocs()
		var v frameReader
		data := []byte(frame)
		for b.Loop() {
			if err := codec.Unmarshal(data, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("payload/encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		data := []byte(payload)
		for b.Loop() {
			var v plainFields
			if err := json.Unmarshal(data, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("payload/codec", func(b *testing.B) {
		b.ReportAllocs()
		var v fiveFields
		data := []byte(payload)
		for b.Loop() {
			if err := codec.Unmarshal(data, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

type plainFields struct {
	ID     string    `json:"id"`
	Author string    `json:"author"`
	Body   string    `json:"body"`
	SentAt time.Time `json:"sent_at"`
	Likes  int64     `json:"likes"`
}

func BenchmarkEncode(b *testing.B) {
	var v fiveFields
	if err := codec.Unmarshal([]byte(payload), &v); err != nil {
		b.Fatal(err)
	}
	p := plainFields(v)
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			raw, _ := json.Marshal(p)
			if _, err := json.Marshal([]any{"4", "12", "room:lobby", "send_message", json.RawMessage(raw)}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("payload/encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(p); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("payload/codec", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			var err error
			if buf, err = v.AppendJSON(buf[:0]); err != nil {
				b.Fatal(err)
			}
		}
	})
}
