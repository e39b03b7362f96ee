package codec

import "time"

// Timestamp reads RFC 3339. The offset is kept.
func (d *Decoder) Timestamp() time.Time {
	t, ok := parseTimestamp(d.textFor(mustBeTimestamp))
	if !ok {
		d.Check(mustBeTimestamp)
	}
	return t
}

// parseTimestamp reads 2006-01-02T15:04:05, a fraction if there is one, and Z or +01:00. time.Parse would take more
// than RFC 3339 has (a comma, an hour of one digit) and is slower.
func parseTimestamp(s []byte) (t time.Time, ok bool) {
	const layout = "2006-01-02T15:04:05"
	if len(s) <= len(layout) || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return t, false
	}
	year, month, day := digits(s[:4]), digits(s[5:7]), digits(s[8:10])
	hour, minute, second := digits(s[11:13]), digits(s[14:16]), digits(s[17:19])
	if year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return t, false
	}
	nanos, n := fraction(s[len(layout):])
	zone, ok := parseZone(s[len(layout)+n:])
	if n < 0 || !ok {
		return t, false
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, nanos, zone), true
}

// fraction reads the nanoseconds that b begins with and returns how many bytes they take, a negative number where
// no digit follows the point.
func fraction(b []byte) (nanos, n int) {
	if len(b) == 0 || b[0] != '.' {
		return 0, 0
	}
	end := skipDigits(b, 1)
	if end == 1 {
		return 0, -1
	}
	for i := 1; i <= 9; i++ {
		nanos *= 10
		if i < end {
			nanos += int(b[i] - '0')
		}
	}
	return nanos, end
}

func parseZone(b []byte) (*time.Location, bool) {
	if len(b) == 1 && b[0] == 'Z' {
		return time.UTC, true
	}
	if len(b) != 6 || b[0] != '+' && b[0] != '-' || b[3] != ':' {
		return nil, false
	}
	hours, minutes := digits(b[1:3]), digits(b[4:])
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return nil, false
	}
	seconds := hours*3600 + minutes*60
	if seconds == 0 {
		return time.UTC, true
	}
	if b[0] == '-' {
		seconds = -seconds
	}
	return time.FixedZone("", seconds), true
}

// digits is the number that a text of digits spells, -1 where it is none.
func digits(text []byte) int {
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// Timestamp writes RFC 3339 with as many digits as v has. The year must be within 0 and 9999.
func (e *Encoder) Timestamp(v time.Time) {
	offset := 0
	if v.Location() != time.UTC { // most are UTC, and Zone takes its time
		_, offset = v.Zone()
	}
	if offset%60 != 0 { // RFC 3339 has no seconds there.
		v, offset = v.UTC(), 0
	}
	year, month, day := v.Date()
	if year < 0 || year > 9999 || offset <= -24*3600 || offset >= 24*3600 {
		e.Check(mustBeTimestamp)
		return
	}
	hour, minute, second := v.Clock()
	b := append(e.buf, '"', tens(year/100), ones(year/100), tens(year%100), ones(year%100),
		'-', tens(int(month)), ones(int(month)), '-', tens(day), ones(day),
		'T', tens(hour), ones(hour), ':', tens(minute), ones(minute), ':', tens(second), ones(second))
	if nanos := v.Nanosecond(); nanos != 0 {
		b = appendFraction(b, uint32(nanos))
	}
	e.buf = append(appendZone(b, offset/60), '"')
}

// tens and ones are the two digits of a number below 100; in eight bits, because that divides faster.
func tens(n int) byte { return '0' + byte(n)/10 }
func ones(n int) byte { return '0' + byte(n)%10 }

// appendFraction appends a point and the nanoseconds, which are not 0, without the zeros at their end.
func appendFraction(dst []byte, nanos uint32) []byte {
	millis, rest := nanos/1_000_000, nanos%1_000_000
	dst = append(dst, '.', '0'+byte(millis/100), '0'+byte(millis/10%10), '0'+byte(millis%10))
	for unit := uint32(100_000); rest > 0; unit /= 10 {
		dst = append(dst, '0'+byte(rest/unit))
		rest %= unit
	}
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendZone appends an offset.
func appendZone(dst []byte, minutes int) []byte {
	if minutes == 0 {
		return append(dst, 'Z')
	}
	sign := byte('+')
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	hour, minute := minutes/60, minutes%60
	return append(dst, sign, tens(hour), ones(hour), ':', tens(minute), ones(minute))
}
