package presence

import "sync"

const (
	// messageBytes is what a message may grow to, a single change of more aside. Every bus carries that.
	messageBytes = 64 << 10

	// recentBytes is how much of what has been sent is kept for who has missed it.
	recentBytes = 1 << 20

	// waitingBytes is how much may wait to be sent. Where the bus is that slow, or gone, the others are to ask for
	// everything instead.
	waitingBytes = 4 << 20
)

// outbox holds what this node has to tell the others.
type outbox struct {
	node string        // this node's id
	news chan struct{} // gets a value when there is something to do

	mu      sync.Mutex // guards what follows; taken with a topic's lock held
	waiting [][]byte   // changes, encoded
	bytes   int        // of waiting
	seq     uint64     // of the last message
	recent  [][]byte   // the last messages, up to seq
	kept    int        // bytes of recent
}

// id is the node's id, "" where there is only one.
func (o *outbox) id() string {
	if o == nil {
		return ""
	}
	return o.node
}

// poke has the sender look what there is to do.
func (o *outbox) poke() {
	select {
	case o.news <- struct{}{}:
	default: // it will look anyway
	}
}

// add has a change told to the others.
func (o *outbox) add(c change) {
	data := c.append(nil)
	o.mu.Lock()
	o.waiting = append(o.waiting, data)
	o.bytes += len(data)
	if o.bytes > waitingBytes { // as if it had been lost on the way
		o.waiting, o.bytes = nil, 0
		o.recent, o.kept = nil, 0
		o.seq++
	}
	o.mu.Unlock()
	o.poke()
}

// next takes out a message of what waits, nil where nothing does.
func (o *outbox) next() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting) == 0 {
		return nil
	}
	o.seq++
	size := 0
	n := 0
	for n < len(o.waiting) && (n == 0 || size+len(o.waiting[n]) <= messageBytes) {
		size += len(o.waiting[n])
		n++
	}
	head := message{kind: kindDelta, from: o.node, seq: o.seq}
	data := head.append(make([]byte, 0, size+64))
	for _, c := range o.waiting[:n] {
		data = append(data, c...)
	}
	o.bytes -= size
	if o.waiting = o.waiting[n:]; len(o.waiting) == 0 {
		o.waiting = nil
	}
	o.keep(data)
	return data
}

// keep keeps a message for who misses it.
func (o *outbox) keep(data []byte) {
	o.recent = append(o.recent, data)
	o.kept += len(data)
	for o.kept > recentBytes {
		o.kept -= len(o.recent[0])
		o.recent[0] = nil
		o.recent = o.recent[1:]
	}
}

// last is the number of the last message.
func (o *outbox) last() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.seq
}

// since returns the messages after seq, ok being false where they are not all kept.
func (o *outbox) since(seq uint64) (missed [][]byte, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.seq - seq
	if seq > o.seq || n > uint64(len(o.recent)) {
		return nil, false
	}
	return append(missed, o.recent[len(o.recent)-int(n):]...), true
}
