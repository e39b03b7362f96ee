// Command bench compares chgen with its peers and with the floor: it runs servers in turn, has the same clients put the
// same load on each, and prints what it cost as ratios of one and the same run.
//
//	go run . [-rounds 3] [-only NAME] [-out RESULTS.md]
//
// It needs Node.js, and the peers that run on it: npm ci in node/. See README.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
	"time"

	"github.com/chgen/chgen/bench/load"
	"github.com/chgen/chgen/bench/serve"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) > 0 && args[0] == "load" {
		return load.Run(os.Stdin, os.Stdout)
	}
	if len(args) > 1 && args[0] == "serve" {
		return runServer(args[1])
	}
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	rounds := flags.Int("rounds", 3, "how many `times` each server is measured; medians are printed")
	only := flags.String("only", "", "the `workload` to run; all where it is empty")
	kinds := flags.String("kinds", "", "the `servers` to run, separated by commas; all where it is empty")
	out := flags.String("out", "", "the `file` to write the report to, in place of its part between the marks; standard output where it is empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return drive(context.Background(), plan{*rounds, *only, *kinds, *out})
}

// runServer serves until standard input ends, with a profile of it where BENCH_PROFILE names a file.
func runServer(kind string) error {
	if name := os.Getenv("BENCH_PROFILE"); name != "" {
		profile, err := os.Create(name)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(profile); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	b, err := backend(kind)
	if err != nil {
		return err
	}
	return serve.Run(b, os.Stdin, os.Stdout)
}

// backend returns a server that runs in this process.
func backend(kind string) (serve.Backend, error) {
	switch kind {
	case "raw":
		return &serve.Raw{Batch: 1}, nil
	case "raw-x32":
		return &serve.Raw{Batch: 32}, nil
	case "gws":
		return serve.NewGws(), nil
	case "centrifuge":
		return serve.NewCentrifuge(0)
	case "centrifuge-delay":
		return serve.NewCentrifuge(20 * time.Millisecond)
	case "chgen", "chgen-presence":
		return serve.NewChgen(nil), nil
	}
	return nil, fmt.Errorf("unknown kind %q", kind)
}
