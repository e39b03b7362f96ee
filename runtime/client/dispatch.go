package client

import (
	"slices"
	"sync"
)

// task is a callback that is to be made.
type task struct {
	run   func()
	event bool // of the channel: not made any more once the channel is left
}

// dispatcher makes callbacks one after the other, on a goroutine that exists while there are any. The client's mu
// guards it.
type dispatcher struct {
	c       *Client
	tasks   []task
	events  int // of the tasks
	running bool
}

func (d *dispatcher) add(t task) {
	d.tasks = append(d.tasks, t)
	if t.event {
		d.events++
	}
	if !d.running {
		d.running = true
		d.c.tasks.Add(1)
		go d.run()
	}
}

// drop forgets the events that wait.
func (d *dispatcher) drop() {
	d.tasks = slices.DeleteFunc(d.tasks, func(t task) bool { return t.event })
	d.events = 0
}

func (d *dispatcher) run() {
	defer d.c.tasks.Done()
	for {
		d.c.mu.Lock()
		if len(d.tasks) == 0 {
			d.running, d.tasks = false, nil
			d.c.mu.Unlock()
			return
		}
		t := d.tasks[0]
		d.tasks[0] = task{}
		d.tasks = d.tasks[1:]
		if t.event {
			d.events--
		}
		d.c.mu.Unlock()
		t.run()
	}
}

// listeners are callbacks for one thing, called in the order in which they were added. A mutex of their owner guards
// them.
type listeners[T any] struct{ all []*listener[T] }

type listener[T any] struct{ handle func(T) }

// add needs mu, stop takes it.
func (l *listeners[T]) add(mu *sync.Mutex, handle func(T)) (stop func()) {
	added := &listener[T]{handle}
	l.all = append(slices.Clip(l.all), added)
	return func() {
		mu.Lock()
		defer mu.Unlock()
		l.all = slices.DeleteFunc(slices.Clone(l.all), func(other *listener[T]) bool { return other == added })
	}
}

// call takes mu to look who listens, and calls without it.
func (l *listeners[T]) call(mu *sync.Mutex, value T) {
	mu.Lock()
	all := l.all
	mu.Unlock()
	for _, listener := range all {
		listener.handle(value)
	}
}
