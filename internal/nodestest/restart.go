package nodestest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chgen/chgen/internal/netfault"
	"github.com/chgen/chgen/runtime/client"
)

// drainInterval is what lies between two batches of five clients.
const drainInterval = 300 * time.Millisecond

// testRollingRestart replaces each node by another, one after the other, while clients publish as fast as they are
// answered.
func testRollingRestart(t *testing.T, s *service) {
	front := netfault.New(t)
	found := func(nodes ...*node) {
		var addrs []string
		for _, n := range nodes {
			addrs = append(addrs, n.addr())
		}
		front.SetTargets(addrs...)
	}
	found(s.nodes...)
	var members []*member
	for i := range 30 {
		members = append(members, s.join(front.Addr(), fmt.Sprint("m", i), "r"))
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	published := publish(ctx, members[:3])
	for range 3 {
		old := s.nodes[0]
		s.nodes = append(s.nodes[1:], s.start())
		s.nodes = s.nodes[:3]
		found(s.nodes...)
		had := old.server.Snapshot().Connections["websocket"]
		began := time.Now()
		if err := old.server.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		old.web.Close()
		if took, want := time.Since(began), time.Duration((had-1)/5)*drainInterval; took < want {
			t.Errorf("%d clients were drained in %v, want %v at least", had, took, want)
		}
		for _, m := range members {
			s.until(func() string { return m.name + " is back" }, func() bool { return m.room.Channel().State() == client.Joined })
		}
	}
	stop()
	acked := published()
	if err := members[0].say(t.Context(), "the end"); err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		s.until(func() string { return m.name + " hears the end" }, func() bool { return slices.Contains(m.messages(), "the end") })
		m.check(t, members[0].messages(), acked)
	}
	t.Logf("%d messages, %d of them acknowledged", len(members[0].messages()), len(acked))
}

// publish has clients publish until ctx ends. published waits for that, and returns what was acknowledged.
func publish(ctx context.Context, members []*member) (published func() []string) {
	var running sync.WaitGroup
	var mu sync.Mutex
	var acked []string
	for _, m := range members {
		running.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				text := fmt.Sprintf("%s.%06d", m.name, n)
				call, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
				err := m.say(call, text)
				cancel()
				if err == nil {
					mu.Lock()
					acked = append(acked, text)
					mu.Unlock()
				}
				select { // what a restart takes is far less than the history has
				case <-time.After(100 * time.Millisecond):
				case <-ctx.Done():
				}
			}
		})
	}
	return func() []string { running.Wait(); return acked }
}

// check compares what a member has heard with what another has.
func (m *member) check(t *testing.T, want, acked []string) {
	t.Helper()
	got := m.messages()
	if !slices.Equal(got, want) {
		t.Errorf("%s has heard\n%q\nanother\n%q", m.name, got, want)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.denied > 0 || len(m.closes) == 0 {
		t.Errorf("%s: %d rejoins have not recovered; the connection was lost %d times", m.name, m.denied, len(m.closes))
	}
	for _, err := range m.closes {
		if closed, ok := err.(*client.CloseError); ok && closed.Code != 1012 { //nolint:errorlint // as it is told
			t.Errorf("%s was told %d", m.name, closed.Code)
		}
	}
	last := make(map[string]string)
	for _, text := range got {
		who, _, ok := strings.Cut(text, ".")
		if ok && text <= last[who] {
			t.Errorf("%s: %s came after %s", m.name, text, last[who])
		}
		last[who] = text
	}
	for _, text := range acked {
		if !slices.Contains(got, text) {
			t.Errorf("%s: %s was acknowledged and has not come", m.name, text)
		}
	}
}
