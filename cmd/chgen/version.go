package main

import (
	"fmt"
	"runtime/debug"
)

// version prints the version of the module that the command was built from.
func (c *command) version(args []string) int {
	if len(args) > 0 {
		c.errorf("version takes no arguments")
		return exitUsage
	}
	fmt.Fprintln(c.stdout, "chgen", moduleVersion())
	return exitFine
}

// moduleVersion is the version of chgen's module. The command is built as the main module, or as a tool of another.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == "github.com/chgen/chgen" && m.Version != "" {
			return m.Version
		}
	}
	return "(devel)"
}
