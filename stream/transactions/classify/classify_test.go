package classify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/stream/transactions/message"
)

func raw(i int, description string) pipeline.Message {
	return pipeline.Message{Topic: topics.Raw, Partition: int32(i % 3), Offset: int64(i / 3), Time: time.Now(),
		Value: fmt.Appendf(nil,
			`{"id":"%d","description":%q,"amount":"-1.5","timestamp":"2024-01-31 `+
				`12:00:00","operation_type":"card","side":"debit"}`, i, description)}
}

// config is that of the runner and of the handler.
type config struct {
	pipeline.Config
	handler Config
}

func newConfig() *config {
	return &config{pipeline.Config{Name: "transactions", Ledger: "stream", Topic: topics.Raw,
		DeadLetters: topics.DeadLetters, Group: "g",
		Now: time.Now, Tracer: sdktrace.NewTracerProvider().Tracer("t"), Log: slog.New(slog.DiscardHandler),
		BatchMessages: 500,
		MaxMessage:    1000, MaxWait: time.Millisecond, DrainLimit: time.Minute}, Config{BatchRows: 100, Concurrency: 2}}
}

// run runs a member on a session, by the clock of the runner.
func run(ctx context.Context, l *memorySession, p Predictor, cfg *config) (*observer, error) {
	o := &observer{}
	cfg.Observer, cfg.handler.Now = o, cfg.Now
	return o, pipeline.New(l, New(p, cfg.handler), cfg.Config).Run(ctx)
}

func classifyAll(t *testing.T, l *memorySession, p Predictor, cfg *config) (*observer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	l.end = cancel
	return run(ctx, l, p, cfg)
}

func header(r *pipeline.Record, name string) string {
	for _, h := range r.Headers {
		if h.Name == name {
			return string(h.Value)
		}
	}
	return ""
}

// TestOneOfEach sends a poison message, one that is none, and one that is too large, among five hundred: one dead
// letter each.
func TestOneOfEach(t *testing.T) {
	t.Parallel()
	l := &memorySession{}
	for i := range 500 {
		l.source = append(l.source, raw(i, "fine"))
	}
	l.source[7] = raw(7, "poison")
	l.source[8].Value = []byte("[]")
	l.source[9] = raw(9, strings.Repeat("x", 1000))
	l.source[10].Value = []byte(`{"id":"1","source":"` + strings.Repeat("s", 300) + `"}`)
	o, err := classifyAll(t, l, &predictor{}, newConfig())
	if err != nil || len(o.seen) != 1 || o.seen[0].Messages != 500 {
		t.Fatalf("%v %+v", err, o.seen)
	}
	deadLetters := map[string]deadletter.Message{}
	for i, r := range l.written {
		var m deadletter.Message
		if r.Topic == topics.Classified {
			var c message.Classified
			if err := json.Unmarshal(r.Value, &c); err != nil || c.SourceID != fmt.Sprint(i) || c.Category != "Food" ||
				string(r.Key) != c.ID {
				t.Errorf("%d is %s under %s: %v", i, r.Value, r.Key, err)
			}
			continue
		}
		if err := json.Unmarshal(r.Value, &m); err != nil || r.Topic != topics.DeadLetters ||
			header(&r, pipeline.HeaderReason) != m.Code || header(&r, pipeline.HeaderOrigin) != topics.Raw {
			t.Errorf("%d is %s, headers %v: %v", i, r.Value, r.Headers, err)
		}
		deadLetters[m.Code] = m
	}
	if got := slices.Sorted(maps.Keys(deadLetters)); !slices.Equal(got, []string{"message_format", "message_too_large",
		"prediction_refused", "too_long"}) || len(l.written) != 500 {
		t.Errorf("dead letters %q of %d", got, len(l.written))
	}
	if m := deadLetters["message_too_large"]; m.Raw != "" || m.Origin != topics.Raw || m.Partition != 0 ||
		m.Position != 3 {
		t.Errorf("a message that is too large: %+v", m)
	}
	if m := deadLetters["prediction_refused"]; m.Message != "not this one" || m.Raw == "" {
		t.Errorf("a message that is refused: %+v", m)
	}
}

