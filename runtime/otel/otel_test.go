package chgenotel_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/chgen/chgen/runtime/internal/meter"
	"github.com/chgen/chgen/runtime/observe"
	chgenotel "github.com/chgen/chgen/runtime/otel"
)

// setup returns an observer and where its spans and metrics are found.
func setup(t *testing.T) (observe.Observer, *tracetest.SpanRecorder, *metric.ManualReader, *trace.TracerProvider) {
	t.Helper()
	spans, reader := tracetest.NewSpanRecorder(), metric.NewManualReader()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(spans))
	o, err := chgenotel.New(chgenotel.Options{
		TracerProvider: provider,
		MeterProvider:  metric.NewMeterProvider(metric.WithReader(reader)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return o, spans, reader, provider
}

func TestSpanOfAPushHoldsItsBroadcasts(t *testing.T) {
	t.Parallel()
	o, spans, _, provider := setup(t)
	opened, upgrade := provider.Tracer("http").Start(context.Background(), "GET /socket/websocket")
	upgrade.End()

	ctx := o.PushStart(opened, observe.PushStart{Channel: "Room", Event: "say", Topic: "room:a"})
	sending := o.BroadcastStart(ctx, observe.BroadcastStart{Channel: "Room", Event: "said", Topic: "room:a"})
	o.BroadcastEnd(sending, observe.BroadcastEnd{Channel: "Room", Event: "said", Bytes: 24})
	o.PushEnd(ctx, observe.PushEnd{Channel: "Room", Event: "say", Outcome: "slow_down"})

	ended := spans.Ended()
	if len(ended) != 3 {
		t.Fatalf("%d spans, want 3", len(ended))
	}
	broadcast, push := ended[1], ended[2]
	if broadcast.Name() != "broadcast Room.said" || push.Name() != "push Room.say" {
		t.Errorf("got %q in %q", broadcast.Name(), push.Name())
	}
	if broadcast.Parent().SpanID() != push.SpanContext().SpanID() {
		t.Error("the broadcast does not belong to the push")
	}
	if push.Parent().IsValid() || len(push.Links()) != 1 || push.Links()[0].SpanContext.SpanID() != upgrade.SpanContext().SpanID() {
		t.Error("the push does not begin a trace that links to the upgrade's")
	}
	want := map[string]string{
		"messaging.system": "phoenix_channels", "messaging.operation.name": "push", "messaging.operation.type": "process",
		"messaging.destination.name": "room:a", "chgen.channel": "Room", "chgen.event": "say", "error.type": "slow_down",
	}
	got := make(map[string]string)
	for _, a := range push.Attributes() {
		got[string(a.Key)] = a.Value.AsString()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

// TestSpanSaysWhoseFaultItWas holds that only the server's own failures make a span an error.
func TestSpanSaysWhoseFaultItWas(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[string]string{"ok": "Unset", "slow_down": "Unset", "internal": "Error", "timeout": "Error"} {
		o, spans, _, _ := setup(t)
		ctx := o.JoinStart(context.Background(), observe.JoinStart{Channel: "Room", Topic: "room:a"})
		o.JoinEnd(ctx, observe.JoinEnd{Channel: "Room", Outcome: outcome})
		if got := spans.Ended()[0].Status().Code.String(); got != want {
			t.Errorf("%s: got %s, want %s", outcome, got, want)
		}
	}
	o, spans, _, _ := setup(t)
	ctx := o.BroadcastStart(context.Background(), observe.BroadcastStart{})
	o.BroadcastEnd(ctx, observe.BroadcastEnd{Err: errors.New("no bus")})
	if got := spans.Ended()[0].Status().Code.String(); got != "Error" {
		t.Errorf("a broadcast that failed: got %s, want Error", got)
	}
}

// TestEndWithoutStartEndsNoSpan is a push that was answered before its handler was called: what is in its context is
// somebody else's.
func TestEndWithoutStartEndsNoSpan(t *testing.T) {
	t.Parallel()
	o, spans, _, provider := setup(t)
	ctx, span := provider.Tracer("theirs").Start(context.Background(), "theirs")
	o.PushEnd(ctx, observe.PushEnd{Channel: "Room", Event: "say", Outcome: "rate_limited"})
	if n := len(spans.Ended()); n != 0 || !span.IsRecording() {
		t.Errorf("%d spans have ended, want none", n)
	}
}

// TestEveryMetricIsExported has everything happen once.
func TestEveryMetricIsExported(t *testing.T) {
	t.Parallel()
	o, _, reader, _ := setup(t)
	ctx := context.Background()
	o.Opened(ctx, observe.Opened{})
	o.Closed(ctx, observe.Closed{})
	o.Refused(ctx, observe.Refused{})
	o.JoinEnd(ctx, observe.JoinEnd{Duration: time.Second})
	o.Left(ctx, observe.Left{})
	o.PushEnd(ctx, observe.PushEnd{Channel: "Room", Event: "say", Outcome: "ok", Duration: time.Second})
	o.BroadcastEnd(ctx, observe.BroadcastEnd{})
	o.Delivered(ctx, observe.Delivered{})
	o.Dropped(ctx, observe.Dropped{})
	o.PresenceChanged(ctx, observe.PresenceChanged{})
	o.Polled(ctx, observe.Polled{})
	o.Renewed(ctx, observe.Renewed{})
	o.Recovered(ctx, observe.Recovered{})
	o.SubscriptionLost(ctx, observe.SubscriptionLost{})
	o.Serving(func() observe.Snapshot {
		return observe.Snapshot{Connections: map[string]int{"websocket": 1}, Memberships: map[string]int{"Room": 1}}
	})
	var data metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &data); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, m := range data.ScopeMetrics[0].Metrics {
		got[m.Name] = m.Unit
		if m.Name == "chgen.pushes" {
			point := m.Data.(metricdata.Sum[float64]).DataPoints[0]
			want := attribute.NewSet(attribute.String("chgen.channel", "Room"), attribute.String("chgen.event", "say"), attribute.String("chgen.outcome", "ok"))
			if point.Value != 1 || !point.Attributes.Equals(&want) {
				t.Errorf("chgen.pushes is %v with %v", point.Value, point.Attributes)
			}
		}
	}
	want := make(map[string]string)
	for _, m := range meter.All {
		want[m.OTel()] = m.Unit
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func Example() {
	spans := tracetest.NewSpanRecorder() // a program has an exporter
	observer, err := chgenotel.New(chgenotel.Options{
		TracerProvider: trace.NewTracerProvider(trace.WithSpanProcessor(spans)),
	})
	if err != nil {
		panic(err)
	}
	// server := channel.NewServer(channel.WithObserver(observer))
	ctx := observer.PushStart(context.Background(), observe.PushStart{Channel: "Room", Event: "say", Topic: "room:a"})
	observer.PushEnd(ctx, observe.PushEnd{Channel: "Room", Event: "say", Outcome: observe.OK})
	fmt.Println(spans.Ended()[0].Name())
	// Output: push Room.say
}
