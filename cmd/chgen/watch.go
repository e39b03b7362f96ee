package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// pollInterval is how often schemas are looked at. A file that is being saved counts once it has stood for one.
const pollInterval = 100 * time.Millisecond

func (c *command) watchUntilInterrupted(schemas []string, generate func() int) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	fmt.Fprintf(c.stdout, "watching %s; interrupt to end\n", strings.Join(schemas, ", "))
	c.watch(ctx, ticker.C, func() []string { return contents(schemas) }, generate)
	return exitFine
}

// watch generates at once, and again whenever what look sees has changed and then stood for one tick, until ctx ends.
func (c *command) watch(ctx context.Context, ticks <-chan time.Time, look func() []string, generate func() int) {
	generated := look()
	generate()
	for last := generated; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
		now := look()
		if slices.Equal(now, last) && !slices.Equal(now, generated) {
			generated = now
			if generate() == exitFine {
				fmt.Fprintln(c.stdout, "up to date")
			}
		}
		last = now
	}
}

// contents returns what stands in files, or why that cannot be read. Contents rather than times: a save within the
// resolution of a file system's clock would be overlooked, and schemas are small.
func contents(files []string) []string {
	all := make([]string, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		all[i] = string(text)
		if err != nil {
			all[i] = "cannot be read: " + err.Error()
		}
	}
	return all
}
