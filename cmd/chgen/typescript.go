package main

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chgen/chgen/templates"
	"github.com/chgen/chgen/templates/typescript"
)

// renderTypeScript renders the client, the runtime where that is a file of its own, the hooks for React and the checker,
// and calls add with the directory of each.
func renderTypeScript(s *source, o outputArgs, add func(dir string, files []templates.File)) error {
	options := s.schema.Options.TS
	client := ""
	if o.tsFile != "" || options.File != "" {
		client = s.place(o.tsFile, options.File)
		runtime := s.runtimeFile()
		files, err := typescript.Render(s.schema, typescript.Options{
			File:    filepath.Base(client),
			Runtime: s.runtimeImport(runtime, filepath.Dir(client)),
		})
		if err != nil {
			return err
		}
		add(filepath.Dir(client), files)
		if runtime != "" {
			add(filepath.Dir(runtime), []templates.File{typescript.RenderRuntime(filepath.Base(runtime))})
		}
	}
	if o.tsReactFile != "" || options.React != "" {
		if client == "" {
			return errors.New("the hooks for React use the TypeScript client: say where it goes (-ts FILE, or options: ts: { file: ... })")
		}
		file := s.place(o.tsReactFile, options.React)
		files, err := typescript.RenderReact(s.schema, filepath.Base(file), importPath(filepath.Dir(file), client))
		if err != nil {
			return err
		}
		add(filepath.Dir(file), files)
	}
	if o.tsCheckFile != "" || options.Check != "" {
		file := s.place(o.tsCheckFile, options.Check)
		files, err := typescript.RenderCheck(s.schema, filepath.Base(file))
		if err != nil {
			return err
		}
		add(filepath.Dir(file), files)
	}
	return nil
}

// runtimeFile is the file that holds the runtime of several schemas, where the options name one: a path that ends in
// .ts, relative to the schema. Anything else there is a module of somebody else's making.
func (s *source) runtimeFile() string {
	if runtime := s.schema.Options.TS.Runtime; strings.HasSuffix(runtime, ".ts") {
		return s.place("", runtime)
	}
	return ""
}

// runtimeImport is how a module in dir imports the runtime, from the file if there is one; empty where the client has
// the runtime inside. In the options a path begins with a dot; what does not is the name of a package.
func (s *source) runtimeImport(file, dir string) string {
	if file == "" {
		file = s.schema.Options.TS.Runtime
		if !strings.HasPrefix(file, ".") {
			return file
		}
		file = s.place("", file)
	}
	return importPath(dir, file)
}

// importPath is how a module in dir imports file.
func importPath(dir, file string) string {
	rel, err := filepath.Rel(absolute(dir), absolute(file))
	if err != nil {
		return filepath.ToSlash(file) // on another drive
	}
	rel = strings.TrimSuffix(filepath.ToSlash(rel), ".ts")
	if !strings.HasPrefix(rel, ".") {
		rel = "./" + rel
	}
	return rel
}

// add adds the outputs of one schema. The runtime, which is the same for all that share it, is there once.
func (p *plan) add(outputs []*output) {
	for _, o := range outputs {
		shared := generatedFrom(o.content) == typescript.RuntimeOrigin &&
			slices.ContainsFunc(p.outputs, func(have *output) bool {
				return absolute(have.path) == absolute(o.path) && generatedFrom(have.content) == typescript.RuntimeOrigin
			})
		if !shared {
			p.outputs = append(p.outputs, o)
		}
	}
}
