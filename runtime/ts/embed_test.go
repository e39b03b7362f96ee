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

// sources are the joined texts, by the directory of their modules.
var sources = map[string]string{"src": ts.Source(), "check": ts.CheckSource()}

func TestSourceHoldsEveryModuleOnce(t *testing.T) {
	t.Parallel()
	declaration := regexp.MustCompile(`(?m)^(export |async )*(class|const|function|interface|type) [\w$]+`)
	for dir, source := range sources {
		paths, err := filepath.Glob(dir + "/*.ts")
		if err != nil || len(paths) == 0 {
			t.Fatalf("no modules: %v", err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range declaration.FindAllString(string(text), -1) {
				whole := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + `[^\w$]`)
				if got := len(whole.FindAllString(source, -1)); got != 1 {
					t.Errorf("%s: the joined text has %q %d times, want once", path, name, got)
				}
			}
		}
		if strings.Contains(source, "import ") {
			t.Errorf("the joined text of %s has an import left", dir)
		}
	}
}

// The joined texts have to pass on their own, with no types but the language's.
func TestSourceTypeChecks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	base, err := filepath.Abs("tsconfig.json")
	if err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(map[string]any{"extends": base, "include": []string{"*.ts"}})
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("tsconfig.json", string(config))
	for name, source := range sources {
		write(name+".ts", source)
	}
	for _, compiler := range []string{"typescript", "typescript-5.9"} {
		out, err := exec.Command("node", "../../node_modules/"+compiler+"/bin/tsc", "-p", dir).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", compiler, err, out)
		}
	}
}
