package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newServer(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func post(s *Server, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/predict", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	s := newServer(t, Config{MaxBodyBytes: 1000, MaxItems: 2})
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		want                     int
		says                     string
	}{
		{"example", "POST", "/predict", "[" + exampleItem + "]", nil, 200,
			`"category":"Transportation","model_version":"hash-v1"`},
		{"charset", "POST", "/predict", "[]", []string{"Content-Type", "application/json; charset=UTF-8"}, 200, "[]"},
		{"no type", "POST", "/predict", "[]", []string{"Content-Type", ""}, 200, "[]"},
		{"form", "POST", "/predict", "[]", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415,
			"application/json"},
		{"compressed", "POST", "/predict", "[]", []string{"Content-Encoding", "gzip"}, 415, "not compressed"},
		{"method", "GET", "/predict", "", nil, 405, "Method Not Allowed"},
		{"long body", "POST", "/predict", "[" + strings.Repeat(" ", 1000) + "]", nil, 413, "1000 bytes"},
		{"long array", "POST", "/predict", "[" + exampleItem + "," + exampleItem + "," + exampleItem + "]", nil, 422,
			`"type":"too_long","loc":["body"]`},
		{"bad amount", "POST", "/predict", with("100", `"x"`), nil, 422,
			`"loc":["body",0,"amount"],"msg":"Input should be a valid number","pointer":"/0/amount"`},
		{"health", "GET", "/health", "", nil, 200, `"status":"ok","model_version":"hash-v1"`},
		{"post health", "POST", "/health", "", nil, 405, "Method Not Allowed"},
		{"docs", "GET", "/docs", "", nil, 200, "<h1>txflow ML API"},
		{"docs take a token", "GET", "/docs", "", nil, 200, `<input name="token"`},
		{"openapi", "GET", "/openapi.json", "", nil, 200, `"openapi": "3.1.0"`},
		{"metrics", "GET", "/metrics", "", nil, 200, "txflow_ml_requests_total"},
		{"root", "GET", "/", "", nil, 302, "/docs"},
		{"nothing", "GET", "/nothing", "", nil, 404, "Not Found"},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(c.headers); i += 2 {
			r.Header.Set(c.headers[i], c.headers[i+1])
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.want || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: got %d %s", c.name, w.Code, w.Body)
		}
	}
}

func TestChunkedBodyOverTheLimit(t *testing.T) {
	t.Parallel()
	s := newServer(t, Config{MaxBodyBytes: 100})
	r := httptest.NewRequest(http.MethodPost, "/predict", struct{ io.Reader }{strings.NewReader("[" + exampleItem + "]")})
	r.ContentLength = -1
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d", w.Code)
	}
}

func TestComplaintsAreBounded(t *testing.T) {
	t.Parallel()
	s := newServer(t, Config{})
	w := post(s, "["+strings.TrimSuffix(strings.Repeat("{},", 5000), ",")+"]")
	var problem struct{ Detail []complaint }
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
		t.Fatal(err)
	}
	if n := len(problem.Detail); w.Code != 422 || n < maxComplaints || n > maxComplaints+len(fields) {
		t.Errorf("%d with %d complaints", w.Code, n)
	}
}

func TestEveryRequestIsCounted(t *testing.T) {
	t.Parallel()
	s := newServer(t, Config{Practice: Practice{ErrorRate: 0.2, ThrottleRate: 0.2, ShortRate: 0.2, Seed: 7}})
	const callers, each = 8, 50
	statuses := map[int]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := range each {
				body := "[" + exampleItem + "]"
				if i%10 == 0 {
					body = "[{}]"
				}
				w := post(s, body)
				mu.Lock()
				statuses[w.Code]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	total := 0
	for status, n := range statuses {
		total += n
		if line := fmt.Sprintf("txflow_ml_requests_total{status=\"%d\"} %d\n", status, n); !strings.Contains(w.Body.String(),
			line) {
			t.Errorf("the metrics have no line %s", line)
		}
	}
	if total != callers*each || len(statuses) != 4 || s.requests.Load() != callers*each {
		t.Errorf("statuses: %v", statuses)
	}
	if !strings.Contains(w.Body.String(), "txflow_ml_in_flight 0\n") {
		t.Error("requests are still in flight")
	}
}

func TestPracticeIsRepeatable(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (got []string) {
		s := newServer(t, Config{Practice: Practice{ErrorRate: 0.3, ThrottleRate: 0.3, ShortRate: 0.3,
			RetryAfter: 1500 * time.Millisecond, Seed: seed}})
		for range 50 {
			w := post(s, "["+exampleItem+"]")
			got = append(got, fmt.Sprintf("%d %d %s", w.Code, w.Body.Len(), w.Header().Get("Retry-After")))
		}
		return got
	}
	one, again, other := fmt.Sprint(run(1)), fmt.Sprint(run(1)), fmt.Sprint(run(2))
	if one != again || one == other {
		t.Error("the same seed must make the same faults, another seed others")
	}
	for _, part := range []string{"500 ", "500 34 ", "429 30 2", "200 2 ", "200 113 "} {
		if !strings.Contains(one, part) {
			t.Errorf("no %q in %s", part, one)
		}
	}
}

func TestLatencyEndsWithTheCaller(t *testing.T) {
	t.Parallel()
	s := newServer(t, Config{Practice: Practice{Latency: time.Hour, Jitter: time.Second}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequest(http.MethodPost, "/predict", strings.NewReader("[]")).WithContext(ctx)
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != statusClientClosed {
		t.Errorf("got %d", w.Code)
	}
}

func TestSpanContinuesTheTrace(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	s := newServer(t, Config{TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))})
	post(s, "["+exampleItem+"]", "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	spans := recorder.Ended()
	if len(spans) != 1 {
		t.Fatalf("%d spans", len(spans))
	}
	span := spans[0]
	attrs := attribute.NewSet(span.Attributes()...)
	rows, _ := attrs.Value("txflow.batch_size")
	model, _ := attrs.Value("txflow.model_version")
	outcome, _ := attrs.Value("txflow.outcome")
	if span.SpanContext().TraceID().String() != "0af7651916cd43dd8448eb211c80319c" ||
		span.Parent().SpanID().String() != "b7ad6b7169203331" ||
		span.Name() != "POST /predict" || rows.AsInt64() != 1 || model.AsString() != "hash-v1" ||
		outcome.AsString() != "answered" {
		t.Errorf("%s %v %v", span.Name(), span.SpanContext(), span.Attributes())
	}
}

func TestConfigTellsEveryFault(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Addr: "8000", ModelVersion: " ", Rotate: 15, MaxItems: -1,
		Practice: Practice{ErrorRate: 2, Latency: -1}})
	if fault.ExitCode(err) != fault.ExitUsage {
		t.Fatalf("%v", err)
	}
	for _, word := range []string{"address", "model version", "rotated", "longest array", "latency", "error rate"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("nothing about the %s in: %v", word, err)
		}
	}
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not happen within 10 s")
		}
	}
}
