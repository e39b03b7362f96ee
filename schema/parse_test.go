package schema_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/schema"
	"github.com/chgen/chgen/schema/ir"
)

func TestTheChatsSchemaIsRead(t *testing.T) {
	t.Parallel()
	goldenIR(t, "../examples/chat/chat.yaml", "chat.ir.json")
}

func TestTheWholeLanguageIsRead(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(cases, "valid", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		goldenIR(t, file, filepath.Join("valid", name+".ir.json"))
	}
}

func TestLineEndsAndAByteOrderMarkChangeNothing(t *testing.T) {
	t.Parallel()
	src := read(t, "../examples/chat/chat.yaml")
	want := parse(t, "chat.yaml", src)
	crlf := bytes.ReplaceAll(src, []byte("\n"), []byte("\r\n"))
	for name, variant := range map[string][]byte{"CRLF": crlf, "BOM": append([]byte("\ufeff"), src...)} {
		if diff := cmp.Diff(want, parse(t, "chat.yaml", variant)); diff != "" {
			t.Errorf("with %s it reads otherwise (-want +got):\n%s", name, diff)
		}
	}
}

// TestLargeSchemasAreReadInTime does not run beside other tests, which would count.
func TestLargeSchemasAreReadInTime(t *testing.T) {
	var b strings.Builder
	b.WriteString("version: 1\nchannels:\n")
	for i := 0; b.Len() < 900_000; i++ {
		fmt.Fprintf(&b, "  C%d: { topic: \"a:t%d\", client_events: { e: { payload: { a: int, b: Nowhere } } } }\n", i, i)
	}
	start := time.Now()
	_, problems := schema.Parse("large.yaml", []byte(b.String()))
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %v", took) // about half a second; what is quadratic takes a minute
	}
	if len(problems) < 1000 {
		t.Errorf("%d problems are too few", len(problems))
	}
}

// TestOneProblemManyTimesIsReportedInTime repeats something wrong over a quarter of a megabyte, also on one line. Each
// takes about a tenth of a second, with the race detector one; what is quadratic takes half a minute with it. It does not
// run beside other tests, which would count.
func TestOneProblemManyTimesIsReportedInTime(t *testing.T) {
	for _, file := range []struct{ begin, again, end string }{
		{"version: 1\nx-a: [", "!!str a, ", "]"},
		{"version: 1\nchannels: { A: { topic: \"", "{a}:", "a\" } }"},
		{"version: 1\nchannels:", "\n  C: { topic: \"{a}:{b}\" }", ""},
		{"version: 1\ntypes: { A: { fields: { \"a?\": { type: list(int), default: [", "text, ", "] } } } }"},
		{"version: 1", "\r", ""},
		{"unknown", ": 1\nunknown", ": 1"},
		{"5 MB: ", "#####", strings.Repeat("#", 5<<20)},
	} {
		src := file.begin + strings.Repeat(file.again, (1<<18)/len(file.again)) + file.end
		start := time.Now()
		_, problems := schema.Parse("x.yaml", []byte(src))
		if err := problems.Render(io.Discard, "x.yaml", []byte(src)); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 20*time.Second || len(problems) == 0 {
			t.Errorf("%q: %d problems after %v", file.begin, len(problems), took)
		}
	}
}

func TestDeepNestingIsRefusedHoweverDeep(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{65, 9_999, 10_000, 200_000} {
		for _, src := range []string{
			strings.Repeat("[", depth) + strings.Repeat("]", depth),
			strings.Repeat("[", depth),
			strings.Repeat("{a: ", depth) + "b" + strings.Repeat("}", depth),
			strings.Repeat("- ", depth),
			strings.Repeat("? ", depth),
		} {
			_, problems := schema.Parse("deep.yaml", []byte(src))
			if len(problems) != 1 || problems[0].Rule != "nesting" {
				t.Errorf("%d times %q: got %v, want one problem of the rule nesting", depth, src[:4], problems)
			}
		}
	}
}

func parse(t *testing.T, file string, src []byte) *ir.Schema {
	t.Helper()
	parsed, problems := schema.Parse(file, src)
	if len(problems) > 0 {
		var report bytes.Buffer
		if err := problems.Render(&report, file, src); err != nil {
			t.Fatal(err)
		}
		t.Fatal(report.String())
	}
	return parsed
}

func goldenIR(t *testing.T, file, goldenFile string) {
	t.Helper()
	parsed := parse(t, filepath.Base(file), read(t, file))
	data, err := json.MarshalIndent(plain(reflect.ValueOf(*parsed)), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join(cases, goldenFile), append(data, '\n'))
}

// plain turns an ir value into what JSON can hold: zero values are left out, positions are "line:col", and types and
// errors are written in full where they are declared and by name where they are used.
func plain(v reflect.Value) any {
	switch value := v.Interface().(type) {
	case ir.Pos:
		return fmt.Sprintf("%d:%d", value.Line, value.Col)
	case *ir.Decl:
		return value.Name
	}
	switch v.Kind() {
	case reflect.Pointer:
		return plain(v.Elem())
	case reflect.Slice:
		list := []any{}
		for i := range v.Len() {
			list = append(list, plain(v.Index(i)))
		}
		return list
	case reflect.Struct:
		members := map[string]any{}
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				members[v.Type().Field(i).Name] = member(v, i)
			}
		}
		return members
	}
	return v.Interface()
}

func member(v reflect.Value, i int) any {
	switch value := v.Field(i).Interface().(type) {
	case []*ir.Decl:
		list := []any{}
		for _, d := range value {
			list = append(list, plain(reflect.ValueOf(*d)))
		}
		return list
	case []*ir.Error:
		if _, top := v.Interface().(ir.Schema); top {
			break
		}
		list := []any{}
		for _, e := range value {
			list = append(list, e.Name)
		}
		return list
	}
	return plain(v.Field(i))
}
