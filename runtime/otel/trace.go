package chgenotel

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/chgen/chgen/runtime/observe"
)

// tracer makes the spans. It is also the key under which contexts have the span that is to be ended: another tracer's
// may be the current one.
type tracer struct{ trace.Tracer }

// observe adds the spans to what o does.
func (t *tracer) observe(o *observe.Observer) {
	joinEnd, pushEnd, broadcastEnd := o.JoinEnd, o.PushEnd, o.BroadcastEnd
	o.JoinStart = func(ctx context.Context, e observe.JoinStart) context.Context {
		return t.begin(ctx, "join "+e.Channel, attributesOf("join", "process", e.Channel, "", e.Topic), true)
	}
	o.JoinEnd = func(ctx context.Context, e observe.JoinEnd) {
		joinEnd(ctx, e)
		t.end(ctx, e.Outcome)
	}
	o.PushStart = func(ctx context.Context, e observe.PushStart) context.Context {
		return t.begin(ctx, "push "+e.Channel+"."+e.Event, attributesOf("push", "process", e.Channel, e.Event, e.Topic), true)
	}
	o.PushEnd = func(ctx context.Context, e observe.PushEnd) {
		pushEnd(ctx, e)
		t.end(ctx, e.Outcome)
	}
	o.BroadcastStart = func(ctx context.Context, e observe.BroadcastStart) context.Context {
		return t.begin(ctx, "broadcast "+e.Channel+"."+e.Event, attributesOf("broadcast", "send", e.Channel, e.Event, e.Topic), false)
	}
	o.BroadcastEnd = func(ctx context.Context, e observe.BroadcastEnd) {
		broadcastEnd(ctx, e)
		if span, ok := ctx.Value(t).(trace.Span); ok {
			span.SetAttributes(attribute.Int("messaging.message.body.size", e.Bytes))
			if e.Err != nil {
				span.RecordError(e.Err)
				span.SetStatus(codes.Error, "")
			}
			span.End()
		}
	}
}

// begin starts a span of what comes from a client, in a trace of its own, or of what goes out, in the trace at hand.
func (t *tracer) begin(ctx context.Context, name string, attributes []attribute.KeyValue, incoming bool) context.Context {
	options := []trace.SpanStartOption{trace.WithAttributes(attributes...), trace.WithSpanKind(trace.SpanKindProducer)}
	if incoming {
		options = append(options[:1], trace.WithSpanKind(trace.SpanKindConsumer), trace.WithNewRoot())
		if opened := trace.SpanContextFromContext(ctx); opened.IsValid() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: opened}))
		}
	}
	ctx, span := t.Start(ctx, name, options...)
	return context.WithValue(ctx, t, span)
}

// end ends the span that begin has put into ctx, if it was called.
func (t *tracer) end(ctx context.Context, outcome string) {
	span, ok := ctx.Value(t).(trace.Span)
	if !ok {
		return
	}
	if outcome != observe.OK {
		span.SetAttributes(attribute.String("error.type", outcome))
	}
	switch outcome {
	case "internal", "timeout", "join crashed": // the server's own failures; the others are answers
		span.SetStatus(codes.Error, outcome)
	}
	span.End()
}

// attributesOf are what a span says, in the words of the semantic conventions for messaging where they have one.
func attributesOf(operation, kind, channel, event, topic string) []attribute.KeyValue {
	all := []attribute.KeyValue{
		attribute.String("messaging.system", "phoenix_channels"),
		attribute.String("messaging.operation.name", operation),
		attribute.String("messaging.operation.type", kind),
		attribute.String("messaging.destination.name", topic),
		attribute.String("chgen.channel", channel),
	}
	if event != "" {
		all = append(all, attribute.String("chgen.event", event))
	}
	return all
}
