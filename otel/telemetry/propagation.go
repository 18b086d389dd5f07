package telemetry

import (
	"context"
	"fmt"
	"os"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// propagators reads OTEL_PROPAGATORS.
func propagators(names string) (propagation.TextMapPropagator, error) {
	if names == "" {
		names = "tracecontext,baggage"
	}
	var all []propagation.TextMapPropagator
	for name := range strings.SplitSeq(names, ",") {
		switch strings.TrimSpace(name) {
		case "tracecontext":
			all = append(all, propagation.TraceContext{})
		case "baggage":
			all = append(all, propagation.Baggage{})
		case "none", "":
		default:
			return nil, fmt.Errorf("OTEL_PROPAGATORS names %q: tracecontext, baggage and none are known", name)
		}
	}
	return propagation.NewCompositeTextMapPropagator(all...), nil
}

// FromEnv returns ctx with the parent that a scheduler left in TRACEPARENT, TRACESTATE and BAGGAGE. A broken value is
// ignored.
func FromEnv(ctx context.Context) context.Context {
	carrier := propagation.MapCarrier{}
	for _, name := range environ {
		carrier[name] = os.Getenv(strings.ToUpper(name))
	}
	return w3c.Extract(ctx, carrier)
}

// LinksFromEnv returns a link to the span that TXFLOW_LINK_TRACEPARENT names, which caused this process without being
// its parent: the request that caused a scheduler's run, say. A broken value is ignored.
func LinksFromEnv() []trace.Link {
	carrier := propagation.MapCarrier{"traceparent": os.Getenv("TXFLOW_LINK_TRACEPARENT")}
	sc := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), carrier))
	if !sc.IsValid() {
		return nil
	}
	return []trace.Link{{SpanContext: sc}}
}

// IDs returns the ids of ctx's span in hex, "" when there is none, and whether it is sampled.
func IDs(ctx context.Context) (traceID, spanID string, sampled bool) {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return "", "", false
	}
	return sc.TraceID().String(), sc.SpanID().String(), sc.IsSampled()
}

var (
	environ = []string{"traceparent", "tracestate", "baggage"}
	w3c     = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
)
