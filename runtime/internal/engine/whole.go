package engine

import (
	"bytes"
	"encoding/binary"
	"sync"
)

// takeWhole takes a message out of what has been read ahead, where it is there as a whole and in one frame, as nearly all
// are: so the library need not be there for it. Everything else is the library's: fragments, control frames, what is
// compressed, too long or wrong.
func (l *link) takeWhole() (data []byte, binary bool, ok bool) {
	if l.buffered != nil && l.buffered.Buffered() > 0 {
		return nil, false, false
	}
	head, size := wholeFrame(l.inbox)
	if head == 0 || size > l.owner.mount.MaxFrameBytes {
		return nil, false, false
	}
	frame := l.inbox[:head+size]
	binary = frame[0] == finBit|opBinary
	data = l.keep(frame[head:])
	unmask(data, [4]byte(frame[head-4:]))
	l.dropInbox(len(frame))
	return data, binary, true
}

// frameMemory is how large a frame may be whose memory goes to the next one when its call has been answered.
const frameMemory = 1 << 10

var frames = sync.Pool{New: func() any {
	b := make([]byte, frameMemory)
	return &b
}}

// keep copies a message out of what has been read ahead, for a busy connection into memory of frames.
func (l *link) keep(message []byte) []byte {
	if l.gaps < busyStreak || len(message) > frameMemory {
		return bytes.Clone(message)
	}
	l.owner.memory = frames.Get().(*[]byte)
	return (*l.owner.memory)[:copy(*l.owner.memory, message)]
}

// wholeFrame returns the sizes of the header and of the payload of the client's frame that b begins with, if it is a
// message of its own and all of it is there. The header's is 0 otherwise.
func wholeFrame(b []byte) (head, size int) {
	if len(b) < 6 || b[0] != finBit|opText && b[0] != finBit|opBinary || b[1]&maskBit == 0 {
		return 0, 0
	}
	head, size = 6, int(b[1]&^maskBit)
	switch {
	case size == 127 || size == 126 && len(b) < 8:
		return 0, 0
	case size == 126:
		head, size = 8, int(binary.BigEndian.Uint16(b[2:]))
	}
	if len(b) < head+size {
		return 0, 0
	}
	return head, size
}

func unmask(data []byte, mask [4]byte) {
	key := uint64(binary.LittleEndian.Uint32(mask[:]))
	key |= key << 32
	rest := data
	for ; len(rest) >= 8; rest = rest[8:] {
		binary.LittleEndian.PutUint64(rest, binary.LittleEndian.Uint64(rest)^key)
	}
	for i := range rest {
		rest[i] ^= mask[i&3]
	}
}
