package typescript

import (
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// patterns are what the two read differently, or could.
var patterns = []string{
	`.`, `^.$`, `\s`, `^\S+$`, `^\w+$`, `\W`, `\bfoo\b`, `a\Bb`, `^\d+$`, `[^\d\s]`, `^$`, `a|`, `(?:)`, `(a|b)*c`, `^(?:^a|$)*$`, `[^a]`,
	`\p{L}`, `^\P{Lu}$`, `[\p{Nd}x]`, `a{0}`, `a{2,}b{0,1}?`, `(?<name>x)+?y`, `[\]\\^-]`, `[-a]`, `\/`, `\x41[\x00-\x1f]`, `[😀-😎]`, `\f\n\r\t\v`, `[\s\S]`,
	`(?:\b|a)+b`, `(a*)*b`, `(?:a?){3}b`, `\$\.\*\+\?\(\)\[\]\{\}\|\^`, `[$.*+?()\[\]{}|]`, `[^\x00-\x{10FFFF}]`, ` é`, `[ä-ü]`, `[^😀]`, `$^`, `a$b`,
}

// characters are those that the classes of the two disagree on, and those that the patterns hold.
var characters = []rune("abcfoxyzAZ09_-/\\^$.*+?()[]{}| \x00\x1f\n\r\t\v\f\u0085\u00a0\u1680\u2028\u2029\ufeff\u180eéäüßſKÅǅ٣Ж😀😆😎\ufffd")

func randomText(r *rand.Rand, n int) string {
	var b strings.Builder
	for range r.IntN(n + 1) {
		b.WriteRune(characters[r.IntN(len(characters))])
	}
	return b.String()
}

// randomPattern is one of the language that schemas allow.
func randomPattern(r *rand.Rand, depth int) string {
	pick := func(all ...string) string { return all[r.IntN(len(all))] }
	var b strings.Builder
	for range 1 + r.IntN(3) {
		switch kind := r.IntN(8); {
		case kind == 0 && depth > 0:
			b.WriteString(pick("(", "(?:") + randomPattern(r, depth-1) + pick("|"+randomPattern(r, depth-1), "") + ")")
		case kind == 1:
			b.WriteString(pick("^", "$", `\b`, `\B`))
			continue
		case kind == 2:
			b.WriteString(pick(`\d`, `\D`, `\w`, `\W`, `\s`, `\S`, ".", `\p{Lu}`, `\P{L}`, `\p{Zs}`))
		case kind == 3:
			b.WriteString("[" + pick("", "^") + pick("a-c", `\s`, `\d_`, "é-ü", `\W`, `\]`, `\p{Ll}`) + pick("", "x", `\-`, "😀-😎", `\n`) + "]")
		default:
			b.WriteString(regexp.QuoteMeta(string(characters[r.IntN(len(characters))])))
		}
		b.WriteString(pick("", "", "", "*", "+", "?", "{0,2}", "{2}", "*?", "{1,}"))
	}
	return b.String()
}

func TestPatternsMatchTheSameInJavaScript(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	all := patterns
	for range 2000 {
		all = append(all, randomPattern(r, 2))
	}
	type question struct {
		Pattern string
		Texts   []string
	}
	var questions []question
	var want [][]bool
	for _, pattern := range all {
		compiled, err := regexp.Compile(pattern)
		if err != nil {
			t.Fatal(err)
		}
		translated, err := jsPattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		q, matches := question{Pattern: translated}, []bool{}
		for range 50 {
			text := randomText(r, 5)
			q.Texts, matches = append(q.Texts, text), append(matches, compiled.MatchString(text))
		}
		questions, want = append(questions, q), append(want, matches)
	}
	input, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	// As a literal, because that is how it is generated.
	node := exec.Command("node", "-e", `
		const questions = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
		const answers = questions.map(({ Pattern, Texts }) => { const p = eval("/" + Pattern + "/u"); return Texts.map((text) => p.test(text)); });
		console.log(JSON.stringify(answers));`)
	node.Stdin = strings.NewReader(string(input))
	out, err := node.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got [][]bool
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for i, pattern := range all {
		if diff := cmp.Diff(want[i], got[i]); diff != "" {
			t.Errorf("%q as /%s/u on %q (-Go +JavaScript):\n%s", pattern, questions[i].Pattern, questions[i].Texts, diff)
		}
	}
}

func TestPatternsThatJavaScriptLacksAreRefused(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{`(?i)a`, `(?m)^a`, `(?m)a$`, `(`} {
		if got, err := jsPattern(pattern); err == nil {
			t.Errorf("%s became %s", pattern, got)
		}
	}
}
