package classify

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/stream/transactions/message"
)

// startSpan starts the span of a transaction, which links to the span of every message that carries one. Names are those
// of OpenTelemetry's conventions for messaging.
func startSpan(ctx context.Context, tracer trace.Tracer, group string, messages []Message) (context.Context, trace.Span) {
	var links []trace.Link
	for i := range messages {
		if sc := spanOf(messages[i].Traceparent); sc.IsValid() {
			links = append(links, trace.Link{SpanContext: sc})
		}
	}
	return tracer.Start(ctx, "process "+topics.Raw, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithLinks(links...), trace.WithAttributes(
		attribute.String("messaging.system", "kafka"), attribute.String("messaging.operation.name", "process"),
		attribute.String("messaging.destination.name", topics.Raw), attribute.String("messaging.consumer.group.name", group),
		attribute.Int("messaging.batch.message_count", len(messages))))
}

func endSpan(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}

// spanOf reads a traceparent; a broken one is as good as none.
func spanOf(traceparent string) trace.SpanContext {
	if traceparent == "" {
		return trace.SpanContext{}
	}
	carrier := propagation.MapCarrier{message.HeaderTrace: traceparent}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
}

// traceOf is the trace that a traceparent names, "" for none.
func traceOf(traceparent string) string {
	if sc := spanOf(traceparent); sc.IsValid() {
		return sc.TraceID().String()
	}
	return ""
}
