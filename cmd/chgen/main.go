// Command chgen turns schemas of channels into typed Go servers and TypeScript clients.
//
// Each verb has a file of its own. A verb reads everything and renders everything before it writes anything, so that a
// problem leaves the outputs as they were.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
)

// The exit codes.
const (
	exitFine     = 0
	exitProblems = 1 // what was read or found is not as it should be
	exitUsage    = 2 // wrong usage, or something could not be read or written
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole command: args without the command's name in, the exit code out.
func run(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	c := &command{stdout: stdout, stderr: stderr}
	if len(args) == 0 {
		c.errorf("no schema is given: chgen SCHEMA...\nchgen help says more")
		return exitUsage
	}
	if isHelp(args[0]) {
		return c.help(nil)
	}
	for _, v := range verbs() {
		switch {
		case v.name != args[0]:
		case len(args) > 1 && isHelp(args[1]):
			return c.help(args[:1])
		default:
			return v.run(c, args[1:])
		}
	}
	return c.generate(args)
}

func isHelp(arg string) bool { return slices.Contains([]string{"-h", "-help", "--help"}, arg) }

// command is one run: where it writes to.
type command struct {
	stdout, stderr io.Writer
}

// verb is what the command can be told to do.
type verb struct {
	name, usage, about string
	run                func(c *command, args []string) int
}

// verbs lists the verbs in the order of the help.
func verbs() []verb {
	return []verb{
		{"generate", "[-go DIR] [-ts FILE] [-react FILE] [-client] [-check-ts FILE] [-asyncapi FILE] [-watch] SCHEMA...", "write Go and TypeScript (the default verb)", (*command).generate},
		{"check", "[-go DIR] [-ts FILE] [-react FILE] [-client] [-check-ts FILE] [-asyncapi FILE] SCHEMA...", "write nothing; fail where generate would change something", (*command).check},
		{"breaking", "-against FILE|git:REV [-format text|json|github] SCHEMA", "say what would break deployed clients", (*command).breaking},
		{"init", "[DIR]", "start a project that runs, in DIR or here", (*command).init},
		{"fmt", "[-w] SCHEMA...", "print schemas in their canonical form", (*command).fmt},
		{"schema", "", "print the JSON Schema by which editors check schemas", (*command).schema},
		{"asyncapi", "SCHEMA", "print the schema as an AsyncAPI 3 document", (*command).asyncapi},
		{"version", "", "print the version", (*command).version},
		{"help", "[VERB]", "print this, or what a verb does", (*command).help},
	}
}

func (c *command) errorf(format string, args ...any) {
	fmt.Fprintf(c.stderr, "chgen: "+format+"\n", args...)
}

// parse reads the flags of a verb; done says that there is nothing more to do, and code is then the exit code.
func (c *command) parse(flags *flag.FlagSet, args []string) (code int, done bool) {
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return c.help([]string{flags.Name()}), true
	case err != nil:
		c.errorf("%v\nchgen help %s says more", err, flags.Name())
		return exitUsage, true
	}
	return exitFine, false
}
