package main

import (
	"flag"
	"fmt"
)

// outputArgs is what the command line says about outputs. Paths are relative to the current directory.
type outputArgs struct {
	goDir, tsFile string
	goClient      bool
	asyncAPIFile  string
	tsReactFile   string
	tsCheckFile   string
	watch         bool
}

// outputFlags are the flags of the verbs that deal with outputs.
func outputFlags(verb string) (*flag.FlagSet, *outputArgs) {
	o := &outputArgs{}
	flags := flag.NewFlagSet(verb, flag.ContinueOnError)
	flags.StringVar(&o.goDir, "go", "", "write Go into the directory `DIR`")
	flags.BoolVar(&o.goClient, "client", false, "write Go clients of the channels, too")
	flags.StringVar(&o.tsFile, "ts", "", "write the TypeScript client to `FILE`")
	flags.StringVar(&o.tsReactFile, "react", "", "write React hooks for the TypeScript client to `FILE`")
	flags.StringVar(&o.tsCheckFile, "check-ts", "", "write what checks payloads in TypeScript, for development and tests, to `FILE`")
	flags.StringVar(&o.asyncAPIFile, "asyncapi", "", "write the AsyncAPI document to `FILE`")
	if verb == "generate" {
		flags.BoolVar(&o.watch, "watch", false, "generate again whenever a schema changes, until interrupted")
	}
	return flags, o
}

// generate renders every schema and then writes what has changed.
func (c *command) generate(args []string) int {
	schemas, o, code := c.outputArgs("generate", args)
	switch {
	case o == nil:
		return code
	case o.watch:
		return c.watchUntilInterrupted(schemas, func() int { return c.generateOnce(schemas, *o) })
	}
	return c.generateOnce(schemas, *o)
}

func (c *command) generateOnce(schemas []string, o outputArgs) int {
	p, code := c.plan(schemas, o)
	if p == nil {
		return code
	}
	sweep(p.outputs)
	if err := write(p.changed()); err != nil {
		c.errorf("%v", err)
		return exitUsage
	}
	for _, o := range p.changed() {
		fmt.Fprintln(c.stdout, "wrote", o.path)
	}
	for _, orphan := range p.orphans {
		if err := remove(orphan); err != nil {
			c.errorf("%v", err)
			return exitUsage
		}
		fmt.Fprintln(c.stdout, "removed", orphan)
	}
	return exitFine
}
