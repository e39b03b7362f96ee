package presence

import (
	"bytes"
	"slices"

	"github.com/chgen/chgen/runtime/codec"
)

// AppendJSON appends the state as presence_state carries it: {key: {"metas": [meta, ...]}}, keys in order (rule 12.2).
func (s State) AppendJSON(dst []byte) []byte {
	var few [8]string
	e := codec.NewEncoder(dst)
	e.Object()
	for _, key := range codec.SortedKeys(few[:0], s) {
		e.Key(key)
		buf := append(e.Buf(), `{"metas":[`...)
		for i, meta := range s[key] {
			if i > 0 {
				buf = append(buf, ',')
			}
			buf = meta.AppendJSON(buf)
		}
		e.Put(append(buf, "]}"...), nil)
	}
	e.EndObject()
	dst, _ = e.Done() // fails for keys that are no UTF-8, which the tracker's callers refuse
	return dst
}

// AppendJSON appends the diff as presence_diff carries it: {"joins": state, "leaves": state} (rule 12.3).
func (d Diff) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"joins":`...)
	dst = d.Joins.AppendJSON(dst)
	dst = append(dst, `,"leaves":`...)
	dst = d.Leaves.AppendJSON(dst)
	return append(dst, '}')
}

// AppendJSON appends the meta with its refs: {...data, "phx_ref": ref, "phx_ref_prev": ref} (rule 12.5).
func (m Meta) AppendJSON(dst []byte) []byte {
	data := bytes.TrimSpace(m.Data)
	dst = slices.Grow(dst, len(data)+64)
	dst = append(dst, data[:len(data)-1]...)
	if len(bytes.TrimSpace(data[1:len(data)-1])) > 0 {
		dst = append(dst, ',')
	}
	dst = append(dst, `"phx_ref":"`...)
	dst = append(dst, m.Ref...)
	if m.Prev != "" {
		dst = append(dst, `","phx_ref_prev":"`...)
		dst = append(dst, m.Prev...)
	}
	return append(dst, `"}`...)
}
