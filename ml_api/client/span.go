package client

import (
	"context"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/txflow/txflow/internal/secret"
)

// spanAttributes are those that every call of one client shares.
func spanAttributes(target secret.URL) []attribute.KeyValue {
	attrs := []attribute.KeyValue{attribute.String("http.request.method", "POST"),
		attribute.String("url.full", target.String())}
	if u, err := url.Parse(target.String()); err == nil {
		attrs = append(attrs, attribute.String("server.address", u.Hostname()))
		if port, err := strconv.Atoi(u.Port()); err == nil {
			attrs = append(attrs, attribute.Int("server.port", port))
		}
	}
	return attrs
}

func (c *Client) startSpan(ctx context.Context, rows, attempt int) (context.Context, trace.Span) {
	return c.tracer.Start(ctx, "POST /predict", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(c.spanAttrs...),
		trace.WithAttributes(attribute.Int("txflow.batch_size", rows), attribute.Int("txflow.attempt", attempt)))
}

// endSpan notes how the call went. The span is ended by its owner.
func endSpan(span trace.Span, v verdict, e *exchange, model string) {
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.String("txflow.outcome", v.String()), attribute.String("txflow.model_version", model))
	if e.status != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", e.status))
	}
	if v == answered {
		return
	}
	span.SetAttributes(attribute.String("error.type", e.kind(v)))
	span.SetStatus(codes.Error, e.cause().Error())
}
