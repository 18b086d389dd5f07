package telemetry_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/txflow/txflow/otel/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clean unsets what the developer's shell may have set.
func clean(t *testing.T) {
	t.Helper()
	for _, name := range []string{"OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT",
		"OTEL_EXPORTER_OTLP_PROTOCOL",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_SERVICE_NAME",
		"OTEL_RESOURCE_ATTRIBUTES",
		"OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_PROPAGATORS", "OTEL_SPAN_LINK_COUNT_LIMIT", "TRACEPARENT",
		"TRACESTATE", "BAGGAGE"} {
		t.Setenv(name, "")
	}
}

func setup(t *testing.T, cfg telemetry.Config) *telemetry.Telemetry {
	t.Helper()
	tel, err := telemetry.Setup(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tel
}

func spans(tel *telemetry.Telemetry, n int) {
	tracer := tel.Tracer("test")
	for range n {
		_, span := tracer.Start(context.Background(), "span")
		span.End()
	}
}

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func TestExport(t *testing.T) {
	clean(t)
	var mu sync.Mutex
	got := 0
	var service string
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a torn one does not decode
		var req coltrace.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &req); err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, rs := range req.ResourceSpans {
			for _, a := range rs.Resource.Attributes {
				if a.Key == "service.name" {
					service = a.Value.GetStringValue()
				}
			}
			for _, ss := range rs.ScopeSpans {
				got += len(ss.Spans)
			}
		}
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_SERVICE_NAME", "from the environment")
	var log lines
	tel := setup(t, telemetry.Config{Service: "txflow", Version: "1", Log: slog.New(slog.NewTextHandler(&log, nil))})
	spans(tel, 1000)
	tel.Shutdown(t.Context())
	if got != 1000 || service != "from the environment" || log.String() != "" {
		t.Errorf("%d spans of %q arrived; log: %s", got, service, log.String())
	}
}

// TestCollectorUnavailable has an unreachable collector and one that never answers: work goes on at once, Shutdown ends
// in time, and the log holds one warning of the fault at most, and one of the loss.
func TestCollectorUnavailable(t *testing.T) {
	release := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // whatever comes
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer hanging.Close()
	defer close(release)
	for name, c := range map[string]struct{ endpoint, protocol string }{
		"unreachable":       {"http://127.0.0.1:1", ""},
		"hanging":           {hanging.URL, ""},
		"unreachable, grpc": {"http://127.0.0.1:1", "grpc"},
		"hanging, grpc":     {hanging.URL, "grpc"},
	} {
		t.Run(name, func(t *testing.T) {
			clean(t)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.endpoint)
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", c.protocol)
			var log lines
			tel := setup(t, telemetry.Config{Service: "txflow", ShutdownTimeout: 300 * time.Millisecond, Queue: 1000,
				Log: slog.New(slog.NewTextHandler(&log, nil))})
			const limit = 8 * time.Second // a single export that is waited for takes 10
			start := time.Now()
			spans(tel, 20_000)
			if took := time.Since(start); took > limit {
				t.Errorf("20,000 spans took %v", took)
			}
			start = time.Now()
			tel.Shutdown(t.Context())
			if took := time.Since(start); took > limit {
				t.Errorf("Shutdown took %v", took)
			}
			if n := strings.Count(log.String(), "level="); n < 1 || n > 2 ||
				!strings.Contains(log.String(), "lost=20000 of=20000") {
				t.Errorf("%d lines: %s", n, log.String())
			}
		})
	}
}

func TestWithoutEndpoint(t *testing.T) {
	clean(t)
	tel := setup(t, telemetry.Config{Service: "txflow"})
	defer tel.Shutdown(t.Context())
	ctx, span := tel.Tracer("test").Start(t.Context(), "span")
	traceID, spanID, sampled := telemetry.IDs(ctx)
	if len(traceID) != 32 || len(spanID) != 16 || !sampled || !span.IsRecording() {
		t.Errorf("%q %q %v", traceID, spanID, sampled)
	}
	span.End()
}

func TestDisabled(t *testing.T) {
	clean(t)
	t.Setenv("OTEL_SDK_DISABLED", "TRUE")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	tel := setup(t, telemetry.Config{Service: "txflow"})
	defer tel.Shutdown(t.Context())
	ctx, _ := tel.Tracer("test").Start(t.Context(), "span")
	if traceID, _, _ := telemetry.IDs(ctx); traceID != "" {
		t.Errorf("a trace %s although disabled", traceID)
	}
}

func TestExporterNone(t *testing.T) {
	clean(t)
	t.Setenv("OTEL_TRACES_EXPORTER", "none")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	var log lines
	tel := setup(t, telemetry.Config{Service: "txflow", Log: slog.New(slog.NewTextHandler(&log, nil))})
	spans(tel, 10)
	tel.Shutdown(t.Context())
	if log.String() != "" {
		t.Error(log.String())
	}
}

func TestSampler(t *testing.T) {
	clean(t)
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	tel := setup(t, telemetry.Config{Service: "txflow"})
	defer tel.Shutdown(t.Context())
	ctx, _ := tel.Tracer("test").Start(t.Context(), "span")
	if traceID, _, sampled := telemetry.IDs(ctx); traceID == "" || sampled {
		t.Errorf("trace %q, sampled %v: want an id that is not sampled", traceID, sampled)
	}
}

func TestLinkLimit(t *testing.T) {
	clean(t)
	for _, c := range []struct {
		limit int
		env   string
		want  int
	}{{0, "", 128}, {500, "", 500}, {500, "7", 7}} {
		t.Setenv("OTEL_SPAN_LINK_COUNT_LIMIT", c.env)
		tel := setup(t, telemetry.Config{Service: "txflow", Links: c.limit})
		_, span := tel.Tracer("test").Start(t.Context(), "batch")
		for i := range 600 {
			span.AddLink(trace.Link{SpanContext: trace.NewSpanContext(trace.SpanContextConfig{
				TraceID: trace.TraceID{byte(i), byte(i >> 8), 1}, SpanID: trace.SpanID{1}})})
		}
		if got := len(span.(sdktrace.ReadOnlySpan).Links()); got != c.want {
			t.Errorf("limit %d, environment %q: %d links, want %d", c.limit, c.env, got, c.want)
		}
		span.End()
		tel.Shutdown(t.Context())
	}
}
