package typescript_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/chgen/chgen/schema/ir"
)

// payloads makes JSON texts for types: what the schema allows, what is just beside it, and what is no JSON at all.
type payloads struct {
	*rand.Rand
	depth int // of the value that is made
}

// value is JSON that is not written yet: a text as it stands, or an array or object of members.
type value struct {
	text    string
	bracket string // "[]", "{}" or none
	members []*member
}

type member struct {
	name  string
	value *value
}

// object is a type of these fields.
func object(fields []*ir.Field) *ir.Type {
	return &ir.Type{Kind: ir.Named, Named: &ir.Decl{Kind: ir.Object, Fields: fields}}
}

// payload makes one for t, and in most cases spoils it.
func (p *payloads) payload(t *ir.Type) []byte {
	p.depth = 0
	v := p.value(t)
	for range max(0, p.IntN(5)-2) {
		p.spoil(v)
	}
	var b strings.Builder
	p.write(&b, v)
	text := []byte(b.String())
	if p.IntN(4) == 0 {
		text = p.damage(text)
	}
	return text
}

func (p *payloads) chance(n int) bool { return p.IntN(n) == 0 }

func pick[T any](p *payloads, all ...T) T { return all[p.IntN(len(all))] }

func (p *payloads) value(t *ir.Type) *value {
	p.depth++
	defer func() { p.depth-- }()
	switch t.Kind {
	case ir.List, ir.Map:
		return p.composed(t)
	case ir.Named:
		return p.named(t.Named)
	case ir.JSON:
		return p.any()
	}
	return &value{text: p.scalar(t)}
}

func (p *payloads) composed(t *ir.Type) *value {
	v := &value{bracket: "[]"}
	if t.Kind == ir.Map {
		v.bracket = "{}"
	}
	n := p.near(t.MinItems, t.MaxItems)
	if p.depth > 3 {
		n = min(n, max(0, 7-p.depth))
	}
	for i := range n {
		v.members = append(v.members, &member{pick(p, "", "a/b", "~", "é😀", "k") + strconv.Itoa(i), p.value(t.Elem)})
	}
	return v
}

// near is a number within the limits, mostly, and often at their edges.
func (p *payloads) near(least, most *int) int {
	lo, hi := 0, 3
	if least != nil {
		lo, hi = *least, *least+3
	}
	if most != nil {
		hi = *most
	}
	switch p.IntN(12) {
	case 0:
		return max(0, lo-1)
	case 1:
		return hi + 1
	case 2, 3:
		return lo
	case 4, 5:
		return hi
	}
	return lo + p.IntN(hi-lo+1)
}

func (p *payloads) named(d *ir.Decl) *value {
	switch d.Kind {
	case ir.Enum:
		if p.chance(20) {
			return &value{text: p.quote("no value")}
		}
		return &value{text: p.quote(pick(p, d.Values...).Wire)}
	case ir.Union:
		if p.depth > 6 {
			return &value{bracket: "{}"}
		}
		variant := pick(p, d.Variants...)
		v := p.fields(variant.Fields)
		name := variant.Name
		if p.chance(15) {
			name = pick(p, "", "other", strings.ToUpper(name), d.Variants[0].Name)
		}
		tag := &member{"type", &value{text: p.quote(name)}}
		v.members = slices.Insert(v.members, pick(p, 0, p.IntN(len(v.members)+1)), tag)
		return v
	}
	return p.fields(d.Fields)
}

func (p *payloads) fields(fields []*ir.Field) *value {
	v := &value{bracket: "{}"}
	optional := p.IntN(4) // quarters of the optional fields, and a little more
	for _, f := range fields {
		if f.Optional && (p.depth > 6 || p.IntN(4) > optional) {
			continue
		}
		v.members = append(v.members, &member{f.Name, p.value(f.Type)})
	}
	if p.chance(4) {
		p.Shuffle(len(v.members), func(i, j int) { v.members[i], v.members[j] = v.members[j], v.members[i] })
	}
	return v
}

func (p *payloads) scalar(t *ir.Type) string {
	switch t.Kind {
	case ir.Bool:
		return pick(p, "true", "false")
	case ir.String:
		return p.quote(p.characters(t))
	case ir.Int, ir.Duration:
		return p.spelled(p.whole(t))
	case ir.Int64:
		if p.chance(10) {
			return p.quote(pick(p, "+1", "-0", "007", "1.0", "1e2", "", "-", " 1", "1_000", "9223372036854775808", "-9223372036854775809", "٣"))
		}
		return p.quote(strconv.FormatInt(p.whole(t), 10))
	case ir.Float:
		return p.float(t)
	case ir.Timestamp:
		return p.quote(p.timestamp())
	case ir.UUID:
		return p.quote(p.uuid())
	case ir.Bytes:
		return p.quote(p.base64(p.near(t.MinLength, t.MaxLength)))
	}
	panic("no kind of scalar: " + t.Kind)
}

// alphabet has what Go and JavaScript could take for different things.
var alphabet = []rune("aabbcAZ019_ -/\\\"^$.[]{}\x00\x1f\x7f\n\r\t\v\f\u0085\u00a0\u1680\u2028\u2029\ufeffßéſKÅǅ٣ЖΩ😀😎\u200d\ufffd\U0010ffff")

