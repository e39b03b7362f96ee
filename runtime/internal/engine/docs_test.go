package engine

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// operations is the documentation for whoever runs a server.
func operations(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestLimitsAreDocumentedWithTheirDefaults looks for a row of each limit: | `Name` | default | ...
func TestLimitsAreDocumentedWithTheirDefaults(t *testing.T) {
	t.Parallel()
	doc := operations(t)
	limits := reflect.ValueOf(Limits{}.withDefaults())
	for i := range limits.NumField() {
		row := fmt.Sprintf("| `%s` | %s |", limits.Type().Field(i).Name, inWords(limits.Field(i).Interface()))
		if !strings.Contains(doc, "\n"+row) {
			t.Errorf("docs/operations.md has no row %q", row)
		}
	}
}

// inWords is a limit as people write it.
func inWords(value any) string {
	switch v := value.(type) {
	case time.Duration:
		return fmt.Sprintf("%g s", v.Seconds())
	case int:
		switch {
		case v >= 1<<20 && v%(1<<20) == 0:
			return fmt.Sprintf("%d MiB", v>>20)
		case v > 1<<10 && v%(1<<10) == 0:
			return fmt.Sprintf("%d KiB", v>>10)
		}
		text := strconv.Itoa(v)
		for i := len(text) - 3; i > 0; i -= 3 {
			text = text[:i] + "," + text[i:]
		}
		return text
	}
	return fmt.Sprint(value)
}

// TestLogEntriesAreDocumented compares what the source logs with the table: | level | message | keys | ... Entries with one
// level and message are one row.
func TestLogEntriesAreDocumented(t *testing.T) {
	t.Parallel()
	rows := make(map[string][]string)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	others, err := filepath.Glob("../../presence/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, others...) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if level, message, keys := logEntry(call); level != "" {
					row := level + " | " + message
					rows[row] = append([]string{}, rows[row]...) // also where there are no keys
					for _, key := range keys {
						if !slices.Contains(rows[row], key) {
							rows[row] = append(rows[row], key)
						}
					}
				}
			}
			return true
		})
	}
	doc := operations(t)
	for row, keys := range rows {
		row = "| " + row + " | " + strings.Join(keys, ", ") + " |"
		if !strings.Contains(doc, "\n"+row) {
			t.Errorf("docs/operations.md has no row %q", row)
		}
	}
	for line := range strings.Lines(doc) {
		cells := strings.Split(line, " | ")
		level := strings.TrimPrefix(cells[0], "| ")
		if slices.Contains(levels, level) && rows[level+" | "+cells[1]] == nil {
			t.Errorf("docs/operations.md has a row of what is not logged: %s", line)
		}
	}
}

var levels = []string{"Debug", "Info", "Warn", "Error"}

// logEntry returns what a call logs, if it does.
func logEntry(call *ast.CallExpr) (level, message string, keys []string) {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", "", nil
	}
	level, withContext := strings.CutSuffix(method.Sel.Name, "Context")
	args := call.Args
	if withContext && len(args) > 0 {
		args = args[1:]
	}
	if !slices.Contains(levels, level) || len(args) == 0 {
		return "", "", nil
	}
	message, ok = textOf(args[0])
	if !ok {
		return "", "", nil
	}
	args = args[1:]
	if len(args) == 1 { // attrs(...)
		attrs := args[0].(*ast.CallExpr)
		keys, args = []string{"conn", "id"}, attrs.Args
		switch of := attrs.Fun.(*ast.SelectorExpr).X.(type) {
		case *ast.Ident:
			if of.Name == "m" {
				keys = append(keys, "channel", "topic")
			}
		case *ast.SelectorExpr:
			if of.Sel.Name == "m" {
				keys = append(keys, "channel", "topic")
			}
		}
	}
	for i := 0; i < len(args); i += 2 {
		key, _ := textOf(args[i])
		keys = append(keys, key)
	}
	return level, message, keys
}

func textOf(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}
