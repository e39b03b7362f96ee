package main

import (
	"flag"
	"path/filepath"

	"github.com/chgen/chgen/templates"
	"github.com/chgen/chgen/templates/asyncapi"
)

// asyncapi prints a schema as an AsyncAPI document.
func (c *command) asyncapi(args []string) int {
	flags := flag.NewFlagSet("asyncapi", flag.ContinueOnError)
	if code, done := c.parse(flags, args); done {
		return code
	}
	if flags.NArg() != 1 {
		c.errorf("asyncapi needs one schema\nchgen help asyncapi says more")
		return exitUsage
	}
	sources, code := c.read(flags.Args())
	if code != exitFine {
		return code
	}
	files, err := asyncapi.Render(sources[0].schema, asyncapi.Options{})
	if err != nil {
		c.errorf("%s: %v", sources[0].path, err)
		return exitProblems
	}
	if _, err := c.stdout.Write(files[0].Content); err != nil {
		c.errorf("%v", err)
		return exitUsage
	}
	return exitFine
}

// renderAsyncAPI renders the document and says which directory it belongs in; no files where nobody asks for one.
func renderAsyncAPI(s *source, o outputArgs) (dir string, files []templates.File, err error) {
	option := s.schema.Options.AsyncAPI.File
	if o.asyncAPIFile == "" && option == "" {
		return "", nil, nil
	}
	path := s.place(o.asyncAPIFile, option)
	files, err = asyncapi.Render(s.schema, asyncapi.Options{File: filepath.Base(path)})
	return filepath.Dir(path), files, err
}
