package codec

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// What people are told about a value that does not satisfy the schema. Each is made to follow the place.
const (
	isRequired      = "is required"
	isUnknown       = "is not a member of this object"
	mustBeBool      = "must be true or false"
	mustBeString    = "must be a string"
	mustBeNumber    = "must be a number"
	mustBeFinite    = "must be a finite number"
	mustBeInt       = "must be an integer"
	mustBeInt64     = "must be a string of digits that fits 64 bits"
	mustBeTimestamp = "must be a timestamp as in RFC 3339"
	mustBeDuration  = "must be whole milliseconds"
	mustBeUUID      = "must be a UUID"
	mustBeBytes     = "must be base64 with padding"
	mustBeObject    = "must be an object"
	mustBeArray     = "must be an array"
)

// NoLimit stands for a maximum that there is not.
const NoLimit = math.MaxInt

// The checks below return what is wrong with a value, "" where nothing is. Decoder.Check and Encoder.Check add the
// place to it.

// Length checks that s has min to max Unicode code points.
func Length(s string, minimum, maximum int) (problem string) {
	// A code point takes one to four bytes, so that most strings need not be counted.
	if len(s) <= maximum && len(s)/4 >= minimum {
		return ""
	}
	return counted(s, minimum, maximum)
}

func counted(s string, minimum, maximum int) (problem string) {
	if n := utf8.RuneCountInString(s); n < minimum || n > maximum {
		return count(minimum, maximum, "character")
	}
	return ""
}

// Size checks that b has min to max bytes.
func Size(b []byte, minimum, maximum int) (problem string) {
	if n := len(b); n < minimum || n > maximum {
		return count(minimum, maximum, "byte")
	}
	return ""
}

// Items checks that a list or map of n elements has min to max.
func Items(n, minimum, maximum int) (problem string) {
	if n < minimum || n > maximum {
		return count(minimum, maximum, "item")
	}
	return ""
}

func count(minimum, maximum int, unit string) string {
	if maximum == NoLimit {
		return "must have at least " + quantity(minimum, unit)
	}
	switch minimum {
	case maximum:
		return "must have " + quantity(maximum, unit)
	case 0:
		return "must have at most " + quantity(maximum, unit)
	}
	return "must have " + strconv.Itoa(minimum) + " to " + quantity(maximum, unit)
}

func quantity(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return strconv.Itoa(n) + " " + unit + "s"
}

// number is what can have a least and a largest value.
type number interface {
	int64 | float64 | time.Duration
}

// AtLeast checks that v is not below minimum. The problem names a duration's milliseconds.
func AtLeast[T number](v, minimum T) (problem string) {
	if v < minimum {
		return "must be at least " + numberText(minimum)
	}
	return ""
}

// AtMost checks that v is not above maximum. The problem names a duration's milliseconds.
func AtMost[T number](v, maximum T) (problem string) {
	if v > maximum {
		return "must be at most " + numberText(maximum)
	}
	return ""
}

func numberText[T number](v T) string {
	switch v := any(v).(type) {
	case float64:
		return string(appendFloat(nil, v))
	case time.Duration:
		return strconv.FormatInt(v.Milliseconds(), 10)
	}
	return strconv.FormatInt(int64(v), 10)
}

// Match checks that some part of s matches pattern.
func Match(s string, pattern *regexp.Regexp) (problem string) {
	if !pattern.MatchString(s) {
		return "must match " + pattern.String()
	}
	return ""
}

// OneOf checks that v is one of values.
func OneOf[T ~string](v T, values []T) (problem string) {
	if !slices.Contains(values, v) {
		return oneOf(values)
	}
	return ""
}

func oneOf[T ~string](values []T) string {
	if len(values) == 1 {
		return "must be " + string(values[0])
	}
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return "must be one of " + strings.Join(texts, ", ")
}
