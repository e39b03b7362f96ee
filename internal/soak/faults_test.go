package soak_test

import (
	"crypto/rand"
	mathrand "math/rand/v2"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chgen/chgen/internal/netfault"
	"github.com/chgen/chgen/internal/redistest"
	"github.com/chgen/chgen/runtime/pubsub"
)

// probe is how often nodes look whether what they publish arrives.
const probe = 500 * time.Millisecond

// nodeFaults are what can happen to nodes.
func nodeFaults(s *service) []fault {
	faults := []fault{{name: "node killed", do: func(hold time.Duration, pick *mathrand.Rand) {
		n := s.nodes[pick.IntN(len(s.nodes))]
		n.kill()
		s.found()
		<-time.After(hold)
		n.start()
		s.found()
	}}}
	if _, ok := s.nodes[0].(*process); !ok {
		return faults
	}
	return append(faults,
		fault{name: "node stopped", do: func(hold time.Duration, pick *mathrand.Rand) {
			n := s.nodes[pick.IntN(len(s.nodes))].(*process)
			n.signal(syscall.SIGSTOP)
			<-time.After(hold)
			n.signal(syscall.SIGCONT)
		}},
		fault{name: "node restarted", do: func(hold time.Duration, pick *mathrand.Rand) {
			n := s.nodes[pick.IntN(len(s.nodes))].(*process)
			n.terminate()
			s.found()
			n.start()
			s.found()
		}})
}

// proxyFaults are what can happen between nodes and their bus.
func proxyFaults(proxies []*netfault.Proxy) []fault {
	one := func(pick *mathrand.Rand) *netfault.Proxy { return proxies[pick.IntN(len(proxies))] }
	return []fault{
		{name: "bus connections cut", do: func(_ time.Duration, _ *mathrand.Rand) {
			for _, p := range proxies {
				p.Cut()
			}
		}},
		{name: "bus connections of a node cut", do: func(_ time.Duration, pick *mathrand.Rand) { one(pick).Cut() }},
		{name: "bus connections of a node silent", do: func(hold time.Duration, pick *mathrand.Rand) {
			p := one(pick)
			p.Hold()
			<-time.After(hold)
			p.Release()
		}},
		{name: "node parted from the bus", do: func(hold time.Duration, pick *mathrand.Rand) {
			p := one(pick)
			p.Hold()
			<-time.After(hold)
			p.Cut()
			p.Release()
		}},
	}
}

// localService is two nodes of this process over a bus in memory.
func localService(t testing.TB, bus pubsub.PubSub) *service {
	return newService(t, &inProcess{t: t, bus: bus}, &inProcess{t: t, bus: bus})
}

// processes starts nodes, each with a proxy of its own before the bus.
func processes(t testing.TB, scheme, bus string, n int) (*service, []*netfault.Proxy) {
	prefix := rand.Text()
	var proxies []*netfault.Proxy
	var nodes []node
	for range n {
		p := netfault.New(t, bus)
		proxies = append(proxies, p)
		nodes = append(nodes, newProcess(t, nodeConfig{Bus: scheme + "://" + p.Addr(), Prefix: prefix, Probe: probe}))
	}
	return newService(t, nodes...), proxies
}

// redisService is nodes in processes of their own over a Redis with a replica.
func redisService(t testing.TB, nodes int) (*service, []fault) {
	master, replica := redistest.Start(t), redistest.Start(t)
	replicate := func() {
		host, port, _ := net.SplitHostPort(master.Addr())
		replica.Do("REPLICAOF", host, port)
	}
	// The first replica gives a Redis another replication id, so what it remembers counts as forgotten once more.
	replicated := func() {
		for !strings.Contains(master.Do("INFO", "replication"), "state=online") {
			<-time.After(10 * time.Millisecond)
		}
	}
	replicate()
	replicated()
	s, proxies := processes(t, "redis", master.Addr(), nodes)
	retarget := func() {
		for _, p := range proxies {
			p.SetTargets(master.Addr())
			p.Cut()
		}
	}
	return s, append(proxyFaults(proxies),
		fault{name: "redis restarted", forgets: true, do: func(hold time.Duration, _ *mathrand.Rand) {
			master.Kill()
			<-time.After(hold)
			master.Run()
			replicated()
		}},
		fault{name: "redis emptied", forgets: true, do: func(time.Duration, *mathrand.Rand) { master.Do("FLUSHALL") }},
		fault{name: "redis read-only", do: func(hold time.Duration, _ *mathrand.Rand) {
			master.Do("CONFIG", "SET", "min-replicas-to-write", "5")
			<-time.After(hold)
			master.Do("CONFIG", "SET", "min-replicas-to-write", "0")
		}},
		fault{name: "redis failed over", forgets: true, do: func(_ time.Duration, pick *mathrand.Rand) {
			crash := pick.IntN(2) == 0
			if crash {
				master.Kill()
			}
			master, replica = replica, master
			master.Do("REPLICAOF", "NO", "ONE")
			retarget()
			if crash {
				replica.Run()
			}
			replicate()
			replicated()
		}},
	)
}
