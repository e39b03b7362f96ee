package engine

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/runtime/pubsub"
)

// A position on the wire is epoch, offset and MAC with colons between. The MAC is over the topic too, so that nobody
// reads a log, or the part of one from before his time, by inventing a position or bringing that of another topic.
const positionMAC = 12 // bytes of the MAC; 16 characters

// signPosition returns a position as clients are given it, "" for none.
func (s *Server) signPosition(topic string, at pubsub.Position) string {
	if at.Epoch == "" {
		return ""
	}
	body := at.Epoch + ":" + strconv.FormatUint(at.Offset, 10)
	return body + ":" + s.macOfPosition(topic, body)
}

// readPosition returns the position that a client shows for a topic, ok being false where this service has not given
// it out.
func (s *Server) readPosition(topic, text string) (at pubsub.Position, ok bool) {
	end := strings.LastIndexByte(text, ':')
	if end < 0 || !hmac.Equal([]byte(text[end+1:]), []byte(s.macOfPosition(topic, text[:end]))) {
		return at, false
	}
	colon := strings.LastIndexByte(text[:end], ':')
	if colon <= 0 {
		return at, false
	}
	offset, err := strconv.ParseUint(text[colon+1:end], 10, 64)
	return pubsub.Position{Epoch: text[:colon], Offset: offset}, err == nil
}

func (s *Server) macOfPosition(topic, body string) string {
	b := make([]byte, 0, 128)
	b = append(b, "chgen position\n"...)
	b = binary.AppendUvarint(b, uint64(len(topic)))
	b = append(append(b, topic...), body...)
	mac := hmac.New(sha256.New, s.secret)
	mac.Write(b)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(b[:0])[:positionMAC])
}

// recoveryMember is the third member of the reply to a join: {"position","recovered"}.
func recoveryMember(position string, recovered bool) []byte {
	e := codec.NewEncoder(nil)
	e.Object()
	if position != "" {
		e.Name("position")
		e.String(position)
	}
	e.Name("recovered")
	e.Bool(recovered)
	e.EndObject()
	out, err := e.Done()
	if err != nil { // an epoch that is no text
		return []byte(`{"recovered":false}`)
	}
	return out
}
