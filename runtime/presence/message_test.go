package presence

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chgen/chgen/runtime/pubsub"
)

// sample is a message with everything in it.
func sample() message {
	return message{kind: kindDelta, from: "n", seq: 1, request: 300, page: 2, last: true, changes: []change{
		{topic: "t", ops: []op{
			{key: "a", owner: 1, rev: 5, born: 4, Meta: Meta{Data: json.RawMessage(`{"x":1}`), Ref: "r", Prev: "p"}},
			{gone: true, key: "b", owner: 2, rev: 6},
		}},
		{topic: "u", ops: []op{{gone: true, key: "", owner: 3, rev: 7}}},
	}}
}

func (m *message) bytes() []byte {
	data := m.append(nil)
	for i := range m.changes {
		data = m.changes[i].append(data)
	}
	return data
}

func TestWhatANodeDoesNotKnowItIgnores(t *testing.T) {
	t.Parallel()
	want := sample()
	data := appendText(want.bytes(), 99, "of a later version")
	got, ok := parseMessage(data)
	options := cmp.Options{cmp.AllowUnexported(message{}, change{}, op{}), cmpopts.EquateEmpty()}
	if diff := cmp.Diff(want, got, options); diff != "" || !ok {
		t.Errorf("ok %v (-want +got):\n%s", ok, diff)
	}
	data[0]++
	if _, ok := parseMessage(data); ok {
		t.Error("another format was read")
	}
}

func FuzzMessage(f *testing.F) {
	m := sample()
	f.Add(m.bytes())
	f.Add([]byte{messageFormat, byte(kindState), tagFrom, 1, 'n', tagChange, 2, tagOp, 0})
	f.Fuzz(func(_ *testing.T, data []byte) {
		m, ok := parseMessage(data)
		if !ok {
			return
		}
		tracker := New(func(_ string, diff Diff) { diff.AppendJSON(nil) })
		p := &peer{id: m.from}
		for i := range m.changes {
			tracker.apply(p, &m.changes[i])
			tracker.List(m.changes[i].topic).AppendJSON(nil)
		}
	})
}

func TestANodeThatWasStoppedDoesNotTakeTheOthersForSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := Replicate(New(func(string, Diff) {}), pubsub.New(), Options{})
		defer r.Close(context.Background())
		known := func() int {
			r.mu.Lock()
			defer r.mu.Unlock()
			return len(r.peers)
		}
		beat := message{kind: kindBeat, from: "other"}
		r.Receive(pubsub.Publication{Topic: topicAll, Data: beat.bytes()})
		now := time.Now().Add(time.Minute)
		r.tick(now, time.Minute-r.opts.Heartbeat)
		if known() != 1 {
			t.Error("the other was forgotten at once")
		}
		r.tick(now.Add(r.opts.Down), 0)
		if known() != 0 {
			t.Error("the other was not forgotten at all")
		}
	})
}
