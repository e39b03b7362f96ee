package main

import (
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
	presence, churned := []string{"chgen-presence"}, []string{cpuEach, cpuFrame, perSecond}
	delivered := []string{cpuEach, perSecond, p50, p99, p999}
	return []workload{
		{"fanout-paced-1000", "30,000 deliveries a second to 1,000 subscribers", everybody, "raw", delivered, fanOut(1000, 1, 30_000)},
		{"fanout-paced-5000", "30,000 deliveries a second to 5,000 subscribers", []string{"raw", "gws", "centrifuge", "chgen"}, "raw", delivered, fanOut(5000, 1, 30_000)},
		{"fanout-saturated-1000", "as fast as 1,000 subscribers take it, at most 256 publications ahead of the slowest",
			[]string{"raw-x32", "raw", "gws", "centrifuge", "centrifuge-delay", "socketio", "ws", "chgen"}, "raw-x32", delivered, fanOut(1000, 1, 0)},
		{"fanout-saturated-5000", "the same with 5,000 subscribers", []string{"raw-x32", "centrifuge-delay", "chgen"}, "raw-x32", delivered, fanOut(5000, 1, 0)},
		{"fanout-half", "250,000 deliveries a second to 1,000 subscribers, half of what centrifuge saturates at without its delay",
			[]string{"raw", "gws", "centrifuge", "centrifuge-delay", "chgen"}, "raw", delivered, fanOut(1000, 1, 250_000)},
		{"fanout-half-delay", "700,000 deliveries a second to 1,000 subscribers, half of what centrifuge saturates at with its delay",
			[]string{"centrifuge-delay", "chgen"}, "centrifuge-delay", delivered, fanOut(1000, 1, 700_000)},
		{"topics", "30,000 deliveries a second over 9,900 topics of two", []string{"raw", "gws", "centrifuge", "chgen"}, "raw", delivered, fanOut(19_800, 9900, 30_000)},
		{"stalled", "250,000 deliveries a second to 1,000 subscribers, without and with one more that does not read",
			[]string{"chgen", "chgen-stalled", "centrifuge", "centrifuge-stalled"}, "chgen", []string{p99, p50, p999, cpuEach}, fanOut(1000, 1, 250_000)},
		{"bus", "30,000 deliveries a second to 1,000 subscribers on two servers, with Redis or NATS between them; CPU is that of both",
			[]string{"centrifuge-redis", "chgen-redis", "chgen-nats", "chgen"}, "centrifuge-redis", delivered, fanOut(1000, 1, 30_000)},
		{"echo-1", "push and reply, one connection", []string{"gws", "raw", "centrifuge", "socketio", "ws", "chgen"}, "gws", []string{cpuEach, perSecond, p50, p99}, echo(1)},
		{"echo-100", "push and reply, 100 connections at once", []string{"gws", "raw", "centrifuge", "socketio", "ws", "chgen"}, "gws", []string{cpuEach, perSecond, p50, p99}, echo(100)},
		{"echo-1000", "push and reply, 1,000 connections at once", []string{"gws", "raw", "centrifuge", "socketio", "ws", "chgen"}, "gws", []string{cpuEach, perSecond, p50, p99}, echo(1000)},
		{"joins", "3,000 clients connect and join, 64 at a time", []string{"centrifuge", "gws", "socketio", "chgen"}, "centrifuge", []string{cpuEach, perSecond}, joins(3000, 1)},
		{"storm", "2,000 clients lose their connections and come back, three times", []string{"centrifuge", "chgen"}, "centrifuge", []string{cpuEach, perSecond}, joins(2000, 4)},
		{"presence", "1,000 clients join one topic with presence, 64 at a time", []string{"chgen-presence"}, "chgen-presence", []string{cpuEach, perSecond}, crowd(1000)},
		{"presence-10", "500 changes of presence a second on a topic with 10 members", presence, presence[0], churned, churn(10, 500)},
		{"presence-100", "300 changes a second with 100 members", presence, presence[0], churned, churn(100, 300)},
		{"presence-1000", "30 changes a second with 1,000 members", presence, presence[0], churned, churn(1000, 30)},
		{"idle", "10,000 clients, each joined to a topic of its own, a heartbeat of each spread over 2 s",
			[]string{"raw", "gws", "centrifuge", "socketio", "chgen", "chgen-portable"}, "raw", []string{memory, cpuEach}, idle(10_000, 2)},
	}
}

// drive runs what p says.
func drive(p plan) error {
	var report strings.Builder
	head(&report, p.rounds)
	peers(&report)
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
				s, err := with(kind, nodes(kind), w.measure)
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
