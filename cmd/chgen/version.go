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
	version := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	fmt.Fprintln(c.stdout, "chgen", version)
	return exitFine
}
