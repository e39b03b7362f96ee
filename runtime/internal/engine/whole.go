package engine

import (
	"bytes"
	"encoding/binary"
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
	mask := [4]byte(frame[head-4:])
	if l.gaps >= busyStreak && l.memory != nil && len(frame) == len(l.inbox) { // which is the message's then
		data = frame[head:]
		l.owner.memory = l.memory
		l.inbox, l.memory = nil, nil
	} else {
		data = bytes.Clone(frame[head:])
		l.dropInbox(len(frame))
	}
	unmask(data, mask)
	return data, binary, true
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