// TestClockMovesOn has a member live for a week: what was of today when it started is not the future's, and the day
// after tomorrow still is.
func TestClockMovesOn(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	var weeks atomic.Int64
	weeks.Store(-1)
	l, cfg := &memorySession{polled: func() { weeks.Add(1) }}, newConfig()
	cfg.Now, cfg.BatchMessages = func() time.Time { return start.Add(time.Duration(weeks.Load()) * 7 * 24 * time.Hour) }, 2
	for week := range 3 {
		now := start.Add(time.Duration(week) * 7 * 24 * time.Hour)
		for _, at := range []time.Time{now, now.Add(48 * time.Hour)} {
			m := raw(len(l.source), "a")
			m.Value = bytes.Replace(m.Value, []byte("2024-01-31 12:00:00"), []byte(at.Format(time.DateTime)), 1)
			l.source = append(l.source, m)
		}
	}
	o, err := classifyAll(t, l, &predictor{}, cfg)
	if err != nil || len(o.seen) != 3 {
		t.Fatalf("%v %+v", err, o.seen)
	}
	for i, r := range l.written {
		want := topics.Classified
		if i%2 == 1 {
			want = topics.DeadLetters
		}
		if r.Topic != want {
			t.Errorf("message %d is in %s: %s", i, r.Topic, r.Value)
		}
		var m deadletter.Message
		if r.Topic == topics.DeadLetters {
			if err := json.Unmarshal(r.Value, &m); err != nil || m.Code != "timestamp_range" ||
				m.At != start.Add(time.Duration(i/2)*7*24*time.Hour).Format("2006-01-02 15:04:05.000000") {
				t.Errorf("message %d: %s %v", i, r.Value, err)
			}
		}
	}
}

// TestVersions passes on the version and the log of each message, to results and to dead letters.
func TestVersions(t *testing.T) {
	t.Parallel()
	l := &memorySession{}
	for i := range 20 {
		m := raw(i, "a")
		m.Version, m.LogID = int64(1000+i), fmt.Sprint("cluster/topic", i/10)
		if i%3 == 0 {
			m.Value = []byte("[]")
		}
		l.source = append(l.source, m)
	}
	if _, err := classifyAll(t, l, &predictor{}, newConfig()); err != nil || len(l.written) != 20 {
		t.Fatalf("%v, %d written", err, len(l.written))
	}
	for i, r := range l.written {
		var m struct {
			VersionUS    int64  `json:"version_us"`
			OriginDigest string `json:"origin_digest"`
			Call         struct {
				OriginDigest string `json:"origin_digest"`
			}
		}
		if err := json.Unmarshal(r.Value, &m); err != nil || m.VersionUS != int64(1000+i) ||
			m.OriginDigest+m.Call.OriginDigest != fmt.Sprint("cluster/topic", i/10) {
			t.Errorf("message %d: %s %v", i, r.Value, err)
		}
	}
}

// TestTrace links the span of a transaction to the span of every message that carries one, however many.
func TestTrace(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	limits := sdktrace.NewSpanLimits()
	limits.LinkCountLimit = 500
	l, cfg := &memorySession{}, newConfig()
	cfg.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder),
		sdktrace.WithRawSpanLimits(limits)).Tracer("t")
	for i := range 300 {
		m := raw(i, "a")
		m.Traceparent = fmt.Sprintf("00-%032x-%016x-01", i, i) // the first is all zero, which is none
		l.source = append(l.source, m)
	}
	if _, err := classifyAll(t, l, &predictor{}, cfg); err != nil {
		t.Fatal(err)
	}
	spans := recorder.Ended()
	if len(spans) != 1 || len(spans[0].Links()) != 299 ||
		spans[0].Links()[298].SpanContext.TraceID().String() != fmt.Sprintf("%032x", 299) {
		t.Fatalf("%d spans, links %v", len(spans), spans[0].Links())
	}
	if text := string(l.written[17].Value); !strings.Contains(text, fmt.Sprintf(`"origin_trace_id":"%032x"`, 17)) {
		t.Errorf("the message's own trace is not in %s", text)
	}
}

// TestBatches cuts a transaction into calls.
func TestBatches(t *testing.T) {
	t.Parallel()
	l, p, cfg := &memorySession{}, &predictor{sizes: make(chan int, 10)}, newConfig()
	cfg.handler.Concurrency = 1
	for i := range 250 {
		l.source = append(l.source, raw(i, "a"))
	}
	if _, err := classifyAll(t, l, p, cfg); err != nil || len(l.written) != 250 {
		t.Fatalf("%v, written %d", err, len(l.written))
	}
	close(p.sizes)
	var sizes []int
	for n := range p.sizes {
		sizes = append(sizes, n)
	}
	if !slices.Equal(sizes, []int{100, 100, 50}) {
		t.Errorf("calls of %v rows", sizes)
	}
}
