// Package layout_test holds the packages to the direction of their imports, and documents to what they link to.
package layout_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/chgen/chgen"

// allowed lists, for each package of the module, which others of the module its production code may import.
// Arrows point one way: the command to the templates to the IR; generated code to the runtime; never across.
var allowed = map[string][]string{
	"cmd/chgen":               {"schema", "schema/compat", "schema/ir", "schema/names", "templates", "templates/asyncapi", "templates/golang", "templates/typescript"},
	"schema":                  {"schema/ir", "schema/names"},
	"schema/compat":           {"schema/ir"},
	"schema/ir":               {},
	"schema/names":            {},
	"templates":               {},
	"templates/asyncapi":      {"schema/ir", "schema/names", "templates"},
	"templates/golang":        {"schema/ir", "schema/names", "templates"},
	"templates/typescript":    {"schema/ir", "schema/names", "templates", "runtime/ts"},
	"runtime/ts":              {}, // the TypeScript runtime's text
	"runtime/codec":           {},
	"runtime/wire":            {"runtime/codec"},
	"runtime/observe":         {},
	"runtime/internal/meter":  {"runtime/observe"},
	"runtime/otel":            {"runtime/internal/meter", "runtime/observe"},
	"runtime/prometheus":      {"runtime/internal/meter", "runtime/observe"},
	"runtime/pubsub":          {},
	"runtime/presence":        {"runtime/codec", "runtime/pubsub"},
	"runtime/internal/engine": {"runtime/codec", "runtime/observe", "runtime/wire", "runtime/pubsub", "runtime/presence"},
	"runtime/channel":         {"runtime/codec", "runtime/observe", "runtime/wire", "runtime/pubsub", "runtime/presence", "runtime/internal/engine"},
	"runtime/gen":             {"runtime/codec", "runtime/channel", "runtime/internal/engine"},
	"examples/chat":           {"runtime/channel", "examples/chat/chat", "runtime/pubsub", "runtime/pubsub/nats", "runtime/pubsub/redis"},
	"runtime/client":          {"runtime/codec", "runtime/wire"},
	"runtime/channeltest":     {"runtime/channel", "runtime/client", "runtime/codec"},
	"examples/chat/chat":      {"runtime/channel", "runtime/client", "runtime/codec", "runtime/gen"},
	"internal/echo":           {"runtime/channel", "examples/chat/chat"},
	"internal/peer":           {"runtime/channel", "runtime/gen", "runtime/pubsub", "internal/peer/contract"},
	"internal/peer/contract":  {"runtime/channel", "runtime/codec", "runtime/gen"},

	"internal/netfault":             {},
	"internal/nodestest":            {"examples/chat/chat", "internal/echo", "internal/netfault", "runtime/channel", "runtime/client", "runtime/pubsub"},
	"internal/redistest":            {"internal/netfault"},
	"internal/soak":                 {"runtime/pubsub"},
	"internal/soak/contract":        {"runtime/channel", "runtime/codec", "runtime/gen"},
	"runtime/pubsub/internal/relay": {"runtime/pubsub"},
	"runtime/pubsub/nats":           {"runtime/pubsub", "runtime/pubsub/internal/relay"},
	"runtime/pubsub/pubsubtest":     {"runtime/pubsub"},
	"runtime/pubsub/redis":          {"runtime/pubsub", "runtime/pubsub/internal/relay"},
}

// forTests lists the packages that tests alone import, and that may therefore import testing.
var forTests = []string{"runtime/channeltest", "runtime/pubsub/pubsubtest", "internal/redistest", "internal/natstest", "internal/netfault", "internal/nodestest"}

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	eachImport(t, func(pkg, file, imported string) {
		seen[pkg] = true
		if imported == "testing" && !slices.Contains(forTests, pkg) {
			t.Errorf("%s: production code imports testing", file)
		}
		target, ours := strings.CutPrefix(imported, module+"/")
		if !ours {
			return
		}
		targets, known := allowed[pkg]
		switch {
		case !known:
			t.Errorf("%s: package %s is not in the table of this test; say there what it may import", file, pkg)
		case !slices.Contains(targets, target):
			t.Errorf("%s: %s may not import %s", file, pkg, target)
		}
	})
	for pkg := range allowed {
		if !seen[pkg] && pkg != "templates" && pkg != "schema/ir" { // these two import nothing at all
			t.Errorf("the table names %s, which does not exist", pkg)
		}
	}
}

// eachImport calls visit for every import of every production file of the module.
func eachImport(t *testing.T, visit func(pkg, file, imported string)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if base := entry.Name(); base == "testdata" || base == "node_modules" || base == ".git" {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && name != root { // a module of its own
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		file, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		file = filepath.ToSlash(file)
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			visit(path.Dir(file), file, imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
