package main

import "github.com/chgen/chgen/schema"

// schema prints the JSON Schema by which editors complete and check schemas.
func (c *command) schema(args []string) int {
	if len(args) > 0 {
		c.errorf("schema takes no arguments")
		return exitUsage
	}
	if _, err := c.stdout.Write(schema.JSONSchema()); err != nil {
		c.errorf("%v", err)
		return exitUsage
	}
	return exitFine
}
