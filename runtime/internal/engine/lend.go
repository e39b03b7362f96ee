package engine

import (
	"sync"
	"sync/atomic"
	"time"
)

// The reader of a busy connection works on a push itself where the membership has nothing else to do: most handlers are
// quick, and that spares a switch of goroutines. A watch sees to it that a slow one delays nothing: after two of its
// rounds at most another reader takes over, and this one is left to the handler.
type lending struct {
	to   *Membership   // whose turn the reader has got with the message at hand; for the reader alone
	turn atomic.Uint32 // counts goings away and comings back: odd while the reader is away
	desk *atomic.Pointer[link]
}

// watchRound is how long a reader is away unnoticed, and idleRounds how many rounds the watch goes on with nobody away.
const (
	watchRound = time.Millisecond
	idleRounds = 20
)

// readerWatch knows the readers that are away. It has a goroutine only while some are, or were a moment ago.
type readerWatch struct {
	work  *sync.WaitGroup
	desks [64]atomic.Pointer[link] // of those who are away; a reader whose desk is taken stays
	given atomic.Uint32
	on    atomic.Bool
}

// desk returns one for a new link.
func (w *readerWatch) desk() *atomic.Pointer[link] {
	return &w.desks[w.given.Add(1)%uint32(len(w.desks))]
}

// mayLend reports whether the reader, which is reading, may work as a membership next.
func (l *link) mayLend() bool {
	return l.gaps >= busyStreak && l.desk.Load() == nil
}

// lend has the reader work as m, whose turn it has. It returns false where another reader has taken over.
func (l *link) lend(m *Membership) (back bool) {
	turn := l.turn.Add(1)
	if !l.desk.CompareAndSwap(nil, l) {
		go m.run()
		return l.turn.CompareAndSwap(turn, turn+1) // the watch may have met l at a desk that it has left since
	}
	l.owner.srv.readers.start()
	returned := false
	defer func() {
		if !returned { // the handler has ended its goroutine, which is the reader's
			l.takeOver(turn)
		}
	}()
	m.run()
	returned = true
	if !l.turn.CompareAndSwap(turn, turn+1) {
		return false
	}
	l.desk.CompareAndSwap(l, nil)
	return true
}

// takeOver starts another reader, unless the one that has gone away is back.
func (l *link) takeOver(turn uint32) {
	if l.turn.CompareAndSwap(turn, turn+1) {
		l.desk.CompareAndSwap(l, nil)
		go l.serve()
	}
}

func (w *readerWatch) start() {
	if !w.on.Load() && w.on.CompareAndSwap(false, true) {
		w.work.Add(1)
		go w.run()
	}
}

// run takes over from readers that it finds away at the same message twice.
func (w *readerWatch) run() {
	defer w.work.Done()
	tick := time.NewTicker(watchRound)
	defer tick.Stop()
	var seen [len(w.desks)]uint32
	for idle := 0; idle < idleRounds; {
		<-tick.C
		idle++
		for i := range w.desks {
			l := w.desks[i].Load()
			if l == nil {
				seen[i] = 0
				continue
			}
			idle = 0
			turn := l.turn.Load()
			if turn == seen[i] && turn%2 == 1 { // else it is back, and on its way from the desk
				l.takeOver(turn)
			}
			seen[i] = turn
		}
	}
	w.on.Store(false)
	for i := range w.desks { // somebody may have gone away without starting another watch
		if w.desks[i].Load() != nil {
			w.start()
		}
	}
}
