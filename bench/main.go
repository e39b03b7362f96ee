// Command bench compares chgen with its peers and with the floor: it runs servers in turn, has the same clients put the
// same load on each, and prints what it cost as ratios of one and the same run.
//
//	go run . [-rounds 3] [-only NAME] [-kinds A,B] [-out RESULTS.md]
//	go run . -scale [-rounds 3] [-only NAME] [-out ../docs/scale.md]
//
// It needs Node.js and the peers that run on it (npm ci in node/), and a redis-server. See README.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/chgen/chgen/bench/load"
	"github.com/chgen/chgen/bench/serve"
	"github.com/chgen/chgen/runtime/pubsub/nats"
	"github.com/chgen/chgen/runtime/pubsub/redis"
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
	if len(args) > 0 && args[0] == "bus" {
		return runNATS()
	}
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	rounds := flags.Int("rounds", 3, "how many `times` each server is measured; medians are printed")
	only := flags.String("only", "", "the `workload` to run; all where it is empty")
	kinds := flags.String("kinds", "", "the `servers` to run, separated by commas; all where it is empty")
	scale := flags.Bool("scale", false, "measure how cost grows instead, for docs/scale.md")
	out := flags.String("out", "", "the `file` to write the report to, in place of its part between the marks; standard output where it is empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	p := plan{*rounds, *only, *kinds, *out}
	if *scale {
		return sweep(p)
	}
	return drive(p)
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

// backend returns a server that runs in this process, over the bus that BENCH_BUS names.
func backend(kind string) (serve.Backend, error) {
	bus := os.Getenv("BENCH_BUS")
	switch strings.TrimSuffix(kind, "-stalled") {
	case "raw":
		return &serve.Raw{Batch: 1}, nil
	case "raw-x32":
		return &serve.Raw{Batch: 32}, nil
	case "gws":
		return serve.NewGws(), nil
	case "centrifuge", "centrifuge-redis":
		return serve.NewCentrifuge(0, strings.TrimPrefix(bus, "redis://"))
	case "centrifuge-delay":
		return serve.NewCentrifuge(20*time.Millisecond, "")
	case "chgen", "chgen-presence":
		return serve.NewChgen(nil), nil
	case "chgen-redis":
		over, err := redis.New(context.Background(), bus, redis.Options{})
		if err != nil {
			return nil, err
		}
		return serve.NewChgen(over), nil
	case "chgen-nats":
		over, err := nats.New(context.Background(), bus, nats.Options{})
		if err != nil {
			return nil, err
		}
		return serve.NewChgen(over), nil
	}
	return nil, fmt.Errorf("unknown kind %q", kind)
}
