package soak

import (
	"math"
	"sort"
	"time"

	"github.com/chgen/chgen/runtime/pubsub"
)

// forever is later than everything in a log.
const forever = time.Duration(math.MaxInt64)

// segment is a part of a stream that is to be whole: from a join that was not recovered to the next.
type segment struct {
	from    time.Duration // what is begun later belongs to it, or to a later one
	through time.Duration // what has ended earlier does not belong to a later one
}

// walk goes through the events of one stream.
type walk struct {
	*checker
	stream   *Stream
	topic    *topic
	received map[string]int // in which segment, counted from 1
	segments []segment
	cursor   pubsub.Position // everything of the segment up to here was received
	begun    time.Duration   // the latest begin of what was received
	last     time.Duration   // when the event before was
	holes    []*placed       // left out, unless they are received later
}

func (w *walk) run() {
	for i := range w.stream.Events {
		e := &w.stream.Events[i]
		if e.ID == "" {
			w.join(e)
		} else {
			w.receive(e)
		}
		w.last = e.At
	}
	if len(w.segments) == 0 {
		return
	}
	w.current().through = forever
	w.whole(math.MaxUint64)
	w.missing()
}

func (w *walk) current() *segment { return &w.segments[len(w.segments)-1] }

func (w *walk) join(e *Event) {
	shown := e.Shown.Epoch != ""
	switch {
	case e.Recovered && !shown:
		w.violation(Baseless, w.stream, "recovered at %v", e.At)
	case e.Recovered:
		w.report.Recovered++
		return
	case shown:
		w.excuse(e)
	default:
		w.report.Joins++
	}
	w.segments = append(w.segments, segment{from: e.At})
	if w.cursor = e.Position; e.Position.Epoch == "" {
		w.begun = 0 // its new node may have less than its old one had: see receive
	}
}

// receive checks a delivery. A client that is told no positions can show none, so what it is given again by another node
// that lags behind is no duplicate: each segment stands for itself.
func (w *walk) receive(e *Event) {
	w.report.Deliveries++
	p, before := w.topic.byID[e.ID], w.received[e.ID]
	switch {
	case p == nil:
		w.violation(Invented, w.stream, "%s", e.ID)
		return
	case len(w.segments) == 0:
		w.violation(Invented, w.stream, "%s before the first join", e.ID)
		return
	case before == len(w.segments) || before > 0 && e.Position.Epoch != "":
		w.violation(Duplicate, w.stream, "%s at %v", e.ID, e.At)
		return
	case p.Except == w.stream.Client:
		w.violation(Excluded, w.stream, "%s at %v", e.ID, e.At)
		return
	case p.ended < w.begun:
		w.violation(Disorder, w.stream, "%s, answered at %v, after one begun at %v", e.ID, p.Ended, w.begun)
	case p.at.Epoch == w.cursor.Epoch && p.at.Offset < w.cursor.Offset:
		w.violation(Disorder, w.stream, "%s at offset %d after offset %d", e.ID, p.at.Offset, w.cursor.Offset)
	}
	w.received[e.ID] = len(w.segments)
	w.begun = max(w.begun, p.Begun)
	w.current().through = max(w.current().through, p.Begun)
	w.move(p)
}

// move goes on to where p stands, if that is known.
func (w *walk) move(p *placed) {
	switch {
	case p.at.Epoch == "":
	case w.cursor.Epoch == "": // a client that is told no positions
		w.cursor = p.at
	case w.cursor.Epoch != p.at.Epoch:
		w.violation(Lost, w.stream, "an unknown number, from %v to %v", w.cursor, p.at)
		w.cursor = p.at
	case p.at.Offset > w.cursor.Offset:
		w.whole(p.at.Offset)
		w.cursor = p.at
	}
}

// whole looks for what stands after the cursor and before an offset: it was left out.
func (w *walk) whole(before uint64) {
	in := w.topic.epochs[w.cursor.Epoch]
	if in == nil {
		return
	}
	for _, offset := range in.between(w.cursor.Offset, before) {
		p := in.byOffset[offset]
		if p.Except != w.stream.Client && w.received[p.ID] == 0 {
			w.holes = append(w.holes, p)
		}
	}
}

// missing reports holes that were not filled later, and looks for publications that the service has acknowledged, that are of a segment for certain, and that were not
// received: also those that nobody was given.
func (w *walk) missing() {
	for _, p := range w.holes {
		if w.received[p.ID] == 0 {
			w.violation(Lost, w.stream, "%s at offset %d", p.ID, p.at.Offset)
			w.received[p.ID] = len(w.segments) // so that it is told once
		}
	}
	for _, p := range w.topic.published {
		if !p.Acked || p.Except == w.stream.Client || w.received[p.ID] > 0 {
			continue
		}
		i := sort.Search(len(w.segments), func(i int) bool { return w.segments[i].from >= p.Begun })
		if i > 0 && p.Ended < w.segments[i-1].through {
			w.violation(Lost, w.stream, "%s, acknowledged at %v", p.ID, p.Ended)
		}
	}
}

// excuse finds out why a client that showed a position was not recovered.
func (w *walk) excuse(e *Event) {
	why := w.reason(e)
	if why == "" {
		w.violation(Cheap, w.stream, "at %v it showed %v and was given %v", e.At, e.Shown, e.Position)
		why = "without a reason"
	}
	w.report.NotRecovered[why]++
}

func (w *walk) reason(e *Event) string {
	shown := w.topic.epochs[e.Shown.Epoch]
	held := time.Duration(0) // the epoch that was shown; the node may not have heard of its end when it replies
	if shown != nil {
		held = shown.seen
	}
	for i := range w.log.Faults {
		if f := &w.log.Faults[i]; f.Forgets && f.To >= held && f.From <= e.At {
			return "forgotten by the bus"
		}
	}
	if e.At-w.last >= w.stream.TTL {
		return "away too long"
	}
	begun := time.Duration(0) // of the last that the client has
	if shown != nil && shown.byOffset[e.Shown.Offset] != nil {
		begun = shown.byOffset[e.Shown.Offset].Begun
	}
	missed := 0
	for _, p := range w.topic.published {
		if p.Begun > e.At || p.Ended < begun || p.at.Epoch == e.Shown.Epoch && p.at.Offset <= e.Shown.Offset {
			continue
		}
		if missed++; p.Begun+w.stream.TTL <= e.At {
			return "away too long"
		}
	}
	if missed > w.stream.Size {
		return "too much missed"
	}
	return ""
}
