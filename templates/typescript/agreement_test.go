package typescript_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/runtime/codec"
	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/schema/names"
	"github.com/chgen/chgen/testdata/agreement/limits"
	"github.com/chgen/chgen/testdata/golang/chat"
	"github.com/chgen/chgen/testdata/golang/kitchen"
	"github.com/chgen/chgen/testdata/golang/strict"
)

var (
	agreement = flag.Int("agreement", 20_000, "how many payloads Go and TypeScript are to agree on")
	seed      = flag.Uint64("seed", 1, "where the payloads begin; each has a seed of its own, one more than that before it")
)

// decoders are the types with an UnmarshalJSON, but for the variants of unions, which are never read alone.
var decoders = map[string][]codec.Unmarshaler{
	"chat": {
		&chat.Author{}, &chat.Message{}, &chat.SlowDownError{}, &chat.ConnectParams{}, &chat.RoomJoin{}, &chat.RoomJoined{},
		&chat.RoomSendMessage{}, &chat.RoomSendMessageReply{}, &chat.RoomSetTyping{}, &chat.RoomMessageDeletedEvent{},
		&chat.RoomCursorMovedEvent{}, &chat.RoomPresence{},
	},
	"kitchen": {
		&kitchen.Scalars{}, &kitchen.Optionals{}, &kitchen.Limits{}, &kitchen.Defaults{}, &kitchen.Point{}, &kitchen.Tree{},
		&kitchen.Nested{}, &kitchen.Nothing{}, &kitchen.Odd{}, &kitchen.WithFieldsError{}, &kitchen.SilentFieldsError{},
		&kitchen.ConnectParams{}, &kitchen.KitchenJoin{}, &kitchen.KitchenJoined{}, &kitchen.KitchenRawReply{},
		&kitchen.KitchenSearch{}, &kitchen.KitchenSearchReply{}, &kitchen.KitchenMovedEvent{}, &kitchen.KitchenNumberedEvent{},
		&kitchen.KitchenLeveledEvent{}, &kitchen.KitchenTaggedEvent{}, &kitchen.KitchenPresence{},
	},
	"limits": {
		&limits.Texts{}, &limits.Patterns{}, &limits.Numbers{}, &limits.Counts{}, &limits.Tree{}, &limits.Pair{},
		&limits.Wide{}, &limits.TooMuchError{}, &limits.ConnectParams{},
	},
	"strict": {&strict.Item{}, &strict.BrokenError{}, &strict.ConnectParams{}},
}

// subject is a payload of a schema: how TypeScript finds its check, and how Go reads it.
type subject struct {
	schema, path string
	fields       *ir.Type
	decode       func([]byte) error
}

// subjectsOf finds, by the names of their Go types, the payloads of a schema.
func subjectsOf(t *testing.T, s *ir.Schema) []subject {
	t.Helper()
	byName := map[string]subject{}
	add := func(name, path string, fields []*ir.Field) {
		byName[name] = subject{schema: s.Name, path: path, fields: object(fields)}
	}
	for _, d := range s.Types {
		if d.Kind == ir.Object {
			add(d.Name, "types/"+d.Name, d.Fields)
		}
	}
	for _, e := range s.Errors {
		if len(e.Fields) > 0 {
			add(names.Go(e.Name)+"Error", "errors/"+e.Name, e.Fields)
		}
	}
	add("ConnectParams", "connect", s.Connect)
	for _, ch := range s.Channels {
		inline := func(p ir.Payload, name, path string) {
			if p.Kind == ir.Inline {
				add(ch.Name+name, "channels/"+ch.Name+"/"+path, p.Fields)
			}
		}
		inline(ch.Join.Params, "Join", "join/payload")
		inline(ch.Join.Reply, "Joined", "join/reply")
		for _, e := range ch.ClientEvents {
			inline(e.Payload, names.Go(e.Name), "pushes/"+e.Name+"/payload")
			inline(e.Reply, names.Go(e.Name)+"Reply", "pushes/"+e.Name+"/reply")
		}
		for _, e := range ch.ServerEvents {
			inline(e.Payload, names.Go(e.Name)+"Event", "events/"+e.Name)
		}
		inline(ch.Presence, "Presence", "presence")
	}
	var subjects []subject
	for _, v := range decoders[s.Name] {
		name := reflect.TypeOf(v).Elem().Name()
		sub, ok := byName[name]
		if !ok {
			t.Fatalf("%s.%s is no payload of the schema", s.Name, name)
		}
		delete(byName, name)
		sub.decode = func(data []byte) error { return codec.Unmarshal(data, v) }
		if sub.path == "connect" || !strings.HasSuffix(sub.path, "join/payload") {
			subjects = append(subjects, sub)
			continue
		}
		sub.decode = func(data []byte) error { return codec.Unmarshal(absentIfNull(data), v) }
		subjects = append(subjects, sub)
	}
	for name := range byName {
		t.Errorf("%s.%s is not compared", s.Name, name)
	}
	return subjects
}

// absentIfNull is what a server makes of join params before it reads them.
func absentIfNull(data []byte) []byte {
	if rest, ok := strings.CutPrefix(strings.TrimLeft(string(data), " \t\r\n"), "null"); ok {
		return []byte("{}" + rest)
	}
	return data
}

// otherSubjects are what the kitchen's events take that have no type.
func otherSubjects() []subject {
	anything := &ir.Type{Kind: ir.JSON}
	return []subject{
		{"kitchen", "channels/Kitchen/pushes/raw/payload", anything, codec.Valid},
		{"kitchen", "channels/Kitchen/pushes/ping/payload", anything, func(data []byte) error {
			err := codec.Valid(data)
			if first := strings.TrimLeft(string(data), " \t\r\n"); err == nil && first[0] != '{' && first[0] != 'n' {
				return &codec.Error{Message: "must be an object"}
			}
			return err
		}},
	}
}

