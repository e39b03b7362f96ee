package meter

import (
	"context"
	"strconv"

	"github.com/chgen/chgen/runtime/observe"
)

// Record takes a value of a metric that is not a Gauge, with the values of its labels in their order.
type Record func(ctx context.Context, m *Metric, value float64, labels ...string)

// Observer returns an observer that records all metrics but the Gauges.
func Observer(record Record) observe.Observer {
	return observe.Observer{
		Opened: func(ctx context.Context, e observe.Opened) { record(ctx, connectionsOpened, 1, e.Transport, e.Version) },
		Closed: func(ctx context.Context, e observe.Closed) {
			record(ctx, connectionsClosed, 1, e.Transport, observe.CodeLabel(e.Code))
			record(ctx, connectionDuration, e.Duration.Seconds(), e.Transport)
		},
		Refused: func(ctx context.Context, e observe.Refused) {
			record(ctx, connectionsRefused, 1, e.Transport, string(e.Cause))
		},
		Renewed: func(ctx context.Context, e observe.Renewed) { record(ctx, renewals, 1, e.Outcome) },
		JoinEnd: func(ctx context.Context, e observe.JoinEnd) {
			record(ctx, joins, 1, e.Channel, e.Outcome)
			if e.Duration > 0 { // it has begun
				record(ctx, joinDuration, e.Duration.Seconds(), e.Channel)
			}
		},
		Left: func(ctx context.Context, e observe.Left) { record(ctx, leaves, 1, e.Channel, e.Reason) },
		PushEnd: func(ctx context.Context, e observe.PushEnd) {
			record(ctx, pushes, 1, e.Channel, e.Event, e.Outcome)
			if e.Duration > 0 { // its handler was called
				record(ctx, pushDuration, e.Duration.Seconds(), e.Channel, e.Event)
			}
			record(ctx, pushWait, e.Wait.Seconds(), e.Channel)
		},
		BroadcastEnd: func(ctx context.Context, e observe.BroadcastEnd) {
			outcome := observe.OK
			if e.Err != nil {
				outcome = "error"
			}
			record(ctx, broadcasts, 1, e.Channel, e.Event, outcome)
			record(ctx, broadcastDuration, e.Duration.Seconds(), e.Channel)
		},
		Delivered: func(ctx context.Context, e observe.Delivered) {
			record(ctx, deliveries, float64(e.Subscribers), e.Channel, e.Event)
			record(ctx, delivered, float64(e.Bytes), e.Channel, e.Event)
		},
		Dropped: func(ctx context.Context, e observe.Dropped) { record(ctx, dropped, 1, e.Delivery) },
		PresenceChanged: func(ctx context.Context, e observe.PresenceChanged) {
			record(ctx, presences, float64(e.Joins-e.Leaves), e.Channel)
			record(ctx, presenceChanges, float64(e.Joins), e.Channel, "join")
			record(ctx, presenceChanges, float64(e.Leaves), e.Channel, "leave")
		},
		Polled: func(ctx context.Context, e observe.Polled) {
			kind := "poll"
			if e.Batch {
				kind = "batch"
			}
			record(ctx, polls, 1, kind, strconv.Itoa(e.Status))
		},
		Recovered: func(ctx context.Context, e observe.Recovered) {
			outcome := "lost"
			if e.Recovered {
				outcome = "recovered"
			}
			record(ctx, recoveries, 1, e.Channel, outcome)
			record(ctx, replayed, float64(e.Replayed), e.Channel)
		},
		SubscriptionLost: func(ctx context.Context, e observe.SubscriptionLost) { record(ctx, lost, 1, e.Channel) },
	}
}

// Gauges hands over the Gauges as a snapshot has them.
func Gauges(s observe.Snapshot, set func(m *Metric, value float64, labels ...string)) {
	for transport, n := range s.Connections {
		set(connections, float64(n), transport)
	}
	for channel, n := range s.Memberships {
		set(memberships, float64(n), channel)
	}
	set(topics, float64(s.Topics))
	set(queueFrames, float64(s.Queues.Frames))
	set(queueBytes, float64(s.Queues.Bytes))
	set(queueMaxFrames, float64(s.Queues.MaxFrames))
	set(queueMaxBytes, float64(s.Queues.MaxBytes))
	if s.Draining {
		set(draining, 1)
	} else {
		set(draining, 0)
	}
}
