package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
)

// plan is what is to be run.
type plan struct {
	rounds int
	only   string // workload
	kinds  string
	out    string
}

// workload is one comparison.
type workload struct {
	name    string
	says    string // what is done
	kinds   []string
	floor   string   // the kind that ratios are to
	figures []string // in the order they are printed
	measure func(r *round) (sample, error)
}

var everybody = []string{"raw", "gws", "centrifuge", "socketio", "ws", "chgen"}

// workloads are all comparisons, in the order they are run.
func workloads() []workload {
	delivered := []string{cpuEach, perSecond, p50, p99, p999}
	return []workload{
		{"fanout-paced-1000", "30,000 deliveries a second to 1,000 subscribers", everybody, "raw", delivered, fanOut(1000, 1, 30_000, 2)},
		{"fanout-paced-5000", "30,000 deliveries a second to 5,000 subscribers", []string{"raw", "gws", "centrifuge", "chgen"}, "raw", delivered, fanOut(5000, 1, 30_000, 2)},
		{"fanout-saturated-1000", "as fast as 1,000 subscribers take it, at most 256 publications ahead of the slowest",
			[]string{"raw-x32", "raw", "gws", "centrifuge", "centrifuge-delay", "socketio", "ws", "chgen"}, "raw-x32", delivered, fanOut(1000, 1, 0, 2)},
		{"fanout-saturated-5000", "the same with 5,000 subscribers", []string{"raw-x32", "centrifuge-delay", "chgen"}, "raw-x32", delivered, fanOut(5000, 1, 0, 2)},
		{"fanout-half", "250,000 deliveries a second to 1,000 subscribers, half of what centrifuge saturates at without its delay",
			[]string{"raw", "gws", "centrifuge", "centrifuge-delay", "chgen"}, "raw", delivered, fanOut(1000, 1, 250_000, 2)},
		{"topics", "30,000 deliveries a second over 5,000 topics of two", []string{"raw", "gws", "centrifuge", "chgen"}, "raw", delivered, fanOut(10_000, 5000, 30_000, 2)},
		{"echo-1", "push and reply, one connection", []string{"gws", "raw", "centrifuge", "socketio", "ws", "chgen"}, "gws", []string{cpuEach, perSecond, p50, p99}, echo(1, 1)},
		{"echo-100", "push and reply, 100 connections at once", []string{"gws", "raw", "centrifuge", "socketio", "ws", "chgen"}, "gws", []string{cpuEach, perSecond, p50, p99}, echo(100, 2)},
		{"echo-1000", "push and reply, 1,000 connections at once", []string{"gws", "raw", "centrifuge", "socketio", "ws", "chgen"}, "gws", []string{cpuEach, perSecond, p50, p99}, echo(1000, 2)},
		{"joins", "3,000 clients connect and join, 64 at a time", []string{"centrifuge", "gws", "socketio", "chgen"}, "centrifuge", []string{cpuEach, perSecond}, joins(3000, 1)},
		{"storm", "2,000 clients lose their connections and come back, three times", []string{"centrifuge", "chgen"}, "centrifuge", []string{cpuEach, perSecond}, joins(2000, 4)},
		{"presence", "1,000 clients join one topic with presence, 64 at a time", []string{"chgen-presence"}, "chgen-presence", []string{cpuEach, perSecond}, crowd(1000)},
		{"idle", "10,000 clients, each joined to a topic of its own, a heartbeat of each spread over 5 s",
			[]string{"raw", "gws", "centrifuge", "socketio", "chgen"}, "raw", []string{memory, cpuEach}, idle(10_000, 5)},
	}
}

// drive runs what p says.
func drive(_ context.Context, p plan) error {
	var report strings.Builder
	head(&report, p.rounds)
	for _, w := range workloads() {
		if p.only != "" && p.only != w.name {
			continue
		}
		kinds := slices.DeleteFunc(slices.Clone(w.kinds), func(kind string) bool {
			return p.kinds != "" && !slices.Contains(strings.Split(p.kinds, ","), kind)
		})
		samples := make(map[string][]sample)
		for range p.rounds {
			for _, kind := range kinds { // in turn, so that what the machine does meanwhile meets all of them
				s, err := with(kind, w.measure)
				if err != nil {
					return fmt.Errorf("%s: %w", w.name, err)
				}
				samples[kind] = append(samples[kind], s)
				fmt.Fprintln(os.Stderr, w.name, kind, s)
			}
		}
		section(&report, w, kinds, samples)
	}
	return write(p.out, report.String())
}
