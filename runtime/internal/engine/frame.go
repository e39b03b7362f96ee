package engine

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/chgen/chgen/runtime/wire"
)

// The opcodes of the WebSocket frames that are written here.
const (
	opText   = 1
	opBinary = 2
	opClose  = 8
	finBit   = 0x80
	maskBit  = 0x80 // of the second byte

	controlBit = 0x08 // of the opcodes of control frames
)

// The close codes (section 13 of the protocol, and section 7 of the design).
const (
	closeGoingAway   = 1001 // idle, or Disconnect
	closeProtocol    = 1002
	closeUndecodable = 1007
	closeTooBig      = 1009
	closeNormal      = 1000 // the client asked for it
	closeRestart     = 1012 // Shutdown
	closeTryAgain    = 1013 // the client reads too slowly
	closeRefused     = 4403 // the connect hook refused; for generated clients
)

// maxHeader is the longest header of a frame that a server sends: such frames are not masked.
const maxHeader = 10

// encodeFrame returns m as one WebSocket frame, header included, which any number of connections may share.
func encodeFrame(ser wire.Serializer, m *wire.Message) ([]byte, error) {
	room := maxHeader + len(m.JoinRef) + len(m.Ref) + len(m.Topic) + len(m.Event) + len(m.OddTopic) + len(m.Payload) + 96
	return appendFrame(make([]byte, 0, room), ser, m)
}

// appendFrame is encodeFrame in memory that is at hand: the frame is a part of it, or of what it has grown to.
func appendFrame(dst []byte, ser wire.Serializer, m *wire.Message) ([]byte, error) {
	buf, isBinary, err := ser.Append(append(dst, make([]byte, maxHeader)...), m)
	if err != nil {
		return nil, err
	}
	op := byte(opText)
	if isBinary {
		op = opBinary
	}
	return putHeader(buf, op), nil
}

// putHeader writes the header of the frame whose payload is buf[maxHeader:] right before it.
func putHeader(buf []byte, op byte) []byte {
	n := len(buf) - maxHeader
	switch {
	case n < 126:
		buf = buf[maxHeader-2:]
		buf[1] = byte(n)
	case n <= 0xffff:
		buf = buf[maxHeader-4:]
		buf[1] = 126
		binary.BigEndian.PutUint16(buf[2:], uint16(n))
	default:
		buf = buf[maxHeader-10:]
		buf[1] = 127
		binary.BigEndian.PutUint64(buf[2:], uint64(n))
	}
	buf[0] = finBit | op
	return buf
}

// maxCloseReason is how many bytes of reason fit into a close frame.
const maxCloseReason = 123

// closeFrame is a close frame; a reason that is too long is cut.
func closeFrame(code uint16, reason string) []byte {
	if len(reason) > maxCloseReason {
		cut := maxCloseReason
		for !utf8.RuneStart(reason[cut]) {
			cut--
		}
		reason = reason[:cut]
	}
	frame := []byte{finBit | opClose, byte(2 + len(reason)), 0, 0}
	binary.BigEndian.PutUint16(frame[2:], code)
	return append(frame, reason...)
}

// parseCloseFrame is what closeFrame was called with.
func parseCloseFrame(frame []byte) (code uint16, reason string) {
	if len(frame) < 4 { // the library's own may say nothing
		return 0, ""
	}
	return binary.BigEndian.Uint16(frame[2:]), string(frame[4:])
}

// Frame is one message without the header that WebSocket wants before it.
type Frame struct {
	Data   []byte
	Binary bool
}

// framePayload is a frame of encodeFrame without its header.
func framePayload(frame []byte) []byte {
	switch frame[1] {
	case 126:
		return frame[4:]
	case 127:
		return frame[10:]
	}
	return frame[2:]
}