func (p *payloads) characters(t *ir.Type) string {
	if t.Pattern != "" && !p.chance(3) {
		if parsed, err := syntax.Parse(t.Pattern, syntax.Perl); err == nil {
			return p.matching(parsed)
		}
	}
	var b strings.Builder
	for range p.near(t.MinLength, t.MaxLength) {
		b.WriteRune(pick(p, alphabet...))
	}
	return b.String()
}

// matching makes a text that the expression probably matches.
func (p *payloads) matching(re *syntax.Regexp) string {
	repeat := func(least, most int) string {
		var b strings.Builder
		for range least + p.IntN(most-least+1) {
			b.WriteString(p.matching(re.Sub[0]))
		}
		return b.String()
	}
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		i := 2 * p.IntN(len(re.Rune)/2+1)
		if i == len(re.Rune) {
			return string(pick(p, alphabet...))
		}
		return string(re.Rune[i] + rune(p.IntN(int(re.Rune[i+1]-re.Rune[i])+1)))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return string(pick(p, alphabet...))
	case syntax.OpCapture:
		return p.matching(re.Sub[0])
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			b.WriteString(p.matching(sub))
		}
		return b.String()
	case syntax.OpAlternate:
		return p.matching(pick(p, re.Sub...))
	case syntax.OpStar:
		return repeat(0, 3)
	case syntax.OpPlus:
		return repeat(1, 3)
	case syntax.OpQuest:
		return repeat(0, 1)
	case syntax.OpRepeat:
		return repeat(re.Min, max(re.Max, re.Min+2))
	}
	return ""
}

func (p *payloads) whole(t *ir.Type) int64 {
	limit := map[ir.Kind]int64{ir.Int: 1<<53 - 1, ir.Duration: 9_223_372_036_854, ir.Int64: 1<<63 - 1}[t.Kind]
	likely, edges := []int64{0, 1, int64(p.IntN(1000))}, []int64{-1, limit, -limit, int64(p.Uint64())}
	if limit < 1<<62 {
		edges = append(edges, limit+1, -limit-1)
	}
	for _, bound := range []*string{t.Min, t.Max} {
		if bound != nil {
			n, _ := strconv.ParseInt(*bound, 10, 64)
			likely, edges = []int64{n}, append(edges, n, n+1, n-1)
		}
	}
	if !p.chance(3) {
		return pick(p, likely...)
	}
	return pick(p, edges...)
}

// spelled is a whole number in one of the ways that JSON has, or nearly it.
func (p *payloads) spelled(n int64) string {
	text := strconv.FormatInt(n, 10)
	switch p.IntN(24) {
	case 0:
		return text + ".0"
	case 1:
		return text + pick(p, "e0", "E+0", "e-0", ".000e0")
	case 2:
		return text + "00e-2"
	case 3:
		return text + pick(p, ".5", ".", "e", "e+", ".0.0", "-", "e1.5", ".00000000000000000000001")
	case 4:
		return pick(p, "-0", "1e2", "1e400", "-1e400", "1e-400", "00", "01", "+1", "-", ".5", "0x1", "NaN", "1e15", "123456789012345678901234567890")
	}
	return text
}

func (p *payloads) float(t *ir.Type) string {
	edges := []string{"0", "-0", "1.5", "1e308", "1e309", "-1e309", "5e-324", "1e-324", "0.1", "123456789.125", "1E5"}
	for _, bound := range []*string{t.Min, t.Max} {
		if bound != nil {
			edges = append(edges, *bound, *bound+"1", strings.Replace(*bound, "e", ".0000000000000001e", 1))
		}
	}
	if p.chance(8) {
		return p.spelled(p.Int64N(1000))
	}
	return pick(p, edges...)
}

func (p *payloads) timestamp() string {
	if p.chance(6) {
		return pick(p, "", "2026-01-01", "2026-01-01t00:00:00z", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "2026-01-01T0:00:00Z",
			"2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00+01", "2026-01-01T00:00:00ZZ",
			"02026-01-01T00:00:00Z", "2026-01-01T00:00:00\u2212 01:00", "٢٠٢٦-01-01T00:00:00Z", "2026-01-01T00:00:00Z\n", "+026-01-01T00:00:00Z")
	}
	return fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d%s%s",
		pick(p, 0, 1900, 2000, 2023, 2024, 9999), pick(p, p.IntN(14), 2, 1), pick(p, p.IntN(33), 29, 1),
		pick(p, 0, 23, 12, 12, 12, 24), pick(p, 0, 59, 30, 30, 30, 60), pick(p, 0, 59, 30, 30, 30, 60),
		pick(p, "", ".1", ".000", ".123456789", ".1234567891234"), pick(p, "Z", "Z", "+00:00", "-00:00", "+23:59", "-24:00", "+05:60", "+01:30"))
}

