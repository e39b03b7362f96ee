package main

import (
	"flag"
	"fmt"
	"strings"
)

const helpTail = `
Outputs go where the schema's options say; flags override them:

    options:
      go: { dir: chat, package: chat }
      ts: { file: web/chat.gen.ts }

Paths there are relative to the schema, on the command line to the current
directory. Without either, Go goes beside the schema as SCHEMA.gen.go, in the
package that the directory is named after, and TypeScript goes nowhere.

Exit codes: 0 fine, 1 problems found, 2 wrong usage, or a file could not be
read or written.
`

// help prints what the command does, or what one verb does.
func (c *command) help(args []string) int {
	switch len(args) {
	case 0:
		fmt.Fprint(c.stdout, "chgen turns schemas of channels into typed Go servers and TypeScript clients.\n\n")
		for _, v := range verbs() {
			fmt.Fprintf(c.stdout, "%s\n        %s\n", v.line(), v.about)
		}
		fmt.Fprint(c.stdout, helpTail)
		return exitFine
	case 1:
		for _, v := range verbs() {
			if v.name == args[0] {
				fmt.Fprintf(c.stdout, "%s\n\n%s.\n", v.line(), v.about)
				c.flagHelp(v.name)
				return exitFine
			}
		}
		c.errorf("there is no verb %q\nchgen help lists them", args[0])
		return exitUsage
	}
	c.errorf("help takes at most one verb")
	return exitUsage
}

func (v verb) line() string { return strings.TrimSpace("chgen " + v.name + " " + v.usage) }

func (c *command) flagHelp(verb string) {
	var flags *flag.FlagSet
	switch verb {
	case "generate", "check":
		flags, _ = outputFlags(verb)
	case "breaking":
		flags, _ = breakingFlags()
	case "fmt":
		flags, _ = fmtFlags()
	default:
		return
	}
	fmt.Fprintln(c.stdout)
	flags.VisitAll(func(f *flag.Flag) {
		name, about := flag.UnquoteUsage(f)
		fmt.Fprintf(c.stdout, "    %s\n        %s\n", strings.TrimSpace("-"+f.Name+" "+name), about)
	})
}
