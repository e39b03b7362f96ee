package chgenprom_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/chgen/chgen/runtime/channel"
	"github.com/chgen/chgen/runtime/observe"
	chgenprom "github.com/chgen/chgen/runtime/prometheus"
)

// scrape returns what Prometheus would get, without comments and buckets, sorted.
func scrape(t *testing.T, metrics *chgenprom.Metrics) []string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	var lines []string
	for line := range strings.Lines(w.Body.String()) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") && !strings.Contains(line, "_bucket{") {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

func TestScrapeHasWhatHappened(t *testing.T) {
	t.Parallel()
	metrics := chgenprom.New()
	o, ctx := metrics.Observer(), context.Background()
	o.Opened(ctx, observe.Opened{Transport: "websocket", Version: "2"})
	o.Closed(ctx, observe.Closed{Transport: "websocket", Version: "2", Code: 3999, Duration: 2 * time.Second})
	o.Refused(ctx, observe.Refused{Transport: "websocket", Cause: observe.RefusedOrigin})
	o.Renewed(ctx, observe.Renewed{Outcome: observe.RefusedParams})
	o.JoinEnd(ctx, observe.JoinEnd{Channel: "Room", Outcome: "ok", Duration: time.Second})
	o.JoinEnd(ctx, observe.JoinEnd{Channel: "Room", Outcome: "rate_limited"})
	o.Left(ctx, observe.Left{Channel: "Room", Reason: "left"})
	o.PushEnd(ctx, observe.PushEnd{Channel: "Room", Event: "say", Outcome: "ok", Wait: time.Second, Duration: time.Second})
	o.PushEnd(ctx, observe.PushEnd{Channel: "Room", Event: observe.Other, Outcome: "unknown_event"})
	o.BroadcastEnd(ctx, observe.BroadcastEnd{Channel: "Room", Event: "said", Bytes: 5, Err: context.Canceled, Duration: time.Second})
	o.Delivered(ctx, observe.Delivered{Channel: "Room", Event: "said", Subscribers: 3, Bytes: 30})
	o.Dropped(ctx, observe.Dropped{Delivery: "volatile"})
	o.PresenceChanged(ctx, observe.PresenceChanged{Channel: "Room", Joins: 3, Leaves: 1})
	o.Polled(ctx, observe.Polled{Batch: true, Status: 200})
	o.Recovered(ctx, observe.Recovered{Channel: "Room", Recovered: true, Replayed: 7})
	o.SubscriptionLost(ctx, observe.SubscriptionLost{Channel: "Room"})
	o.Serving(func() observe.Snapshot {
		return observe.Snapshot{
			Draining:    true,
			Connections: map[string]int{"websocket": 4},
			Memberships: map[string]int{"Room": 5},
			Topics:      6,
			Queues:      observe.Queues{Frames: 1, Bytes: 2, MaxFrames: 3, MaxBytes: 4},
		}
	})
	want := strings.Fields(strings.ReplaceAll(`
chgen_broadcast_duration_seconds_count{channel="Room"}~1
chgen_broadcast_duration_seconds_sum{channel="Room"}~1
chgen_broadcasts_total{channel="Room",event="said",outcome="error"}~1
chgen_connection_duration_seconds_count{transport="websocket"}~1
chgen_connection_duration_seconds_sum{transport="websocket"}~2
chgen_connections_closed_total{code="_OTHER",transport="websocket"}~1
chgen_connections_opened_total{transport="websocket",version="2"}~1
chgen_connections_refused_total{cause="origin",transport="websocket"}~1
chgen_connections{transport="websocket"}~4
chgen_delivered_bytes_total{channel="Room",event="said"}~30
chgen_deliveries_total{channel="Room",event="said"}~3
chgen_draining~1
chgen_dropped_total{delivery="volatile"}~1
chgen_join_duration_seconds_count{channel="Room"}~1
chgen_join_duration_seconds_sum{channel="Room"}~1
chgen_joins_total{channel="Room",outcome="ok"}~1
chgen_joins_total{channel="Room",outcome="rate_limited"}~1
chgen_leaves_total{channel="Room",reason="left"}~1
chgen_memberships{channel="Room"}~5
chgen_polls_total{kind="batch",status="200"}~1
chgen_presence_changes_total{change="join",channel="Room"}~3
chgen_presence_changes_total{change="leave",channel="Room"}~1
chgen_presences{channel="Room"}~2
chgen_push_duration_seconds_count{channel="Room",event="say"}~1
chgen_push_duration_seconds_sum{channel="Room",event="say"}~1
chgen_push_wait_seconds_count{channel="Room"}~2
chgen_push_wait_seconds_sum{channel="Room"}~1
chgen_pushes_total{channel="Room",event="_OTHER",outcome="unknown_event"}~1
chgen_pushes_total{channel="Room",event="say",outcome="ok"}~1
chgen_queue_frames~1
chgen_queue_max_frames~3
chgen_queue_max_size_bytes~4
chgen_queue_size_bytes~2
chgen_recoveries_total{channel="Room",outcome="recovered"}~1
chgen_renewals_total{outcome="refused"}~1
chgen_replayed_total{channel="Room"}~7
chgen_subscriptions_lost_total{channel="Room"}~1
chgen_topics~6
`, "\t", ""))
	for i := range want {
		want[i] = strings.ReplaceAll(want[i], "~", " ")
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, scrape(t, metrics)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWithoutServerThereIsNothing(t *testing.T) {
	t.Parallel()
	if got := scrape(t, chgenprom.New()); len(got) > 0 {
		t.Errorf("got %q, want nothing", got)
	}
}

func Example() {
	metrics := chgenprom.New()
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics)
	server := channel.NewServer(channel.WithObserver(metrics.Observer()))
	http.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))

	families, _ := registry.Gather()
	for _, family := range families {
		fmt.Println(family.GetName())
	}
	_ = server.Shutdown(context.Background())
	// Output:
	// chgen_draining
	// chgen_queue_frames
	// chgen_queue_max_frames
	// chgen_queue_max_size_bytes
	// chgen_queue_size_bytes
	// chgen_topics
}
