package client

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/txflow/txflow/internal/secret"
)

// TestPropagator sends the trace as the propagator says: by default in W3C's header, and not at all if there is none.
func TestPropagator(t *testing.T) {
	t.Parallel()
	provider := sdktrace.NewTracerProvider()
	for _, c := range []struct {
		with propagation.TextMapPropagator
		want bool
	}{{nil, true}, {propagation.TraceContext{}, true}, {propagation.NewCompositeTextMapPropagator(), false}} {
		got := make(chan string, 10)
		service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got <- r.Header.Get("Traceparent")
			http.Error(w, "not found", http.StatusNotFound)
		}))
		defer service.Close()
		api, err := New(Config{URL: secret.NewURL(service.URL), TracerProvider: provider, Propagator: c.with, OutageLimit: -1,
			MaxAttempts: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer api.Close()
		if _, err := api.Predict(t.Context(), sample(1)); err == nil {
			t.Error("404 is no error")
		}
		if header := <-got; (header != "") != c.want {
			t.Errorf("with %T the header is %q", c.with, header)
		}
	}
}
