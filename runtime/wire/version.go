package wire

import (
	"strconv"
	"strings"
)

// DefaultVersion is the version of a client that names none.
const DefaultVersion = "1.0.0"

// versions are what can be spoken: any patch of these.
var versions = [...]struct {
	minor string
	ser   Serializer
}{
	{"1.0.", V1},
	{"2.0.", V2},
}

// ForVersion returns the serializer of a version, as the connect parameter vsn names it (rule 1.5): three numbers with
// points between. ok is false where the version is not one, or not spoken here.
func ForVersion(vsn string) (ser Serializer, ok bool) {
	for _, v := range versions {
		if patch, ok := strings.CutPrefix(vsn, v.minor); ok {
			n, err := strconv.ParseUint(patch, 10, 32)
			return v.ser, err == nil && strconv.FormatUint(n, 10) == patch
		}
	}
	return nil, false
}
