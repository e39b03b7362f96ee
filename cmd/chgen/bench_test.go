package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// The goals are 500 ms for a thousand events of five fields each and 50 ms for the chat, on two cores.
func BenchmarkGenerate(b *testing.B) {
	for name, text := range map[string]string{
		"thousand events": largeSchema(1000, "An event."),
		"chat":            string(read(b, chatSchema)),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				file := filepath.Join(b.TempDir(), "api.yaml")
				writeFile(b, file, text)
				b.StartTimer()
				if code := run([]string{"generate", file}, strings.NewReader(""), io.Discard, io.Discard); code != exitFine {
					b.Fatalf("exit %d", code)
				}
			}
		})
	}
}

// largeSchema is a schema of so many events with five fields each.
func largeSchema(events int, doc string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\ndoc: %s\noptions: { go: { dir: api }, ts: { file: web/api.ts } }\nchannels:\n", doc)
	for i := range events {
		if i%50 == 0 {
			fmt.Fprintf(&b, "  Part%d:\n    doc: %s\n    topic: part%d:{id}\n    client_events:\n", i/50, doc, i/50)
		}
		fmt.Fprintf(&b, "      event_%d:\n        doc: %s\n        payload: { id: string, at: timestamp, count: int, tags: list(string), \"note?\": string }\n", i, doc)
	}
	return b.String()
}
