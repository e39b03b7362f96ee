package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chgen/chgen/schema"
	"github.com/chgen/chgen/schema/ir"
)

// plan is what should stand on the disk.
type plan struct {
	outputs []*output
	orphans []string // files of ours that no longer belong, sorted
}

// output is one file that should stand on the disk.
type output struct {
	path    string // as messages name it
	content []byte
	source  *source
	old     []byte
	exists  bool
}

// source is a schema that was read.
type source struct {
	path   string // as the command line names it
	text   []byte
	schema *ir.Schema
}

// changed returns the outputs that are missing or stale.
func (p *plan) changed() []*output {
	var changed []*output
	for _, o := range p.outputs {
		if !o.exists || !bytes.Equal(o.old, o.content) {
			changed = append(changed, o)
		}
	}
	return changed
}

// outputArgs reads the command line of a verb that deals with outputs. They are nil where there is nothing more to do,
// and code is then the exit code.
func (c *command) outputArgs(verb string, args []string) (schemas []string, o *outputArgs, code int) {
	flags, o := outputFlags(verb)
	if code, done := c.parse(flags, args); done {
		return nil, nil, code
	}
	if flags.NArg() == 0 {
		c.errorf("%s needs a schema\nchgen help %s says more", verb, verb)
		return nil, nil, exitUsage
	}
	return flags.Args(), o, exitFine
}

// plan reads and renders everything that these schemas ask for. Where that cannot be done, all that stands in the way
// has been reported and the plan is nil.
func (c *command) plan(schemas []string, o outputArgs) (*plan, int) {
	sources, code := c.read(schemas)
	if code != exitFine {
		return nil, code
	}
	p := &plan{}
	var problems []error
	for _, s := range sources {
		outputs, err := render(s, o)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", s.path, err))
		}
		p.add(outputs)
	}
	problems = append(problems, p.conflicts()...)
	if len(problems) == 0 {
		problems = p.compare()
	}
	for _, err := range problems {
		c.errorf("%v", err)
	}
	if len(problems) == 0 {
		return p, exitFine
	}
	if slices.ContainsFunc(problems, isPathError) {
		return nil, exitUsage
	}
	return nil, exitProblems
}

func isPathError(err error) bool {
	var pathError *fs.PathError
	return errors.As(err, &pathError)
}

// read parses every schema and reports what is wrong with any of them.
func (c *command) read(paths []string) ([]*source, int) {
	var sources []*source
	code := exitFine
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			c.errorf("%s", unreadable(path, err))
			code = exitUsage
			continue
		}
		parsed, problems := schema.Parse(filepath.Base(path), src)
		if len(problems) > 0 {
			if err := problems.Render(c.stderr, path, src); err != nil {
				return nil, exitUsage
			}
			code = max(code, exitProblems)
			continue
		}
		sources = append(sources, &source{path: path, text: src, schema: parsed})
	}
	return sources, code
}

func unreadable(path string, err error) string {
	switch {
	case strings.HasPrefix(path, "-"):
		return path + ": flags stand before the schemas"
	case errors.Is(err, fs.ErrNotExist) && filepath.Ext(path) == "":
		return path + " is neither a verb nor a file\nchgen help lists the verbs"
	case errors.Is(err, fs.ErrNotExist):
		return path + ": there is no such file"
	}
	return err.Error()
}

// conflicts reports outputs that get into each other's way: two for one path, or two schemas in one Go package, which
// both declare ConnectParams.
func (p *plan) conflicts() []error {
	var problems []error
	byPath, byPackage := map[string]*output{}, map[string]*output{}
	for _, o := range p.outputs {
		key := absolute(o.path)
		if first := byPath[key]; first != nil {
			problems = append(problems, fmt.Errorf("%s: both %s and %s would go there", o.path, first.source.path, o.source.path))
			continue
		}
		byPath[key] = o
		if filepath.Ext(key) != ".go" {
			continue
		}
		dir := filepath.Dir(key)
		if first := byPackage[dir]; first != nil && first.source != o.source {
			problems = append(problems, fmt.Errorf("%s and %s would share the Go package in %s: give each a directory of its own (options: go: { dir: ... })",
				first.source.path, o.source.path, filepath.Dir(o.path)))
			continue
		}
		byPackage[dir] = o
	}
	return problems
}

// compare looks at what stands on the disk.
func (p *plan) compare() []error {
	var problems []error
	for _, o := range p.outputs {
		old, err := os.ReadFile(o.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			problems = append(problems, err)
			continue
		case generatedFrom(old) == "":
			problems = append(problems, fmt.Errorf("%s is not chgen's to overwrite: it does not begin with the header of a generated file", o.path))
		}
		o.old, o.exists = old, true
	}
	if len(problems) == 0 {
		var err error
		if p.orphans, err = p.findOrphans(); err != nil {
			problems = append(problems, err)
		}
	}
	return problems
}

// absolute names a file in one way only.
func absolute(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return filepath.Clean(path)
	}
	return abs
}
