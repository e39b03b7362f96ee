package codec_test

import (
	"math"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/chgen/chgen/runtime/codec"
)

// syntax is JSON and what is nearly JSON.
var syntax = []string{
	``, ` `, `null`, `nul`, `nullx`, `null 1`, `true`, `false`, `tru`, `True`, ` 1 `, "\ufeff1", "\x0b1", "\u00a01",
	`0`, `-0`, `00`, `01`, `-`, `-01`, `+1`, `1.`, `.1`, `1.5`, `1.e1`, `1e`, `1e+`, `1e+1`, `1E-1`, `1e400`, `0x1`, `1_0`, `NaN`, `-Infinity`,
	`""`, `"`, `"a`, `"a\`, `"\"`, `"\n\t\r\b\f\/\\\""`, `"\a"`, `"\u12"`, `"\u12g4"`, `"\u1234"`, `"\U1234"`, "\"\n\"", "\"\x00\"", "\"\x1f\"", "\"\x7f\"",
	`"é"`, "\"\xff\"", "\"\xc3\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xf0\x9f\x98\x80\"", "\"\xef\xbf\xbd\"", "\"abcdefgh\xffabcdefg\"",
	`"\ud83d\ude00"`, `"\ud83d"`, `"\ud83d\u0041"`, `"\ud83d\ud83d"`, `"\ude00"`, `"\ud83dx"`, `"\ud83d\n"`, `"\ud83d\u"`, `"\uD83D\uDE00"`,
	`[]`, `[ ]`, `[1,2]`, `[1,]`, `[,1]`, `[1 2]`, `[`, `[1`, `[1,`, `]`, `[1}`, `[[[]]]`, `[[]`, `{}`, `{ }`, `{"a":1}`, `{"a" : 1 , "b":[{}]}`,
	`{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{"a" 1}`, `{a:1}`, `{1:1}`, `{`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1]`, `{}{}`, `}`,
	`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"\u0061":1,"a":2}`, `{"a":{"b":1,"b":2}}`, `{"a":{"b":1},"c":{"b":2}}`, `[{"a":1},{"a":1}]`,
	`{"a":[{"a":1,"a":1}]}`, `{"":1,"":2}`, `{"\n":1,"\u000a":2}`, `{"é":1,"\u00e9":2}`, `{"a":1,"A":2}`,
	`{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"j":0,"k":0,"l":0,"m":0,"n":0,"o":0,"p":0,"q":0,"r":0,"s":0,"t":0}`,
	`{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"j":0,"k":0,"l":0,"m":0,"n":0,"o":0,"p":0,"q":0,"r":0,"s":0,"r":0}`,
	`{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"j":0,"k":0,"l":0,"m":0,"n":0,"o":0,"p":0,"q":0,"r":0,"s":0,"b":0}`,
	strings.Repeat(`[`, codec.MaxDepth) + strings.Repeat(`]`, codec.MaxDepth),
	strings.Repeat(`{"a":`, codec.MaxDepth) + `1` + strings.Repeat(`}`, codec.MaxDepth),
	strings.Repeat(`[`, 500), strings.Repeat(`{"a":`, 500),
}

// deep reports whether data opens more brackets than may be nested: there codec is stricter than jsontext.
func deep(data []byte) bool {
	return strings.Count(string(data), "[")+strings.Count(string(data), "{") > codec.MaxDepth
}

// FuzzValid holds the scanner to jsontext: the same verdict on every input.
func FuzzValid(f *testing.F) {
	for _, s := range syntax {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if deep(data) {
			t.Skip()
		}
		err := codec.Valid(data)
		if want := jsontext.Value(data).IsValid(); want != (err == nil) {
			t.Errorf("Valid(%q) = %v, jsontext says %v", data, err, want)
		}
	})
}

// FuzzScanString holds strings to jsontext: the same verdict, the same text.
func FuzzScanString(f *testing.F) {
	for _, s := range syntax {
		if strings.HasPrefix(s, `"`) {
			f.Add([]byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		end, plain, err := codec.ScanString(data, 0)
		want, wantErr := jsontext.AppendUnquote[[]byte](nil, data)
		if ok := err == nil && end == len(data); ok != (wantErr == nil) {
			t.Fatalf("ScanString(%q) = %d, %v; jsontext says %v", data, end, err, wantErr)
		}
		if wantErr != nil {
			return
		}
		if got := codec.Unquote(nil, data); string(got) != string(want) {
			t.Errorf("Unquote(%q) = %q, jsontext says %q", data, got, want)
		}
		if plain && string(data[1:end-1]) != string(want) {
			t.Errorf("ScanString(%q) says plain, but the text is %q", data, want)
		}
	})
}

func TestSkipValueReturnsTheEndOfThePayload(t *testing.T) {
	t.Parallel()
	frame := []byte(`["1",null,"room:a", {"body":"]\"}"} ]`)
	start := strings.Index(string(frame), ` {`)
	end, err := codec.SkipValue(frame, start)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(frame[start:end]), ` {"body":"]\"}"}`; got != want {
		t.Errorf("SkipValue took %q, want %q", got, want)
	}
}

func TestSkipValueAllocatesNothing(t *testing.T) {
	payload := []byte(`{"id":"a","body":"hello \"you\"","n":[1,2,{"x":null}],"m":{"a":1.5e3}}`)
	fewest := math.Inf(1)
	for range 20 { // the race detector makes a sync.Pool forget at random
		fewest = min(fewest, testing.AllocsPerRun(1, func() {
			if _, err := codec.SkipValue(payload, 0); err != nil {
				t.Error(err)
			}
		}))
	}
	if fewest != 0 {
		t.Errorf("SkipValue allocates %v times, want 0", fewest)
	}
}

func TestErrorsPointToTheirPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ data, want string }{
		{`{"a":[1,{"b":tru}]}`, "/a/1/b is not valid JSON"},
		{`{"a":[1,2,`, "/a/2 is not valid JSON: it ends too early"},
		{`{"a~/":{"x":1,"x":2}}`, "/a~0~1/x must not be there twice"},
		{`{"a":{"x":1},"b":[[],"` + "\xff" + `"]}`, "/b/1 is not valid UTF-8"},
		{`{"a":"\ud800"}`, "/a is not valid Unicode: a lone surrogate"},
		{`[1] 2`, "payload is not valid JSON: something follows the value"},
		{strings.Repeat(`[`, codec.MaxDepth+1), strings.Repeat("/0", codec.MaxDepth) + " is nested too deeply"},
	} {
		err := codec.Valid([]byte(c.data))
		if err == nil || err.Error() != c.want {
			t.Errorf("Valid(%.40q) = %v, want %s", c.data, err, c.want)
		}
	}
}
