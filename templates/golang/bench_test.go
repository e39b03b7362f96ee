package golang_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/testdata/golang/frame"
)

// payload has five fields, and wire is the V2 text frame of 200 bytes that carries it.
const (
	payload = `{"id":"01J9ZK3V8W","author":"Ada Lovelace","body":"The Analytical Engine weaves algebraical patterns, A. A.L.",` +
		`"sent_at":"2026-03-01T09:30:00.125Z","likes":1815}`
	wire = `["4","12","room:lobby","send_message",` + payload + `]`
)

// plain is frame.Message as encoding/json sees it.
type plain struct {
	ID     string    `json:"id"`
	Author string    `json:"author"`
	Body   string    `json:"body"`
	SentAt time.Time `json:"sent_at"`
	Likes  int64     `json:"likes"`
}

func TestTheBenchmarksFrameHas200Bytes(t *testing.T) {
	t.Parallel()
	if got, want := len(wire), 200; got != want {
		t.Errorf("the frame has %d bytes, want %d", got, want)
	}
}

// decodeWithLibrary is how encoding/json is used for a frame: the array first, its parts then.
func decodeWithLibrary(data []byte) error {
	var parts [5]json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	var head [4]string
	for i := range head {
		if err := json.Unmarshal(parts[i], &head[i]); err != nil {
			return err
		}
	}
	var v plain
	return json.Unmarshal(parts[4], &v)
}

// decodeGenerated reads the same frame with the scanner, and its payload with generated code.
func decodeGenerated(data []byte) error {
	var head [4]string
	i := 1
	for k := range head {
		end, _, err := codec.ScanString(data, i)
		if err != nil {
			return err
		}
		head[k] = string(data[i+1 : end-1])
		i = end + 1
	}
	var v frame.Message
	return codec.Unmarshal(data[i:len(data)-1], &v)
}

// head is variables, as in a server: constants would spare encoding/json its allocations for them.
var head = [4]string{"4", "12", "room:lobby", "send_message"}

// encodeWithLibrary is how encoding/json is used for a frame whose payload comes from elsewhere.
func encodeWithLibrary(v *plain) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = json.Marshal([]any{head[0], head[1], head[2], head[3], json.RawMessage(raw)})
	return err
}

// refs are echoed as the client has written them, as package wire does.
var refs = [2]string{`"4"`, `"12"`}

func encodeGenerated(dst []byte, v *frame.Message) ([]byte, error) {
	dst = append(dst, '[')
	for _, ref := range refs {
		dst = append(append(dst, ref...), ',')
	}
	e := codec.NewEncoder(dst)
	e.String(head[2])
	dst, err := e.Done()
	if err != nil {
		return dst, err
	}
	e = codec.NewEncoder(append(dst, ','))
	e.String(head[3])
	if dst, err = e.Done(); err != nil {
		return dst, err
	}
	dst, err = v.AppendJSON(append(dst, ','))
	return append(dst, ']'), err
}

func TestTheBenchmarkWritesTheFrame(t *testing.T) {
	t.Parallel()
	var v frame.Message
	if err := codec.Unmarshal([]byte(payload), &v); err != nil {
		t.Fatal(err)
	}
	got, err := encodeGenerated(nil, &v)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wire, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// compare measures both in turns and reports generated code's time as a part of encoding/json's. The fastest turn of
// each counts: whatever else the machine does only makes a turn slower.
func compare(b *testing.B, generated, library func() error) {
	measure := func(f func() error, fastest time.Duration) time.Duration {
		const rounds = 1000
		begin := time.Now()
		for range rounds {
			if err := f(); err != nil {
				b.Fatal(err)
			}
		}
		return min(fastest, time.Since(begin)/rounds)
	}
	ours, theirs := time.Hour, time.Hour
	for b.Loop() {
		ours, theirs = measure(generated, ours), measure(library, theirs)
	}
	b.ReportMetric(float64(ours.Nanoseconds()), "generated-ns")
	b.ReportMetric(float64(theirs.Nanoseconds()), "encoding/json-ns")
	b.ReportMetric(float64(ours)/float64(theirs), "ratio")
	b.ReportMetric(testing.AllocsPerRun(100, func() { _ = generated() }), "generated-allocs")
}

// The goal for a frame is a ratio of 0.10.
func BenchmarkDecode(b *testing.B) {
	data := []byte(wire)
	b.Run("frame", func(b *testing.B) {
		compare(b, func() error { return decodeGenerated(data) }, func() error { return decodeWithLibrary(data) })
	})
	alone := []byte(payload)
	b.Run("payload", func(b *testing.B) {
		compare(b,
			func() error { var v frame.Message; return codec.Unmarshal(alone, &v) },
			func() error { var v plain; return json.Unmarshal(alone, &v) })
	})
}

// The goal for a frame is a ratio of 0.06 and no allocation.
func BenchmarkEncode(b *testing.B) {
	var v frame.Message
	if err := codec.Unmarshal([]byte(payload), &v); err != nil {
		b.Fatal(err)
	}
	p := plain(v)
	buf := make([]byte, 0, 512)
	b.Run("frame", func(b *testing.B) {
		compare(b,
			func() error { _, err := encodeGenerated(buf, &v); return err },
			func() error { return encodeWithLibrary(&p) })
	})
	b.Run("payload", func(b *testing.B) {
		compare(b,
			func() error { _, err := v.AppendJSON(buf); return err },
			func() error { _, err := json.Marshal(&p); return err })
	})
}
