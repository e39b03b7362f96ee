package relay

import (
	"context"
	"time"

	"github.com/chgen/chgen/runtime/pubsub"
)

const (
	pageSize = 256
	minPause = 10 * time.Millisecond
	maxPause = time.Second
)

// gap notes that the topic may have a gap. It reports whether a fill is to be started. Where nothing is kept, there is
// nothing to fill it with, so the subscriptions are told, if there is an err.
func (t *topic) gap(err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.ended:
		return false
	case !t.history.Kept():
		if err != nil {
			t.lost(err)
		}
		return false
	case t.holding:
		t.again = true
		return false
	}
	t.holding = true
	return true
}

// fill begins to fill the gaps of a topic that holds its messages back.
func (r *Relay) fill(t *topic) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.topics != nil {
		r.fills.Go(func() { r.catchUp(t) })
	}
}

// catchUp reads what is missing until nothing is. While the bus cannot be asked, it goes on asking: the topic stands
// still until the log, or Lost, can tell what was missed.
func (r *Relay) catchUp(t *topic) {
	pause := minPause
	for {
		after, waited, ok := t.behind()
		if !ok {
			return
		}
		page, err := r.read(t, after)
		if err == nil {
			if t.filled(&page, waited) {
				return
			}
			pause = minPause
			continue
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, maxPause)
		case <-r.ctx.Done():
			return
		}
	}
}

func (r *Relay) read(t *topic, after pubsub.Position) (Page, error) {
	select {
	case r.reads <- struct{}{}:
	case <-r.ctx.Done():
		return Page{}, ErrClosed
	}
	defer func() { <-r.reads }()
	ctx, cancel := context.WithTimeout(r.ctx, r.opts.Timeout)
	defer cancel()
	return r.bus.Read(ctx, t.name, t.history, after, pageSize)
}

// behind returns what the topic is to be read after, and how many messages wait already.
func (t *topic) behind() (after pubsub.Position, waited int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.again = false
	return t.last, len(t.pending), !t.ended
}

// filled delivers what was read when waited messages were waiting. It reports whether that is all.
func (t *topic) filled(page *Page, waited int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return true
	}
	if page.Gap {
		t.last = page.Head
		t.lost(errGap)
	}
	for i := range page.Messages {
		t.last = page.Messages[i].Position
		t.deliver(&page.Messages[i])
	}
	if t.again || t.last != page.Head {
		return false
	}
	if t.dropped {
		t.dropped = false
		t.lost(errDropped)
	}
	t.settle(waited)
	return !t.release()
}

// settle takes the messages out that waited before the log was read, and knows better than to look for what comes
// before them: what the log does not say about them is of an epoch that has ended, or is lost.
func (t *topic) settle(waited int) {
	early := t.pending[:min(waited, len(t.pending))]
	t.pending = t.pending[len(early):]
	for _, m := range early {
		if !t.take(m) && m.Position.Epoch == t.last.Epoch {
			t.last = m.Position
			t.lost(errGap)
		}
	}
}
