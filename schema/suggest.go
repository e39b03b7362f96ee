package schema

import (
	"fmt"
	"strings"
)

// maxSuggestions bounds the work: a file with more mistakes than this has them for one reason.
const maxSuggestions = 200

// suggest returns a question with the nearest of names, or "" where none is near.
func (c *checker) suggest(name string, names []string) string {
	if c.suggested >= maxSuggestions {
		return ""
	}
	c.suggested++
	best, bestDistance := "", max(1, min(len(name), 40)/3)+1
	for _, candidate := range names {
		if strings.EqualFold(candidate, name) {
			best = candidate
			break
		}
		if d := distance(name, candidate, bestDistance); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// distance counts the letters to add, drop, change or swap with their neighbour between a and b; it may stop counting
// at limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}
