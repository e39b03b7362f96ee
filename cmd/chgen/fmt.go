package main

import (
	"bytes"
	"flag"
	"fmt"

	"github.com/chgen/chgen/schema"
)

func fmtFlags() (flags *flag.FlagSet, inPlace *bool) {
	flags = flag.NewFlagSet("fmt", flag.ContinueOnError)
	return flags, flags.Bool("w", false, "write the schemas instead of printing them")
}

// fmt prints schemas in their canonical form, or writes those that have another one.
func (c *command) fmt(args []string) int {
	flags, inPlace := fmtFlags()
	if code, done := c.parse(flags, args); done {
		return code
	}
	if flags.NArg() == 0 {
		c.errorf("fmt needs a schema\nchgen help fmt says more")
		return exitUsage
	}
	sources, code := c.read(flags.Args())
	if code != exitFine {
		return code
	}
	var all, changed []*output
	for _, s := range sources {
		formatted, err := schema.Format(s.text)
		if err != nil {
			c.errorf("%s: %v", s.path, err)
			code = exitProblems
			continue
		}
		o := &output{path: s.path, content: formatted}
		all = append(all, o)
		if !bytes.Equal(s.text, formatted) {
			changed = append(changed, o)
		}
	}
	switch {
	case code != exitFine:
		return code
	case *inPlace:
		return c.replace(changed)
	}
	for _, o := range all {
		if _, err := c.stdout.Write(o.content); err != nil {
			c.errorf("%v", err)
			return exitUsage
		}
	}
	return exitFine
}

// replace writes schemas in place.
func (c *command) replace(schemas []*output) int {
	sweep(schemas)
	if err := write(schemas); err != nil {
		c.errorf("%v", err)
		return exitUsage
	}
	for _, o := range schemas {
		fmt.Fprintln(c.stdout, "wrote", o.path)
	}
	return exitFine
}
