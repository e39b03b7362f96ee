package schema_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/schema"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const cases = "../testdata/schemas"

func TestEveryRuleReportsAsItsCaseSays(t *testing.T) {
	t.Parallel()
	for _, rule := range schema.Rules() {
		t.Run(rule.ID, func(t *testing.T) {
			t.Parallel()
			src := ruleCase(t, rule.ID)
			parsed, problems := schema.Parse(rule.ID+".yaml", src)
			if parsed != nil {
				t.Error("a schema with problems was returned")
			}
			var report bytes.Buffer
			if err := problems.Render(&report, rule.ID+".yaml", src); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(report.String(), "["+rule.ID+"]\n") {
				t.Errorf("the case of %s does not break it; the report:\n%s", rule.ID, &report)
			}
			golden(t, filepath.Join(cases, "rules", rule.ID+".txt"), report.Bytes())
		})
	}
}

func TestRulesAndCasesCorrespond(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, rule := range schema.Rules() {
		if known[rule.ID] || rule.Text == "" {
			t.Errorf("the rule %q stands twice or says nothing", rule.ID)
		}
		known[rule.ID] = true
	}
	files, err := filepath.Glob(filepath.Join(cases, "rules", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		base := filepath.Base(file)
		if id := strings.TrimSuffix(base, filepath.Ext(base)); !known[id] {
			t.Errorf("%s is the case of no rule", base)
		}
	}
}

// ruleCase reads the case of a rule; that of a file too large is made here.
func ruleCase(t *testing.T, id string) []byte {
	t.Helper()
	if id == "file-too-large" {
		return []byte("version: 1\n" + strings.Repeat("# padding\n", 600_000))
	}
	return read(t, filepath.Join(cases, "rules", id+".yaml"))
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(read(t, file)), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got), rewrite with -update:\n%s", file, diff)
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
