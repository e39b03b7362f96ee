package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/chgen/chgen/bench/load"
	"github.com/chgen/chgen/bench/serve"
)

// sample is what one round of one workload on one kind of server gave, by name of the figure.
type sample map[string]float64

// The figures of a sample.
const (
	cpuEach   = "CPU µs each" // server, user and system
	perSecond = "a second"    // deliveries, echoes or joins
	p50       = "p50 ms"      //
	p99       = "p99 ms"      //
	p999      = "p99.9 ms"    //
	memory    = "KiB each"    // resident, above the empty server
	cpuFrame  = "CPU µs a frame"
	busBytes  = "bus bytes each"
	lost      = "not delivered" // share
)

// round is what is measured: servers of one kind, mostly one, with their clients.
type round struct {
	servers []*server
	clients *clients
	bus     *bus // nil where there is none
}

// nodes is how many servers of a kind there are: two where there is a bus between them.
func nodes(kind string) int {
	if strings.HasSuffix(kind, "-redis") || strings.HasSuffix(kind, "-nats") {
		return 2
	}
	return 1
}

// with runs measure on n fresh servers and fresh clients.
func with(kind string, n int, measure func(r *round) (sample, error)) (s sample, err error) {
	r := &round{}
	if r.bus, err = startBus(kind); err != nil {
		return nil, err
	}
	if r.bus != nil {
		defer r.bus.kill()
	}
	for range n {
		srv, err := startServer(kind, r.bus)
		if err != nil {
			return nil, err
		}
		defer srv.end()
		r.servers = append(r.servers, srv)
	}
	if r.clients, err = startClients(r.servers[0]); err != nil {
		return nil, err
	}
	defer r.clients.end()
	if s, err = measure(r); err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	return s, nil
}

func (r *round) connect(n, topics, buffer int) (seconds float64, err error) {
	kind := r.servers[0].kind
	var addrs []string
	for _, s := range r.servers {
		addrs = append(addrs, s.addr)
	}
	c := load.Command{Cmd: "connect", Kind: kind, Addr: strings.Join(addrs, ","), Clients: n, Topics: topics, Buffer: buffer}
	if strings.HasSuffix(kind, "-stalled") {
		c.Clients++
		c.Stalled = 1
	}
	got, err := r.clients.ask(c)
	return got.Seconds, err
}

// usage is what all servers have taken and hold.
func (r *round) usage() (sum serve.Result, err error) {
	for _, s := range r.servers {
		u, err := s.ask(serve.Command{Cmd: "usage"})
		if err != nil {
			return sum, err
		}
		sum.CPU += u.CPU
		sum.RSS += u.RSS
	}
	return sum, nil
}

// cpu returns the microseconds of CPU that the servers take for what do does.
func (r *round) cpu(do func() error) (us float64, err error) {
	before, err := r.usage()
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := r.usage()
	return float64(after.CPU - before.CPU), err
}

// How long something is measured, and done before that without being counted, in seconds.
const (
	lasting = 1.0
	warmFor = 0.2
)

// fanOut has the server publish on topics, at a rate of deliveries a second or, where that is 0, as fast as a window of
// publications allows.
func fanOut(subscribers, topics int, deliveries float64) func(r *round) (sample, error) {
	return func(r *round) (sample, error) {
		if _, err := r.connect(subscribers, topics, 16<<10); err != nil {
			return nil, err
		}
		publish := serve.Command{Cmd: "publish", Topics: topics, Rate: deliveries * float64(topics) / float64(subscribers), Seconds: lasting}
		if deliveries == 0 {
			publish.Window = 256
		}
		// Once without counting: caches, pools and the heap come to be.
		warm := publish
		warm.Seconds = warmFor
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
	if published, err = r.servers[0].ask(c); err != nil {
		return published, got, err
	}
	<-time.After(100 * time.Millisecond) // what is under way arrives
	got, err = r.clients.ask(load.Command{Cmd: "end"})
	got.Seconds = c.Seconds
	return published, got, err
}

// echo has clients push and wait for the reply, each as fast as it can.
func echo(connections int) func(r *round) (sample, error) {
	return func(r *round) (sample, error) {
		if _, err := r.connect(connections, connections, 2<<10); err != nil {
			return nil, err
		}
		warm := load.Command{Cmd: "echo", Clients: connections, Seconds: warmFor}
		if _, err := r.clients.ask(warm); err != nil {
			return nil, err
		}
		var got load.Result
		us, err := r.cpu(func() (err error) {
			got, err = r.clients.ask(load.Command{Cmd: "echo", Clients: connections, Seconds: lasting})
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
		empty, err := r.usage()
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
		full, err := r.usage()
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

// churn has members of a topic with presence change it, so many a second.
func churn(members int, changes float64) func(r *round) (sample, error) {
	return func(r *round) (sample, error) {
		if _, err := r.connect(members, 1, 16<<10); err != nil {
			return nil, err
		}
		if _, err := r.clients.ask(load.Command{Cmd: "settle"}); err != nil { // joins are changes too
			return nil, err
		}
		var sent, got load.Result
		us, err := r.cpu(func() (err error) {
			if _, err = r.clients.ask(load.Command{Cmd: "begin"}); err != nil {
				return err
			}
			if sent, err = r.clients.ask(load.Command{Cmd: "churn", Rate: changes, Seconds: lasting}); err != nil {
				return err
			}
			<-time.After(100 * time.Millisecond) // what is under way arrives
			got, err = r.clients.ask(load.Command{Cmd: "end"})
			return err
		})
		frames := float64(got.Deliveries) / 2 // the old presence and the new
		return sample{cpuEach: us / float64(sent.Sent), cpuFrame: us / frames, perSecond: frames / lasting}, err
	}
}