func (p *payloads) uuid() string {
	text := []byte(fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", p.Uint32(), p.IntN(1<<16), p.IntN(1<<16), p.IntN(1<<16), p.Uint64N(1<<48)))
	switch p.IntN(6) {
	case 0:
		return strings.ToUpper(string(text))
	case 1:
		text[p.IntN(len(text))] = pick(p, byte('g'), '-', 'A', 'Z', '0')
	case 2:
		return string(text[:p.IntN(len(text))])
	}
	return string(text)
}

func (p *payloads) base64(n int) string {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(p.Uint32())
	}
	text := base64.StdEncoding.EncodeToString(data)
	switch p.IntN(10) {
	case 0:
		return strings.TrimRight(text, "=")
	case 1:
		return base64.URLEncoding.EncodeToString(data)
	case 2:
		at := p.IntN(len(text) + 1)
		return text[:at] + pick(p, "\n", "\r", " ", "=", "A", "é") + text[at:]
	case 3: // Bits that say nothing need not be zero.
		return strings.Replace(strings.Replace(text, "A=", "B=", 1), "w=", "x=", 1)
	}
	return text
}

// any makes any JSON.
func (p *payloads) any() *value {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > 5 || !p.chance(3) {
		return &value{text: pick(p, "null", "true", "false", "0", "-1.5e3", "1e400", `""`, `"a"`, `"\u00e9"`, p.quote("é😀"))}
	}
	v := &value{bracket: pick(p, "[]", "{}")}
	for range p.IntN(4) {
		v.members = append(v.members, &member{pick(p, "a", "b", "type", "c/~", "😀"), p.any()})
	}
	return v
}

// spoil changes one thing somewhere in v.
func (p *payloads) spoil(v *value) {
	for len(v.members) > 0 && !p.chance(3) {
		v = pick(p, v.members...).value
	}
	if len(v.members) == 0 || p.chance(3) {
		*v = *p.other()
		return
	}
	i := p.IntN(len(v.members))
	switch m := v.members[i]; p.IntN(6) {
	case 0:
		v.members = slices.Delete(v.members, i, i+1)
	case 1:
		v.members = slices.Insert(v.members, p.IntN(len(v.members)+1), &member{m.name, pick(p, m.value, p.any())})
	case 2:
		v.members = slices.Insert(v.members, i, &member{pick(p, "other", "typ", "type", "é", "__proto__", "constructor"), p.any()})
	case 3:
		m.name = pick(p, m.name+"s", strings.ToUpper(m.name), m.name+" ", m.name+"?")
	case 4:
		m.value = &value{text: "null"}
	default:
		m.value = p.other()
	}
}

// other is a value that is probably of another type.
func (p *payloads) other() *value {
	if p.chance(40) {
		n := pick(p, 990, 997, 998, 999, 1000, 1001)
		return &value{text: strings.Repeat("[", n) + strings.Repeat("]", n)}
	}
	if p.chance(40) {
		return &value{text: `"` + strings.Repeat("😀a", 5000) + `"`}
	}
	return &value{text: pick(p, "null", "true", "0", "1.5", `""`, `"x"`, "[]", "{}", `[1,"a",null]`, `{"type":"x"}`, `{"a":{"b":[]}}`, "nul", "True", "")}
}

// write writes v, at times with white space and escapes that need not be.
func (p *payloads) write(b *strings.Builder, v *value) {
	if v.bracket == "" {
		b.WriteString(v.text)
		return
	}
	b.WriteByte(v.bracket[0])
	for i, m := range v.members {
		if i > 0 {
			b.WriteString("," + p.space())
		}
		if v.bracket == "{}" {
			b.WriteString(p.space() + p.quote(m.name) + p.space() + ":" + p.space())
		}
		p.write(b, m.value)
	}
	b.WriteString(p.space())
	b.WriteByte(v.bracket[1])
}

func (p *payloads) space() string {
	if !p.chance(12) {
		return ""
	}
	return pick(p, " ", "\n", "\t", "\r\n", "  \n  ", "\f", "\v", "\u00a0", "\ufeff")
}

// quote writes a string, at times with escapes that need not be.
func (p *payloads) quote(text string) string {
	plain, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	if !p.chance(6) {
		return string(plain)
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case p.chance(2):
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, pick(p, `\u%04x`, `\u%04X`), unit)
			}
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// damage makes most texts no JSON any more.
func (p *payloads) damage(text []byte) []byte {
	at := p.IntN(len(text) + 1)
	switch p.IntN(6) {
	case 0:
		return text[:at]
	case 1:
		return append(text, pick(p, " ", "x", "{}", ",", "\x00", "\n\n")...)
	case 2:
		if at < len(text) {
			return slices.Delete(text, at, at+1)
		}
	case 3:
		if at < len(text) {
			text[at] ^= 1 << p.IntN(8)
		}
	default:
		return slices.Insert(text, at, []byte(pick(p, "\xff", "\xc3", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x00", "\x1f",
			`"`, `\`, `\ud800`, `\udc00\ud800`, `\ud83d\ude00`, `\ud83d\ud83d`, `\ud83dx`, `\u12`, `\x`, `\u00zz`, ",", ":", "{", "}", "[", "]", "-", "0", ".", "e1", "null", " ", "/*a*/", "é", "😀"))...)
	}
	return text
}
