package engine

import "sync"

// outFrame is one WebSocket frame, ready to be written.
type outFrame struct {
	data     []byte // shared with other queues: never changed. nil once it has been dropped or replaced
	delivery Delivery
	key      string // of Latest
}

// backlog is frames in their order, of which some may be dropped while they wait. Its queue's lock guards it.
type backlog struct {
	few    [fewFrames]outFrame
	frames []outFrame // frames[head:] wait, but for those that have been dropped
	head   int
	holes  int               // of frames[head:], those that have been dropped
	first  uint64            // how many frames have been taken out before frames[0]
	latest map[string]uint64 // where the Latest frame of a key waits, counted like first
	lossy  int               // volatile frames that wait
}

// How many frames a backlog has room for at first, and once it has more to hold.
const (
	fewFrames   = 4
	burstFrames = 128
)

// Both are shared by all queues, because most queues are empty most of the time.
var (
	backlogs = sync.Pool{New: func() any {
		b := &backlog{}
		b.frames = b.few[:0]
		return b
	}}
	bursts = sync.Pool{New: func() any { return new([burstFrames]outFrame) }}
)

// giveBack gives up a backlog that is empty, or of no use any more.
func (b *backlog) giveBack() {
	clear(b.frames[b.head:]) // what is before that is clear
	if cap(b.frames) == burstFrames {
		bursts.Put((*[burstFrames]outFrame)(b.frames[:burstFrames]))
	}
	*b = backlog{frames: b.few[:0]}
	backlogs.Put(b)
}

// len is how many frames wait.
func (b *backlog) len() int { return len(b.frames) - b.head - b.holes }

// add puts a frame behind all others.
func (b *backlog) add(f outFrame) {
	switch f.delivery {
	case Latest:
		if b.latest == nil {
			b.latest = make(map[string]uint64)
		}
		b.latest[f.key] = b.first + uint64(len(b.frames))
	case Volatile:
		b.lossy++
	}
	if len(b.frames) == fewFrames && cap(b.frames) == fewFrames {
		b.frames = append(bursts.Get().(*[burstFrames]outFrame)[:0], b.frames...)
		clear(b.few[:])
	}
	b.frames = append(b.frames, f)
	if b.holes > maxHoles && 2*b.holes > len(b.frames)-b.head {
		b.squeeze()
	}
}

// at returns where the Latest frame of a key waits.
func (b *backlog) at(key string) (i int, ok bool) {
	at, ok := b.latest[key]
	return int(at - b.first), ok
}

// take takes a frame out, and leaves a place that is empty.
func (b *backlog) take(i int) outFrame {
	f := b.frames[i]
	b.countOut(&f)
	b.frames[i] = outFrame{}
	return f
}

func (b *backlog) countOut(f *outFrame) {
	switch f.delivery {
	case Latest:
		delete(b.latest, f.key)
	case Volatile:
		b.lossy--
	}
}

// pop takes out the oldest frame, one without data where there is none.
func (b *backlog) pop() (f outFrame) {
	for ; f.data == nil && b.head < len(b.frames); b.head++ {
		if f = b.take(b.head); f.data == nil {
			b.holes--
		}
	}
	return f
}

// join takes out what is to be written at once: a single frame as it is, or several joined in a chunk. None where there
// is none.
func (b *backlog) join() (data []byte, chunk *[]byte) {
	from := b.head
	for ; b.head < len(b.frames); b.head++ {
		f := &b.frames[b.head]
		switch {
		case f.data == nil:
			b.holes--
			continue
		case data == nil:
			data = f.data
		case len(data)+len(f.data) > writeChunk:
			clear(b.frames[from:b.head])
			b.compact()
			return data, chunk
		case chunk == nil:
			chunk = chunks.Get().(*[]byte)
			data = append(append((*chunk)[:0], data...), f.data...)
		default:
			data = append(data, f.data...)
		}
		b.countOut(f)
	}
	clear(b.frames[from:])
	return data, chunk
}

// maxHoles is how many frames that have been dropped a backlog may keep in its index anyway.
const maxHoles = 64

// squeeze takes the holes out, so that dropping frames while the writer is held up costs no memory.
func (b *backlog) squeeze() {
	n := 0
	for _, f := range b.frames[b.head:] {
		if f.data == nil {
			continue
		}
		if f.delivery == Latest {
			b.latest[f.key] = b.first + uint64(n)
		}
		b.frames[n] = f
		n++
	}
	clear(b.frames[n:])
	b.frames, b.head, b.holes = b.frames[:n], 0, 0
}

// compact uses the room of frames that are gone anew.
func (b *backlog) compact() {
	if b.head*2 < len(b.frames) {
		return
	}
	b.first += uint64(b.head)
	n := copy(b.frames, b.frames[b.head:])
	clear(b.frames[n:])
	b.frames, b.head = b.frames[:n], 0
}
