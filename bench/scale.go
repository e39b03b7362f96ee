package main

import (
	"fmt"
	"os"
	"strings"
)

// growth is how a cost grows with one size while everything else stays.
type growth struct {
	name    string
	says    string // what is done
	of      string // what grows
	figures []string
	sizes   []int
	kind    string
	nodes   func(size int) int
	measure func(size int) func(r *round) (sample, error)
}

func oneNode(int) int { return 1 }

// growths are all of them, in the order they are measured.
func growths() []growth {
	delivered := []string{cpuEach, p50, p99}
	return []growth{
		{"subscribers", "30,000 deliveries a second on one topic", "subscribers", delivered, []int{100, 1000, 5000, 10_000}, "chgen", oneNode,
			func(n int) func(*round) (sample, error) { return fanOut(n, 1, 30_000) }},
		{"topics", "30,000 deliveries a second to 10,000 subscribers", "topics", delivered, []int{1, 10, 100, 1000, 10_000}, "chgen", oneNode,
			func(n int) func(*round) (sample, error) { return fanOut(10_000, n, 30_000) }},
		{"messages", "1,000 subscribers of one topic", "deliveries a second", delivered, []int{3000, 10_000, 30_000, 100_000, 300_000}, "chgen", oneNode,
			func(n int) func(*round) (sample, error) { return fanOut(1000, 1, float64(n)) }},
		{"nodes", "30 publications a second by one node to 1,000 subscribers on each, over Redis; CPU is that of all nodes", "nodes",
			append(delivered, busBytes), []int{1, 2, 3}, "chgen-redis", func(n int) int { return n }, overBus},
		{"presence", "changes for 10,000 frames a second, on one topic with presence", "members", []string{cpuEach, cpuFrame}, []int{10, 100, 1000},
			"chgen-presence", oneNode, func(n int) func(*round) (sample, error) { return churn(n, 10_000/float64(n)) }},
		{"joins", "clients connect and join topics of ten, 64 at a time", "clients", []string{cpuEach, perSecond}, []int{1000, 5000, 15_000}, "chgen", oneNode,
			func(n int) func(*round) (sample, error) { return joins(n, 1) }},
		{"idle", "clients that have joined a topic of their own, a heartbeat of each spread over 5 s", "clients", []string{memory, cpuEach},
			[]int{1000, 5000, 10_000, 19_000}, "chgen", oneNode, func(n int) func(*round) (sample, error) { return idle(n, 5) }},
	}
}

// overBus is fanOut that counts what crosses the bus, for each publication.
func overBus(n int) func(r *round) (sample, error) {
	subscribers := 1000 * n
	deliver := fanOut(subscribers, 1, 30*float64(subscribers))
	return func(r *round) (sample, error) {
		before, err := r.bus.bytes()
		if err != nil {
			return nil, err
		}
		s, err := deliver(r)
		if err != nil {
			return nil, err
		}
		after, err := r.bus.bytes()
		s[busBytes] = float64(after-before) / (30 * (lasting + warmFor))
		return s, err
	}
}

// sweep measures how costs grow.
func sweep(p plan) error {
	var report strings.Builder
	head(&report, p.rounds)
	for _, g := range growths() {
		if p.only != "" && p.only != g.name {
			continue
		}
		samples := make(map[int][]sample)
		for range p.rounds {
			for _, size := range g.sizes {
				s, err := with(g.kind, g.nodes(size), g.measure(size))
				if err != nil {
					return fmt.Errorf("%s %d: %w", g.name, size, err)
				}
				samples[size] = append(samples[size], s)
				fmt.Fprintln(os.Stderr, g.name, size, s)
			}
		}
		g.table(&report, samples)
	}
	return write(p.out, report.String())
}

func (g growth) table(b *strings.Builder, samples map[int][]sample) {
	fmt.Fprintf(b, "\n### %s\n\n%s.\n\n| %s |", g.name, strings.ToUpper(g.says[:1])+g.says[1:], g.of)
	rule := "|---|"
	for _, figure := range g.figures {
		fmt.Fprintf(b, " %s |", figure)
		rule += "---|"
	}
	b.WriteString("\n" + rule + "\n")
	for _, size := range g.sizes {
		fmt.Fprintf(b, "| %d |", size)
		cells(b, samples[size], g.figures)
	}
}
