package engine

import (
	"sync"
	"sync/atomic"
	"time"
)

// The reader of a busy connection works on a push itself where the membership has nothing else to do: most handlers are
// quick, and that spares a switch of goroutines. A watch sees to it that a slow one delays nothing for long: where a round
// of it finds the reader away, and so does another look a moment later, another reader takes over, and this one is left to
// the handler.
type lending struct {
	lent *Call         // the push at hand, where the reader has the desk and the membership's turn; for the reader alone
	rest int32         // pushes that the reader is not to work on itself; for the reader alone
	turn atomic.Uint32 // counts goings away and comings back: odd while the reader is away
	desk *atomic.Pointer[link]
}

const (
	watchRound = 25 * time.Millisecond // between two looks at who is away
	watchAgain = time.Millisecond      // until the second look at those who are
	idleRounds = 4                     // the watch goes on with nobody away
	slowRest   = 64                    // messages of a connection that another reader has taken over are not worked on so
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

// takeDesk reports whether the reader, which is reading, may work as a membership next, and takes the desk then.
func (l *link) takeDesk() bool {
	if l.rest > 0 {
		l.rest--
		return false
	}
	return l.gaps >= busyStreak && l.desk.Load() == nil && l.desk.CompareAndSwap(nil, l)
}

// lend has the reader work on call. It returns false where another reader has taken over.
func (l *link) lend(call *Call) (back bool) {
	turn := l.turn.Add(1)
	l.owner.srv.readers.start()
	returned := false
	defer func() {
		if !returned { // the handler has ended its goroutine, which is the reader's
			l.takeOver(turn)
		}
	}()
	call.m.run(call)
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
		l.rest = slowRest
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
	for idle := 0; idle < idleRounds; idle++ {
		<-time.After(watchRound)
		if away := w.away(); len(away) > 0 {
			idle = 0
			<-time.After(watchAgain)
			for l, turn := range away {
				l.takeOver(turn) // unless it is back, and on its way from the desk
			}
		}
	}
	w.on.Store(false)
	if len(w.away()) > 0 { // somebody may have gone away without starting another watch
		w.start()
	}
}

// away is who is away, and since which turn.
func (w *readerWatch) away() map[*link]uint32 {
	var away map[*link]uint32
	for i := range w.desks {
		l := w.desks[i].Load()
		if l == nil {
			continue
		}
		if turn := l.turn.Load(); turn%2 == 1 {
			if away == nil {
				away = make(map[*link]uint32)
			}
			away[l] = turn
		}
	}
	return away
}
