package main

import (
	"fmt"
	"time"

	"github.com/chgen/chgen/bench/load"
	"github.com/chgen/chgen/bench/serve"
)

// sample is what one round of one workload on one kind of server gave, by name of the figure.
type sample map[string]float64

// The figures of a sample.
const (
	cpuEach   = "CPU µs each"   // server, user and system
	perSecond = "a second"      // deliveries, echoes or joins
	p50       = "p50 ms"        //
	p99       = "p99 ms"        //
	p999      = "p99.9 ms"      //
	memory    = "KiB each"      // resident, above the empty server
	lost      = "not delivered" // share
)

// round is one server with its clients.
type round struct {
	server  *server
	clients *clients
}

// with runs measure on a fresh server and fresh clients.
func with(kind string, measure func(r *round) (sample, error)) (s sample, err error) {
	srv, err := startServer(kind)
	if err != nil {
		return nil, err
	}
	defer srv.end()
	cl, err := startClients(srv)
	if err != nil {
		return nil, err
	}
	defer cl.end()
	if s, err = measure(&round{srv, cl}); err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	return s, nil
}

func (r *round) connect(n, topics, buffer int) (seconds float64, err error) {
	got, err := r.clients.ask(load.Command{Cmd: "connect", Kind: r.server.kind, Addr: r.server.addr, Clients: n, Topics: topics, Buffer: buffer})
	return got.Seconds, err
}

// cpu returns the microseconds of CPU that the server takes for what do does.
func (r *round) cpu(do func() error) (us float64, err error) {
	before, err := r.server.ask(serve.Command{Cmd: "usage"})
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := r.server.ask(serve.Command{Cmd: "usage"})
	return float64(after.CPU - before.CPU), err
}

// fanOut has the server publish on topics, at a rate of deliveries a second or, where that is 0, as fast as a window of
// publications allows.
func fanOut(subscribers, topics int, deliveries, seconds float64) func(r *round) (sample, error) {
	return func(r *round) (sample, error) {
		if _, err := r.connect(subscribers, topics, 16<<10); err != nil {
			return nil, err
		}
		publish := serve.Command{Cmd: "publish", Topics: topics, Rate: deliveries * float64(topics) / float64(subscribers), Seconds: seconds}
		if deliveries == 0 {
			publish.Window = 256
		}
		// Once without counting: caches, pools and the heap come to be.
		warm := publish
		warm.Seconds = 0.3
		if _, _, err := r.publish(warm); err != nil {
			return nil, err
		}
		var published serve.Result
		var got load.Result
		us, err := r.cpu(func() (err error) {
			published, got, err = r.publish(publish)
			return err
		})
		if err != nil {
			return nil, err
		}
		expected := float64(published.Published) * float64(subscribers) / float64(topics)
		return sample{
			cpuEach: us / float64(got.Deliveries), perSecond: float64(got.Deliveries) / got.Seconds,
			p50: got.P50 / 1000, p99: got.P99 / 1000, p999: got.P999 / 1000, lost: max(0, 1-float64(got.Deliveries)/expected),
		}, nil
	}
}

func (r *round) publish(c serve.Command) (published serve.Result, got load.Result, err error) {
	if _, err = r.clients.ask(load.Command{Cmd: "begin", Credit: c.Window > 0}); err != nil {
		return published, got, err
	}
	if published, err = r.server.ask(c); err != nil {
		return published, got, err
	}
	time.Sleep(100 * time.Millisecond) // what is under way arrives
	got, err = r.clients.ask(load.Command{Cmd: "end"})
	got.Seconds = c.Seconds
	return published, got, err
}

// echo has clients push and wait for the reply, each as fast as it can.
func echo(connections int, seconds float64) func(r *round) (sample, error) {
	return func(r *round) (sample, error) {
		if _, err := r.connect(connections, connections, 2<<10); err != nil {
			return nil, err
		}
		warm := load.Command{Cmd: "echo", Clients: connections, Seconds: 0.3}
		if _, err := r.clients.ask(warm); err != nil {
			return nil, err
		}
		var got load.Result
		us, err := r.cpu(func() (err error) {
			got, err = r.clients.ask(load.Command{Cmd: "echo", Clients: connections, Seconds: seconds})
			return err
		})
		n := float64(got.Deliveries)
		return sample{cpuEach: us / n, perSecond: n / got.Seconds, p50: got.P50 / 1000, p99: got.P99 / 1000}, err
	}
}

// joins has clients connect and join, on topics of ten, again and again where rounds is above 1: a reconnect storm.
func joins(connections, rounds int) func(r *round) (sample, error) {
	return func(r *round) (sample, error) {
		var seconds float64
		us, err := r.cpu(func() error {
			for i := range rounds {
				if i > 0 {
					if _, err := r.clients.ask(load.Command{Cmd: "drop"}); err != nil {
						return err
					}
				}
				took, err := r.connect(connections, max(1, connections/10), 2<<10)
				if err != nil {
					return err
				}
				seconds += took
			}
			return nil
		})
		n := float64(connections * rounds)
		return sample{cpuEach: us / n, perSecond: n / seconds}, err
	}
}

// idle has clients connect, join a topic of their own, and send a heartbeat each.
func idle(connections int, beats float64) func(r *round) (sample, error) {
	return func(r *round) (sample, error) {
		empty, err := r.server.ask(serve.Command{Cmd: "usage"})
		if err != nil {
			return nil, err
		}
		if _, err := r.connect(connections, connections, 2<<10); err != nil {
			return nil, err
		}
		us, err := r.cpu(func() error {
			_, err := r.clients.ask(load.Command{Cmd: "beat", Seconds: beats})
			return err
		})
		if err != nil {
			return nil, err
		}
		full, err := r.server.ask(serve.Command{Cmd: "usage"})
		n := float64(connections)
		return sample{memory: float64(full.RSS-empty.RSS) / n, cpuEach: us / n}, err
	}
}

// crowd has clients join one topic with presence.
func crowd(members int) func(r *round) (sample, error) {
	return func(r *round) (sample, error) {
		var seconds float64
		us, err := r.cpu(func() (err error) {
			seconds, err = r.connect(members, 1, 16<<10)
			return err
		})
		n := float64(members)
		return sample{cpuEach: us / n, perSecond: n / seconds}, err
	}
}
