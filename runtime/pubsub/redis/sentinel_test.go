package redis_test

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/chgen/chgen/internal/redistest"
	"github.com/chgen/chgen/runtime/pubsub/pubsubtest"
)

// Sentinel promotes the replica when the master dies: what it may lack is not gone on from, and delivery goes on there.
func TestAFailoverBySentinelBeginsANewEpoch(t *testing.T) {
	t.Parallel()
	master, replica := redistest.Start(t), redistest.Start(t)
	replicaOf(t, replica, master)
	host, port, err := net.SplitHostPort(master.Addr())
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf("sentinel monitor mine %s %s 1\nsentinel down-after-milliseconds mine 300\nsentinel failover-timeout mine 3000\n", host, port)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel := redistest.StartSentinel(t, config)
	query := url.Values{"master_set": {"mine"}}
	far := node(t, sentinel.URL()+"?"+query.Encode(), quick)
	p := &pair{T: t, server: master, near: far, far: far, kept: pubsubtest.NewRecorder(), plain: pubsubtest.NewRecorder()}
	p.subscribe()
	p.until("Sentinel knows the replica", func() bool { return len(sentinel.Do("SENTINEL", "REPLICAS", "mine")) > len("[]") })
	p.keep(2)
	p.has(1, 2)
	master.Kill()
	p.told(p.plain)
	p.works()
	p.told(p.kept)
	p.gap()
}
