// Package chgenprom makes a server's metrics a collector of Prometheus.
//
//	metrics := chgenprom.New()
//	prometheus.MustRegister(metrics)
//	server := channel.NewServer(channel.WithObserver(metrics.Observer()))
//
// The metrics are listed in docs/operations.md. Their labels are names of the schema and words of a few: no topic and
// nothing else that a client can make up.
package chgenprom

import (
	"context"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chgen/chgen/runtime/internal/meter"
	"github.com/chgen/chgen/runtime/observe"
)

// Metrics is the metrics of one server, a prometheus.Collector. Several servers in one process have one each, registered
// with a label that tells them apart (prometheus.WrapRegistererWith). Its methods may be called concurrently.
type Metrics struct {
	collectors []prometheus.Collector
	record     map[*meter.Metric]func(value float64, labels []string)
	gauges     map[*meter.Metric]*prometheus.Desc
	snapshot   atomic.Pointer[func() observe.Snapshot]
}

// New returns metrics that no server fills in yet.
func New() *Metrics {
	m := &Metrics{
		record: make(map[*meter.Metric]func(float64, []string)),
		gauges: make(map[*meter.Metric]*prometheus.Desc),
	}
	for _, metric := range meter.All {
		m.add(metric)
	}
	return m
}

func (m *Metrics) add(metric *meter.Metric) {
	name, help, labels := metric.Prometheus(), metric.Help, metric.Labels
	switch metric.Kind {
	case meter.Counter:
		vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.collectors = append(m.collectors, vec)
		m.record[metric] = func(value float64, labels []string) { vec.WithLabelValues(labels...).Add(value) }
	case meter.UpDown:
		vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
		m.collectors = append(m.collectors, vec)
		m.record[metric] = func(value float64, labels []string) { vec.WithLabelValues(labels...).Add(value) }
	case meter.Histogram:
		vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: metric.Bounds}, labels)
		m.collectors = append(m.collectors, vec)
		m.record[metric] = func(value float64, labels []string) { vec.WithLabelValues(labels...).Observe(value) }
	case meter.Gauge:
		m.gauges[metric] = prometheus.NewDesc(name, help, labels, nil)
	}
}

// Observer is for channel.WithObserver.
func (m *Metrics) Observer() observe.Observer {
	o := meter.Observer(func(_ context.Context, metric *meter.Metric, value float64, labels ...string) {
		m.record[metric](value, labels)
	})
	o.Serving = func(snapshot func() observe.Snapshot) { m.snapshot.Store(&snapshot) }
	return o
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(descs chan<- *prometheus.Desc) {
	for _, c := range m.collectors {
		c.Describe(descs)
	}
	for _, desc := range m.gauges {
		descs <- desc
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(metrics chan<- prometheus.Metric) {
	for _, c := range m.collectors {
		c.Collect(metrics)
	}
	snapshot := m.snapshot.Load()
	if snapshot == nil {
		return
	}
	meter.Gauges((*snapshot)(), func(metric *meter.Metric, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(m.gauges[metric], prometheus.GaugeValue, value, labels...)
	})
}
