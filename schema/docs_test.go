package schema_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chgen/chgen/schema"
)

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// TestEveryExampleInTheDocsIsASchema parses each block whose language is just yaml. One without a version is a part of a
// schema; one that is no schema says what it is after the language, as in "yaml workflow".
func TestEveryExampleInTheDocsIsASchema(t *testing.T) {
	t.Parallel()
	found := 0
	for file, doc := range docs(t) {
		for _, m := range yamlBlock.FindAllSubmatchIndex(doc, -1) {
			found++
			example := doc[m[2]:m[3]]
			if !bytes.Contains(example, []byte("version: 1\n")) {
				example = append([]byte("version: 1\n"), example...)
			}
			line := bytes.Count(doc[:m[2]], []byte("\n")) + 1
			_, problems := schema.Parse("example.yaml", example)
			if len(problems) > 0 {
				var report bytes.Buffer
				if err := problems.Render(&report, "example", example); err != nil {
					t.Fatal(err)
				}
				t.Errorf("%s:%d: this is no schema:\n%s", file, line, &report)
			}
		}
	}
	if found < 20 {
		t.Errorf("%d examples are too few: they are not found", found)
	}
}

// TestTheReferenceShowsTheCanonicalForm holds the examples of the language's reference to it.
func TestTheReferenceShowsTheCanonicalForm(t *testing.T) {
	t.Parallel()
	for _, m := range yamlBlock.FindAllSubmatch(docs(t)["schema.md"], -1) {
		if diff := cmp.Diff(string(format(t, m[1])), string(m[1])); diff != "" {
			t.Errorf("an example is not canonical (-want +got):\n%s", diff)
		}
	}
}

// TestTheReferenceNamesEveryKey looks for each key of the language in its reference.
func TestTheReferenceNamesEveryKey(t *testing.T) {
	t.Parallel()
	reference := docs(t)["schema.md"]
	var tree any
	if err := json.Unmarshal(schema.JSONSchema(), &tree); err != nil {
		t.Fatal(err)
	}
	var visit func(node any)
	visit = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			properties, _ := node["properties"].(map[string]any)
			for key := range properties {
				if !regexp.MustCompile("`" + key + "`|\\b" + key + ": ").Match(reference) {
					t.Errorf("docs/schema.md does not mention %s", key)
				}
			}
			for _, value := range node {
				visit(value)
			}
		case []any:
			for _, item := range node {
				visit(item)
			}
		}
	}
	visit(tree)
}

// TestTheListOfRulesIsFresh compares docs/rules.md with the rules and their cases.
func TestTheListOfRulesIsFresh(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	b.WriteString(`# What chgen reports

Every problem of a schema is reported in one run, in the order of the file: its place, what is wrong, the rule in brackets,
the line, often what to write instead, and where two things clash the second place.

<!-- Written by go test ./schema -update from the rules and their cases in testdata/schemas/rules. -->
`)
	for _, rule := range schema.Rules() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n```text\n%s```\n", rule.ID, rule.Text, firstReport(t, rule.ID))
	}
	golden(t, "../docs/rules.md", b.Bytes())
}

// firstReport is the first report of a rule in its case.
func firstReport(t *testing.T, id string) string {
	t.Helper()
	report := string(read(t, filepath.Join(cases, "rules", id+".txt")))
	for _, problem := range strings.Split(strings.TrimSuffix(report, "\n"), "\n\n") {
		head, _, _ := strings.Cut(problem, "\n")
		if strings.HasSuffix(head, "["+id+"]") {
			return strings.ReplaceAll(problem, id+".yaml:", "chat.yaml:") + "\n"
		}
	}
	t.Errorf("the case of %s has no report of it", id)
	return ""
}

// docs returns every page of the docs by its name.
func docs(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string][]byte{}
	for _, file := range slices.Concat(files, []string{"../README.md"}) {
		pages[filepath.Base(file)] = read(t, file)
	}
	return pages
}
