package telemetry_test

import (
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"

	"github.com/txflow/txflow/otel/telemetry"
)

func TestEnvironment(t *testing.T) {
	clean(t)
	const traceID = "0af7651916cd43dd8448eb211c80319c"
	t.Setenv("TRACEPARENT", "00-"+traceID+"-b7ad6b7169203331-01")
	t.Setenv("TRACESTATE", "vendor=1")
	ctx := telemetry.FromEnv(t.Context())
	tel := setup(t, telemetry.Config{Service: "txflow"})
	defer tel.Shutdown(t.Context())
	ctx, span := tel.Tracer("test").Start(ctx, "child")
	defer span.End()
	got, spanID, sampled := telemetry.IDs(ctx)
	if got != traceID || !sampled {
		t.Errorf("the span is of trace %q, sampled %v", got, sampled)
	}
	header := http.Header{}
	tel.Propagator().Inject(ctx, propagation.HeaderCarrier(header))
	if !strings.Contains(header.Get("Traceparent"), spanID) {
		t.Errorf("headers %v", header)
	}
	t.Setenv("OTEL_PROPAGATORS", "none")
	silent := setup(t, telemetry.Config{Service: "txflow"})
	defer silent.Shutdown(t.Context())
	header = http.Header{}
	if silent.Propagator().Inject(ctx, propagation.HeaderCarrier(header)); len(header) > 0 {
		t.Errorf("with OTEL_PROPAGATORS=none the headers are %v", header)
	}
	t.Setenv("TRACEPARENT", "00-zz")
	if id, _, _ := telemetry.IDs(telemetry.FromEnv(t.Context())); id != "" {
		t.Errorf("a broken TRACEPARENT gave %q", id)
	}
}

func TestLinks(t *testing.T) {
	if links := telemetry.LinksFromEnv(); links != nil {
		t.Errorf("without the variable: %v", links)
	}
	t.Setenv("TXFLOW_LINK_TRACEPARENT", "00-zz")
	if links := telemetry.LinksFromEnv(); links != nil {
		t.Errorf("a broken value: %v", links)
	}
	const cause = "0af7651916cd43dd8448eb211c80319c"
	t.Setenv("TXFLOW_LINK_TRACEPARENT", "00-"+cause+"-b7ad6b7169203331-01")
	if links := telemetry.LinksFromEnv(); len(links) != 1 || links[0].SpanContext.TraceID().String() != cause {
		t.Errorf("got %v", links)
	}
}

func TestBadVariables(t *testing.T) {
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318", "OTEL_TRACES_EXPORTER": "zipkin", "OTEL_PROPAGATORS": "b3",
		"OTEL_RESOURCE_ATTRIBUTES": "no equals sign",
	} {
		clean(t)
		t.Setenv(name, value)
		if _, err := telemetry.Setup(t.Context(), telemetry.Config{Service: "txflow"}); err == nil ||
			!strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
	clean(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
	if _, err := telemetry.Setup(t.Context(), telemetry.Config{}); err == nil {
		t.Error("http/json was taken")
	}
}

func FuzzTraceparent(f *testing.F) {
	f.Add("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "a=b", "c=d")
	f.Fuzz(func(t *testing.T, parent, state, baggage string) {
		for name, v := range map[string]string{"TRACEPARENT": parent, "TRACESTATE": state, "BAGGAGE": baggage} {
			if strings.ContainsRune(v, 0) {
				return
			}
			t.Setenv(name, v)
		}
		if id, _, _ := telemetry.IDs(telemetry.FromEnv(t.Context())); id != "" && len(id) != 32 {
			t.Fatal(id)
		}
	})
}
