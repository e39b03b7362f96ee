package relay

import "encoding/binary"

// A body is one byte of version, the node that published it, a number that the node counts its kept publications with
// (0 for others), and the data.
const (
	bodyVersion = 1
	nodeLen     = 8
	headerLen   = 1 + nodeLen + 8
)

type nodeID [nodeLen]byte

func (n nodeID) seal(nonce uint64, data []byte) []byte {
	body := make([]byte, 0, headerLen+len(data))
	body = append(body, bodyVersion)
	body = append(body, n[:]...)
	body = binary.BigEndian.AppendUint64(body, nonce)
	return append(body, data...)
}

// unseal opens a body. What another version wrote, and what is no publication, is not ok.
func unseal(body []byte) (from nodeID, nonce uint64, data []byte, ok bool) {
	if len(body) < headerLen || body[0] != bodyVersion {
		return from, 0, nil, false
	}
	return nodeID(body[1:]), binary.BigEndian.Uint64(body[1+nodeLen:]), body[headerLen:], true
}
