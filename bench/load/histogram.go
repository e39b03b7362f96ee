package load

import (
	"math"
	"math/bits"
	"sync/atomic"
)

// Histogram counts durations in microseconds, each in a bucket that is at most a 16th of it wide. It may be added to
// concurrently.
type Histogram struct{ buckets [32 * 16]atomic.Int64 }

func bucket(us int64) int {
	us = max(us, 0)
	if us < 32 {
		return int(us)
	}
	exponent := bits.Len64(uint64(us)) - 5
	return min(16*exponent+int(us>>exponent), 32*16-1)
}

// value is the lower end of a bucket.
func value(b int) float64 {
	if b < 32 {
		return float64(b)
	}
	exponent := b/16 - 1
	return float64(int64(b-16*exponent) << exponent)
}

// Add counts a duration.
func (h *Histogram) Add(us int64) { h.buckets[bucket(us)].Add(1) }

// Reset forgets everything.
func (h *Histogram) Reset() {
	for i := range h.buckets {
		h.buckets[i].Store(0)
	}
}

// Quantile is the duration below which a share of all lie, NaN where there is none.
func (h *Histogram) Quantile(share float64) float64 {
	var total int64
	for i := range h.buckets {
		total += h.buckets[i].Load()
	}
	rank := int64(math.Ceil(share * float64(total)))
	for i := range h.buckets {
		if rank -= h.buckets[i].Load(); rank <= 0 && total > 0 {
			return value(i)
		}
	}
	return math.NaN()
}
