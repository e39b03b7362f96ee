package nats

import (
	"encoding/hex"
	"strings"
)

// Subjects are the prefix, the kind and what follows: the topic, for what is stored after the epoch, or the node.
const (
	kindPlain  = "p."
	kindKept   = "k." // what goes into the stream
	kindStored = "s." // what the stream republishes
	kindProbe  = "b."
)

func (b *bus) subject(kind, name string) string { return b.opts.Prefix + "." + kind + name }

func (b *bus) probe() string { return b.subject(kindProbe, b.node) }

// encodeTopic makes one token of a topic: letters, digits, "-", "_", ":" and "/" are themselves, all other bytes "=" and
// two hexadecimal digits.
func encodeTopic(topic string) string {
	var token strings.Builder
	for i := range len(topic) {
		switch c := topic[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == ':', c == '/':
			token.WriteByte(c)
		default:
			token.WriteByte('=')
			token.WriteString(hex.EncodeToString([]byte{c}))
		}
	}
	return token.String()
}

// decodeTopic is the reverse. What is no encoded topic is not ok.
func decodeTopic(token string) (topic string, ok bool) {
	head, rest, escaped := strings.Cut(token, "=")
	if !escaped {
		return token, true
	}
	var text strings.Builder
	text.WriteString(head)
	for _, part := range strings.Split(rest, "=") {
		if len(part) < 2 {
			return "", false
		}
		c, err := hex.DecodeString(part[:2])
		if err != nil {
			return "", false
		}
		text.Write(c)
		text.WriteString(part[2:])
	}
	return text.String(), true
}
