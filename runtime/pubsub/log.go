package pubsub

import (
	"crypto/rand"
	"slices"
	"time"
)

// log is what is kept of a topic. Its offsets are contiguous.
type log struct {
	epoch string
	head  uint64 // the newest offset
	kept  []keptPublication
}

type keptPublication struct {
	Publication
	expires time.Time
}

func newLog() *log { return &log{epoch: rand.Text()} }

func (l *log) position() Position { return Position{l.epoch, l.head} }

// add keeps p and gives it its position.
func (l *log) add(p Publication) Publication {
	now := time.Now()
	l.head++
	p.Position = l.position()
	l.trim(now)
	if over := len(l.kept) + 1 - p.History.Size; over > 0 {
		l.drop(over)
	}
	l.kept = append(l.kept, keptPublication{p, now.Add(p.History.TTL)})
	return p
}

// trim forgets what is older than it may be.
func (l *log) trim(now time.Time) {
	expired := 0
	for expired < len(l.kept) && !now.Before(l.kept[expired].expires) {
		expired++
	}
	l.drop(expired)
}

// drop forgets the n oldest.
func (l *log) drop(n int) {
	n = min(n, len(l.kept))
	clear(l.kept[:n]) // so that the memory is free before the slice moves
	l.kept = l.kept[n:]
	if len(l.kept) == 0 {
		l.kept = nil
	}
}

// after returns at most limit of what came after a position.
func (l *log) after(at Position, limit int) Page {
	l.trim(time.Now())
	page := Page{Head: l.position()}
	oldest := l.head - uint64(len(l.kept)) // the newest offset that is not kept
	if at.Epoch != l.epoch || at.Offset < oldest || at.Offset > l.head {
		page.Gap = true
		return page
	}
	missed := l.kept[at.Offset-oldest:]
	missed = missed[:min(limit, len(missed))]
	page.Publications = slices.Grow(page.Publications, len(missed))
	for i := range missed {
		page.Publications = append(page.Publications, missed[i].Publication)
	}
	return page
}
