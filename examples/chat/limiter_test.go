package main

import (
	"testing"
	"time"
)

func TestLimiterAllowsFiveMessagesInAnyOneSecond(t *testing.T) {
	t.Parallel()
	start := time.Unix(1_700_000_000, 0)
	var l limiter
	for i := range 5 {
		if wait := l.take(start.Add(time.Duration(i) * 100 * time.Millisecond)); wait != 0 {
			t.Errorf("message %d must wait %v, want none", i+1, wait)
		}
	}
	if wait := l.take(start.Add(600 * time.Millisecond)); wait != 400*time.Millisecond {
		t.Errorf("the sixth message must wait %v, want 400ms", wait)
	}
	if wait := l.take(start.Add(time.Second)); wait != 0 {
		t.Errorf("a second after the first message the next must wait %v, want none", wait)
	}
}
