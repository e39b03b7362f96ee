package main

import (
	"fmt"
	"regexp"
	"strings"
)

// maxDiffLines is how much of a diff is shown of one file.
const maxDiffLines = 60

// check writes nothing and says what generate would change.
func (c *command) check(args []string) int {
	schemas, outputs, code := c.outputArgs("check", args)
	if outputs == nil {
		return code
	}
	p, code := c.plan(schemas, *outputs)
	if p == nil {
		return code
	}
	changed := p.changed()
	if len(changed)+len(p.orphans) == 0 {
		return exitFine
	}
	for _, o := range changed {
		if !o.exists {
			c.errorf("%s is missing", o.path)
			continue
		}
		c.errorf("%s is stale", o.path)
		fmt.Fprint(c.stdout, diff(o.path, string(o.old), string(o.content), maxDiffLines))
	}
	for _, orphan := range p.orphans {
		c.errorf("%s is orphaned: no schema makes it any more", orphan)
	}
	words := []string{"chgen", "generate"}
	for _, arg := range args {
		words = append(words, shellQuote(arg))
	}
	c.errorf("to fix it, run:\n%s", strings.Join(words, " "))
	return exitProblems
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellQuote writes an argument so that a shell reads it as it is.
func shellQuote(arg string) string {
	if plainWord.MatchString(arg) {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}
