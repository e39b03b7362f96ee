package engine

import (
	"encoding/binary"
	"errors"
)

// publication is one event on its way to everybody on a topic. On the bus it is
//
//	format (1 byte, 1) | flags | event | key | from | payload
//
// where the strings have their length before them, as a uvarint, and the payload runs to the end. The payload comes
// last so that it is encoded in place.
type publication struct {
	event    string
	delivery Delivery
	key      string // of Latest
	from     string // Conn.name of who is left out, "" for nobody
	binary   bool
	payload  []byte
}

const (
	publicationFormat = 1
	deliveryMask      = 0x03
	binaryFlag        = 0x04
)

var errPublication = errors.New("malformed publication")

// appendHead appends everything but the payload.
func (p *publication) appendHead(dst []byte) []byte {
	flags := byte(p.delivery) & deliveryMask
	if p.binary {
		flags |= binaryFlag
	}
	dst = append(dst, publicationFormat, flags)
	for _, s := range [...]string{p.event, p.key, p.from} {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	return dst
}

// parsePublication reads what appendHead has written and a payload, which aliases data.
func parsePublication(data []byte) (publication, error) {
	var p publication
	if len(data) < 2 || data[0] != publicationFormat {
		return p, errPublication
	}
	p.delivery, p.binary = Delivery(data[1]&deliveryMask), data[1]&binaryFlag != 0
	data = data[2:]
	for _, s := range [...]*string{&p.event, &p.key, &p.from} {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > uint64(len(data)-size) {
			return p, errPublication
		}
		*s = string(data[size : size+int(n)])
		data = data[size+int(n):]
	}
	p.payload = data
	return p, nil
}
