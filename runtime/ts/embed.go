// Package ts holds the TypeScript runtime that every generated client stands on: src/*.ts, hand-written modules
// without dependencies. Source joins them into the one text that generated clients carry inside them.
//
// What a client's user may name begins with a capital; whatever begins with a $ is the runtime's own, so that no name
// of a schema can collide with it.
package ts

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed src/*.ts
var modules embed.FS

// order lists the modules so that nothing is evaluated before what it needs.
var order = []string{
	"types", "errors", "presence", "binary", "socket", "channel", "topic", "frame", "backoff", "listeners", "globals",
}

// relativeImport matches an import of one module by another.
var relativeImport = regexp.MustCompile(`(?m)^import [^;]*? from "\./[a-z]+\.ts";\n`)

// Source returns the modules as the text of a single module. It imports nothing.
func Source() string {
	var b strings.Builder
	for i, name := range order {
		text, err := modules.ReadFile("src/" + name + ".ts")
		if err != nil {
			panic(fmt.Sprintf("runtime/ts: %v", err)) // the embedded files are the program's own
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(strings.TrimSpace(relativeImport.ReplaceAllString(string(text), "")))
		b.WriteByte('\n')
	}
	return b.String()
}
