package pipeline

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// startSpan starts the span of a batch, which links to the span of every message that carries one. Names are those of
// OpenTelemetry's conventions for messaging.
func startSpan(ctx context.Context, cfg *Config, messages []Message) (context.Context, trace.Span) {
	var links []trace.Link
	for i := range messages {
		if sc := messages[i].span(); sc.IsValid() {
			links = append(links, trace.Link{SpanContext: sc})
		}
	}
	return cfg.Tracer.Start(ctx, "process "+cfg.Topic, trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithLinks(links...),
		trace.WithAttributes(
			attribute.String("messaging.system", "kafka"), attribute.String("messaging.operation.name", "process"),
			attribute.String("messaging.destination.name", cfg.Topic),
			attribute.String("messaging.consumer.group.name", cfg.Group),
			attribute.Int("messaging.batch.message_count", len(messages))))
}

func endSpan(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}

// spanOf reads a traceparent; an invalid one counts as absent.
func spanOf(traceparent string) trace.SpanContext {
	if traceparent == "" {
		return trace.SpanContext{}
	}
	carrier := propagation.MapCarrier{HeaderTrace: traceparent}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}
