package compat_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/schema"
	"github.com/chgen/chgen/schema/compat"
	"github.com/chgen/chgen/schema/ir"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const cases = "../../testdata/compat"

// Each directory of testdata/compat is a case: old.yaml, new.yaml and what is reported. The cases of a rule are named
// after it; those whose names begin with "safe" break nothing.
func TestCasesAreReportedAsTheySay(t *testing.T) {
	t.Parallel()
	for _, name := range caseNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changes := compare(t, name)
			var report bytes.Buffer
			if err := (compat.Files{Old: "old.yaml", New: "new.yaml"}).Text(&report, changes); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join(cases, name, "report.txt"), report.Bytes())
			if safe := strings.HasPrefix(name, "safe"); safe != (len(changes) == 0) {
				t.Errorf("%d changes are reported:\n%s", len(changes), &report)
			}
		})
	}
}

func TestEveryRuleHasACase(t *testing.T) {
	t.Parallel()
	names := caseNames(t)
	known := map[string]bool{}
	for _, rule := range compat.Rules() {
		if known[rule.ID] || rule.Text == "" || rule.Remedy == "" {
			t.Errorf("the rule %q stands twice, or says nothing", rule.ID)
		}
		known[rule.ID] = true
		if !slices.Contains(names, rule.ID) {
			t.Errorf("the rule %s has no case", rule.ID)
			continue
		}
		if !slices.ContainsFunc(compare(t, rule.ID), func(c compat.Change) bool { return c.Rule == rule.ID }) {
			t.Errorf("the case of %s does not break it", rule.ID)
		}
	}
	for _, name := range names {
		if !known[name] && !strings.HasPrefix(name, "safe") && !strings.HasPrefix(name, "many") {
			t.Errorf("%s is the case of no rule", name)
		}
	}
}

func TestASchemaBreaksNothingOfItself(t *testing.T) {
	t.Parallel()
	for _, path := range schemas {
		if changes := compat.Compare(parse(t, path), parse(t, path)); len(changes) > 0 {
			t.Errorf("%s: %v", path, changes)
		}
	}
}

func caseNames(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(cases)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// compare compares the schemas of a case, without the changes that comments let pass.
func compare(t *testing.T, name string) []compat.Change {
	t.Helper()
	dir := filepath.Join(cases, name)
	changes := compat.Compare(parse(t, filepath.Join(dir, "old.yaml")), parse(t, filepath.Join(dir, "new.yaml")))
	return compat.Ignores(read(t, filepath.Join(dir, "new.yaml"))).Filter(changes)
}

func parse(t *testing.T, path string) *ir.Schema {
	t.Helper()
	return parseBytes(t, path, read(t, path))
}

func parseBytes(t *testing.T, path string, src []byte) *ir.Schema {
	t.Helper()
	s, problems := schema.Parse(filepath.Base(path), src)
	if len(problems) > 0 {
		t.Fatalf("%s: %+v", path, problems)
	}
	return s
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

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