// answer is what TypeScript says of a payload.
type answer struct{ Path, Message string }

func (a *answer) String() string {
	if a == nil {
		return "good"
	}
	return fmt.Sprintf("%q %s", a.Path, a.Message)
}

// asked is a payload that TypeScript was asked about, and what Go says of it.
type asked struct {
	subject subject
	seed    uint64
	payload []byte
	want    *answer
}

// TestGoAndTypeScriptAgree holds generated checkers to generated decoders: on every payload the same verdict, path and
// message. With -agreement=N -seed=S it goes on for as long as one likes: make agreement.
func TestGoAndTypeScriptAgree(t *testing.T) {
	t.Parallel()
	subjects := otherSubjects()
	for _, c := range checkCases {
		of := subjectsOf(t, parse(t, c.schema))
		subjects = append(subjects, of...)
		if of[0].schema == "limits" { // has most to disagree on
			subjects = slices.Concat(subjects, of, of)
		}
	}
	if t.Failed() {
		return
	}
	stdin, answers := startAnswering(t)
	sent := make(chan asked, 1024)
	go func() {
		defer close(sent)
		defer func() { _ = stdin.Close() }() // node then ends, which the test waits for
		for i := range uint64(*agreement) {
			a := ask(subjects, *seed+i)
			line := a.subject.schema + "\t" + a.subject.path + "\t" + base64.StdEncoding.EncodeToString(a.payload) + "\n"
			if _, err := io.WriteString(stdin, line); err != nil {
				return // node has ended, which the reader sees
			}
			sent <- a
		}
	}()
	seen, good, failures := map[string]int{}, 0, 0
	for a := range sent {
		var got *answer
		if err := answers.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if a.want == nil {
			good++
		} else {
			seen[a.want.Message]++
		}
		if diff := cmp.Diff(a.want, got); diff != "" {
			t.Errorf("%s %s from %q\n    Go:         %v\n    TypeScript: %v\n    to see it again: make agreement SEED=%d AGREEMENT_COUNT=1",
				a.subject.schema, a.subject.path, a.payload, a.want, got, a.seed)
			if failures++; failures == 20 {
				t.Fatal("and more")
			}
		}
	}
	if *agreement >= 20_000 {
		checkCoverage(t, seen, good)
	}
}

// checkCoverage holds the corpus to its purpose: good payloads, and bad ones of every kind.
func checkCoverage(t *testing.T, seen map[string]int, good int) {
	t.Helper()
	if good < *agreement/5 || good > *agreement*4/5 {
		t.Errorf("%d of %d payloads are good", good, *agreement)
	}
	for _, message := range []string{
		"is required", "is not a member of this object", "must be true or false", "must be a string", "must be a number",
		"must be a finite number", "must be an integer", "must be a string of digits that fits 64 bits",
		"must be a timestamp as in RFC 3339", "must be whole milliseconds", "must be a UUID", "must be base64 with padding",
		"must be an object", "must be an array", "is not valid JSON", "is not valid JSON: it ends too early",
		"is not valid JSON: something follows the value",
		"is not valid JSON: a control character or a wrong escape in a string", "is not valid UTF-8",
		"is not valid Unicode: a lone surrogate", "is not valid JSON: a malformed number", "is nested too deeply",
		"must not be there twice", "must be one of low, high, in progress, +1, -1, , \"quoted\", type", "must be bolt",
		"must have 3 characters", "must have 1 character", "must have at most 2 characters", "must have at least 2 characters",
		"must have 2 to 4 characters", "must have 2 to 4 bytes", "must have 1 byte", "must have 2 items",
		"must have at least 1 item", "must have 1 to 2 items", "must match ^.$", `must match \S`, "must be at least -3",
		"must be at most 9007199254740991", "must be at most 9223372036854775806", "must be at most 1e+21",
		"must be at least 1e-7", "must be at least -9223372036854", "must be at most 86400000",
	} {
		if seen[message] == 0 {
			t.Errorf("no payload %s", message)
		}
	}
}

// ask makes the payload of a seed and asks Go.
func ask(subjects []subject, seed uint64) asked {
	p := payloads{Rand: rand.New(rand.NewPCG(seed, 0))}
	a := asked{subject: subjects[p.IntN(len(subjects))], seed: seed}
	a.payload = p.payload(a.subject.fields)
	if problem, ok := errors.AsType[*codec.Error](a.subject.decode(a.payload)); ok {
		a.want = &answer{problem.Path, problem.Message}
	}
	return a
}

// startAnswering starts node with the generated checkers.
func startAnswering(t *testing.T) (io.WriteCloser, *json.Decoder) {
	t.Helper()
	bundle := filepath.Join(t.TempDir(), "answer.mjs")
	out, err := exec.Command("../../node_modules/.bin/esbuild", checkGolden+"/answer.mjs",
		"--bundle", "--platform=node", "--format=esm", "--target=es2022", "--log-level=warning", "--outfile="+bundle).CombinedOutput()
	if err != nil {
		t.Fatalf("esbuild: %v\n%s", err, out)
	}
	node := exec.Command("node", bundle)
	node.Stderr = t.Output()
	stdin, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := node.Wait(); err != nil {
			t.Errorf("node: %v", err)
		}
	})
	return stdin, json.NewDecoder(bufio.NewReader(stdout))
}
