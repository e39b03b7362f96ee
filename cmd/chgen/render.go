package main

import (
	"fmt"
	"go/build"
	"go/token"
	"io"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/chgen/chgen/schema/ir"
	"github.com/chgen/chgen/templates"
	"github.com/chgen/chgen/templates/golang"
)

// render renders all outputs of one schema.
func render(s *source, o outputArgs) ([]*output, error) {
	var outputs []*output
	add := func(dir string, files []templates.File) {
		for _, f := range files {
			path := filepath.Join(dir, filepath.FromSlash(f.Path))
			outputs = append(outputs, &output{path: path, content: f.Content, source: s})
		}
	}
	dir := s.place(o.goDir, s.schema.Options.Go.Dir)
	files, err := renderGo(s.schema, dir, o.goClient || s.schema.Options.Go.Client)
	if err != nil {
		return nil, err
	}
	add(dir, files)
	if err := renderTypeScript(s, o, add); err != nil {
		return nil, err
	}
	dir, files, err = renderAsyncAPI(s, o)
	if err != nil {
		return nil, err
	}
	add(dir, files)
	return outputs, nil
}

// place is where an output goes: relative to the current directory where a flag says it, to the schema otherwise.
func (s *source) place(flag, option string) string {
	if flag != "" {
		return filepath.Clean(flag)
	}
	option = filepath.FromSlash(option)
	if filepath.IsAbs(option) {
		return filepath.Clean(option)
	}
	return filepath.Join(filepath.Dir(s.path), option)
}

func renderGo(s *ir.Schema, dir string, client bool) ([]templates.File, error) {
	name := s.Options.Go.Package
	if name == "" {
		var err error
		if name, err = packageName(filepath.Base(absolute(dir))); err != nil {
			return nil, err
		}
	}
	files, err := golang.Render(s, golang.Options{Package: name, Client: client})
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if !builtEverywhere(f.Path) {
			return nil, fmt.Errorf("go would not build %s everywhere because of its name: rename the schema", f.Path)
		}
	}
	return files, nil
}

// packageName makes the name of a package of the name of its directory: my-app is myapp.
func packageName(dir string) (string, error) {
	name := strings.Map(func(r rune) rune {
		if r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, dir)
	if !token.IsIdentifier(name) || name == "_" {
		return "", fmt.Errorf("no Go package can be named after the directory %q: say options: go: { package: NAME }", dir)
	}
	return name, nil
}

// builtEverywhere reports whether the go command takes a file of this name on every system: it does not where the name
// ends in one (chat_linux), or begins with a dot or an underscore.
func builtEverywhere(name string) bool {
	nowhere := build.Context{
		GOOS: "nowhere", GOARCH: "nothing", Compiler: "gc",
		OpenFile: func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("package p\n")), nil },
	}
	match, err := nowhere.MatchFile("", name)
	return err == nil && match
}
