package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// The marks around what is written into a file.
const (
	beginMark = "<!-- bench: begin -->"
	endMark   = "<!-- bench: end -->"
)

func head(b *strings.Builder, rounds int) {
	fmt.Fprintf(b, "%d cores (%s), %s, %s/%s, %s. Medians of %d interleaved rounds; the spread in parentheses is that of the rounds.\n",
		runtime.NumCPU(), cpuName(), runtime.Version(), runtime.GOOS, runtime.GOARCH, time.Now().Format("2 January 2006"), rounds)
}

// peers says what is compared with.
func peers(b *strings.Builder) {
	if info, ok := debug.ReadBuildInfo(); ok {
		var versions []string
		for _, m := range info.Deps {
			if m.Path == "github.com/lxzan/gws" || m.Path == "github.com/centrifugal/centrifuge" {
				versions = append(versions, m.Path+" "+m.Version)
			}
		}
		fmt.Fprintf(b, "Peers: %s, socket.io and ws as node/package-lock.json has them.\n", strings.Join(versions, ", "))
	}
}

func cpuName() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// section writes the table of one workload: each kind's medians, and the ratio of the first figure to the floor's.
func section(b *strings.Builder, w workload, kinds []string, samples map[string][]sample) {
	fmt.Fprintf(b, "\n### %s\n\n%s.\n\n| | ratio to %s |", w.name, strings.ToUpper(w.says[:1])+w.says[1:], w.floor)
	rule := "|---|---|"
	for _, figure := range w.figures {
		fmt.Fprintf(b, " %s |", figure)
		rule += "---|"
	}
	b.WriteString("\n" + rule + "\n")
	floor, _, _ := spread(samples[w.floor], w.figures[0])
	for _, kind := range kinds {
		median, _, _ := spread(samples[kind], w.figures[0])
		fmt.Fprintf(b, "| %s | %s |", kind, number(median/floor))
		cells(b, samples[kind], w.figures)
		if missing, _, _ := spread(samples[kind], lost); missing > 0.01 {
			fmt.Fprintf(os.Stderr, "%s %s: %.1f %% not delivered in time\n", w.name, kind, 100*missing)
		}
	}
}

// cells writes the rest of a row: the median of each figure, and its spread.
func cells(b *strings.Builder, samples []sample, figures []string) {
	for _, figure := range figures {
		median, least, most := spread(samples, figure)
		fmt.Fprintf(b, " %s (%s–%s) |", number(median), number(least), number(most))
	}
	b.WriteString("\n")
}

// spread returns the median of a figure and its extremes.
func spread(samples []sample, figure string) (median, least, most float64) {
	var all []float64
	for _, s := range samples {
		all = append(all, s[figure])
	}
	if len(all) == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	slices.Sort(all)
	return all[len(all)/2], all[0], all[len(all)-1]
}

// number writes three significant digits.
func number(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case v >= 1e6:
		return fmt.Sprintf("%.2f M", v/1e6)
	case v >= 1000:
		return fmt.Sprintf("%.0f", v)
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// write puts the report between the marks of a file, or prints it.
func write(path, report string) error {
	if path == "" {
		_, err := fmt.Print(report)
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), beginMark)
	_, after, ok2 := strings.Cut(rest, endMark)
	if !ok || !ok2 {
		return fmt.Errorf("%s: no %s and %s to write between", path, beginMark, endMark)
	}
	return os.WriteFile(path, []byte(before+beginMark+"\n"+report+endMark+after), 0o644)
}
