package server

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

const scope = "github.com/txflow/txflow/ml_api/server"

// startSpan continues the caller's trace.
func (s *Server) startSpan(r *http.Request) (context.Context, trace.Span) {
	ctx := s.cfg.Propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	return s.tracer.Start(ctx, r.Method+" /predict", trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(s.spanAttrs...))
}

// endSpan notes the answer. The span is ended by its owner.
func endSpan(span trace.Span, a *response) {
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.Int("txflow.batch_size", a.rows), attribute.String("txflow.outcome", a.outcome),
		attribute.Int("http.response.status_code", a.status))
	if a.status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, a.outcome)
	}
}
