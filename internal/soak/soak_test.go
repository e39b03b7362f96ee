package soak_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/chgen/chgen/internal/soak"
	"github.com/chgen/chgen/runtime/pubsub"
)

// seed is what the faults are drawn from: SEED, or another each time.
func seed(t testing.TB) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
	if err != nil {
		n = uint64(time.Now().UnixNano())
	}
	t.Logf("SEED=%d", n)
	return n
}

// judge checks a log and reports what it finds.
func judge(t testing.TB, log *soak.Log) *soak.Report {
	t.Helper()
	r := soak.Check(log)
	if len(r.Violations) > 0 {
		t.Errorf("%s", r)
	} else {
		t.Logf("%s", r)
	}
	return r
}

// short is a load that a test can carry.
var short = load{
	followers: 8, plain: 2, topics: 2, publishers: 5, pace: 60 * time.Millisecond,
	drops: 600 * time.Millisecond, away: 5 * time.Second, faults: time.Second, lasts: 10 * time.Second,
}

func TestNothingIsLostInSilenceInOneProcess(t *testing.T) {
	t.Parallel()
	s := localService(t, pubsub.New())
	survive(t, s, short)
}

func TestNothingIsLostInSilenceOverRedis(t *testing.T) {
	t.Parallel()
	s, faults := redisService(t, 3)
	survive(t, s, short, faults)
}

func TestNothingIsLostInSilenceOverNATS(t *testing.T) {
	t.Parallel()
	s, faults := natsService(t, 3)
	survive(t, s, short, faults)
}

// survive puts a service under load and faults, of its nodes too, and judges what its clients saw.
func survive(t testing.TB, s *service, l load, faults ...[]fault) {
	t.Helper()
	began := time.Now()
	r := judge(t, execute(t, s, l, seed(t), append(faults, nodeFaults(s))...))
	t.Logf("it took %v", time.Since(began).Round(time.Second))
	if r.Recovered == 0 || r.Deliveries == 0 {
		t.Error("nothing was recovered, or delivered")
	}
}

// TestSoak is the long run: make soak. SOAK is how long each bus is under faults; without it there is none.
func TestSoak(t *testing.T) {
	lasts, err := time.ParseDuration(os.Getenv("SOAK"))
	if err != nil {
		return // it is not asked for
	}
	l := load{
		followers: number("FOLLOWERS", 60), plain: number("PLAIN", 10), topics: number("TOPICS", 3), publishers: number("PUBLISHERS", 20),
		pace: 100 * time.Millisecond, drops: 400 * time.Millisecond, away: 8 * time.Second, faults: 2 * time.Second, lasts: lasts,
	}
	for bus, start := range map[string]func(testing.TB, int) (*service, []fault){"redis": redisService, "nats": natsService} {
		if only := os.Getenv("BUS"); only == "" || only == bus {
			t.Run(bus, func(t *testing.T) {
				s, faults := start(t, number("NODES", 3))
				survive(t, s, l, faults)
			})
		}
	}
}

// number is an environment variable.
func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}
