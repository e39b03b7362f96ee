package ts_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chgen/chgen/runtime/ts"
)

func TestSourceHoldsEveryModuleOnce(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("src/*.ts")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no modules: %v", err)
	}
	declaration := regexp.MustCompile(`(?m)^(export |async )*(class|const|function|interface|type) [\w$]+`)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range declaration.FindAllString(string(text), -1) {
			whole := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + `[^\w$]`)
			if got := len(whole.FindAllString(ts.Source(), -1)); got != 1 {
				t.Errorf("%s: the joined text has %q %d times, want once", path, name, got)
			}
		}
	}
	if strings.Contains(ts.Source(), "import ") {
		t.Error("the joined text has an import left")
	}
}

// The joined text has to pass on its own, with no types but the language's.
func TestSourceTypeChecks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	base, err := filepath.Abs("tsconfig.json")
	if err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(map[string]any{"extends": base, "files": []string{"runtime.ts"}, "include": []string{}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"runtime.ts": []byte(ts.Source()), "tsconfig.json": config} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, compiler := range []string{"typescript", "typescript-5.9"} {
		out, err := exec.Command("node", "../../node_modules/"+compiler+"/bin/tsc", "-p", dir).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", compiler, err, out)
		}
	}
}
