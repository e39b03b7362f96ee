// Package chgenotel tells OpenTelemetry what a server does: metrics, and traces from a push through its handler to the
// broadcasts that it makes.
//
//	observer, err := chgenotel.New(chgenotel.Options{})
//	...
//	server := channel.NewServer(channel.WithObserver(observer))
//
// It needs the API of OpenTelemetry alone; what becomes of metrics and spans is for the SDK that the program sets up.
// The metrics are listed in docs/operations.md, the spans in the documentation of New.
package chgenotel

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/chgen/chgen/runtime/internal/meter"
	"github.com/chgen/chgen/runtime/observe"
)

// scope names what records here.
const scope = "github.com/chgen/chgen/runtime/otel"

// Options are where metrics and spans go. A noop provider switches its part off.
type Options struct {
	TracerProvider trace.TracerProvider // default otel.GetTracerProvider
	MeterProvider  metric.MeterProvider // default otel.GetMeterProvider
}

// New returns an observer for one server. It fails where the provider does not make an instrument.
//
// Spans are "join Room" and "push Room.send_message", from the call of the handler to the answer, and "broadcast
// Room.message_created", the publishing. They have the attributes of messaging that fit; topics are among them, which
// metrics never have. A join or push begins a trace of its own, since its connection may live for days, and links to
// the span that the connection was opened in, if any. A broadcast belongs to the span in its context. Traces do not
// travel over the PubSub to other nodes, nor to clients.
func New(o Options) (observe.Observer, error) {
	if o.TracerProvider == nil {
		o.TracerProvider = otel.GetTracerProvider()
	}
	if o.MeterProvider == nil {
		o.MeterProvider = otel.GetMeterProvider()
	}
	m := &metrics{meter: o.MeterProvider.Meter(scope), record: make(map[*meter.Metric]record), gauges: make(map[*meter.Metric]metric.Float64ObservableGauge)}
	for _, one := range meter.All {
		if err := m.add(one); err != nil {
			return observe.Observer{}, fmt.Errorf("metric %s: %w", one.OTel(), err)
		}
	}
	observer := m.observer()
	(&tracer{o.TracerProvider.Tracer(scope)}).observe(&observer)
	return observer, nil
}

type record func(ctx context.Context, value float64, labels metric.MeasurementOption)

type metrics struct {
	meter  metric.Meter
	record map[*meter.Metric]record
	gauges map[*meter.Metric]metric.Float64ObservableGauge
}

func (m *metrics) add(one *meter.Metric) error {
	name, help, unit := one.OTel(), metric.WithDescription(one.Help), metric.WithUnit(one.Unit)
	switch one.Kind {
	case meter.Counter:
		counter, err := m.meter.Float64Counter(name, help, unit)
		m.record[one] = func(ctx context.Context, value float64, labels metric.MeasurementOption) {
			counter.Add(ctx, value, labels)
		}
		return err
	case meter.UpDown:
		counter, err := m.meter.Float64UpDownCounter(name, help, unit)
		m.record[one] = func(ctx context.Context, value float64, labels metric.MeasurementOption) {
			counter.Add(ctx, value, labels)
		}
		return err
	case meter.Histogram:
		histogram, err := m.meter.Float64Histogram(name, help, unit, metric.WithExplicitBucketBoundaries(one.Bounds...))
		m.record[one] = func(ctx context.Context, value float64, labels metric.MeasurementOption) {
			histogram.Record(ctx, value, labels)
		}
		return err
	default:
		gauge, err := m.meter.Float64ObservableGauge(name, help, unit)
		m.gauges[one] = gauge
		return err
	}
}

func (m *metrics) observer() observe.Observer {
	o := meter.Observer(func(ctx context.Context, one *meter.Metric, value float64, labels ...string) {
		m.record[one](ctx, value, attributes(one, labels))
	})
	o.Serving = func(snapshot func() observe.Snapshot) {
		instruments := make([]metric.Observable, 0, len(m.gauges))
		for _, gauge := range m.gauges {
			instruments = append(instruments, gauge)
		}
		_, err := m.meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
			meter.Gauges(snapshot(), func(one *meter.Metric, value float64, labels ...string) {
				to.ObserveFloat64(m.gauges[one], value, attributes(one, labels))
			})
			return nil
		}, instruments...)
		if err != nil {
			otel.Handle(err)
		}
	}
	return o
}

// attributes are labels, each "chgen." and its name.
func attributes(one *meter.Metric, labels []string) metric.MeasurementOption {
	set := make([]attribute.KeyValue, len(labels))
	for i, value := range labels {
		set[i] = attribute.String("chgen."+one.Labels[i], value)
	}
	return metric.WithAttributeSet(attribute.NewSet(set...))
}
