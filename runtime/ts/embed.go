// Package ts holds the TypeScript that generated modules carry inside them, hand-written modules without dependencies:
// src/*.ts is the runtime of clients, check/*.ts that of checkers. Source and CheckSource join them into one text each.
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

//go:embed src/*.ts check/*.ts
var modules embed.FS

// Both list the modules so that nothing is evaluated before what it needs.
var (
	client = []string{
		"types", "errors", "presence", "store", "binary", "longpoll", "fake", "socket", "channel", "events", "topic", "frame", "source",
		"backoff", "listeners", "turns", "debug", "globals",
	}
	checker = []string{"check", "readers", "decoder", "scan"}
)

// relativeImport matches an import of one module by another.
var relativeImport = regexp.MustCompile(`(?m)^import [^;]*? from "\./[a-z]+\.ts";\n`)

// Source returns the client's runtime as the text of a single module. It imports nothing.
func Source() string { return join("src", client) }

// CheckSource returns the checker's runtime as the text of a single module. It imports nothing.
func CheckSource() string { return join("check", checker) }

func join(dir string, names []string) string {
	var b strings.Builder
	for i, name := range names {
		text, err := modules.ReadFile(dir + "/" + name + ".ts")
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
