package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// asked is what a handler reads of a request.
type asked []struct {
	ID          string `json:"id"`
	Description string `json:"description"`
}

func read(r *http.Request) (rows asked) {
	_ = json.NewDecoder(r.Body).Decode(&rows) // what the client sends is tested elsewhere
	return rows
}

// answerAll answers every row with Rent.
func answerAll(w io.Writer, rows asked) {
	items := make([]string, len(rows))
	for i, row := range rows {
		items[i] = item(row.ID, "Rent", "")
	}
	_, _ = io.WriteString(w, array(items...))
}

func TestPredictNothing(t *testing.T) {
	t.Parallel()
	c := newClient(t, quick("http://127.0.0.1:1"))
	if r, err := c.Predict(t.Context(), nil); err != nil || len(r.Items) != 0 || c.Stats().Attempts != 0 {
		t.Errorf("%v %v", r, err)
	}
}

// TestObserve tells of every call: one that is cut, one that fails, one that is answered.
func TestObserve(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	cfg := quick(serve(t, func(w http.ResponseWriter, r *http.Request) {
		rows := read(r)
		switch n.Add(1) {
		case 1:
			_, _ = io.WriteString(w, "[]")
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			answerAll(w, rows)
		}
	}))
	var mu sync.Mutex
	var calls []Call
	cfg.Observe = func(c Call) {
		mu.Lock()
		defer mu.Unlock()
		calls = append(calls, c)
	}
	if _, err := newClient(t, cfg).Predict(t.Context(), sample(3)); err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, c := range calls {
		seen = append(seen, c.Outcome+" "+c.Error)
		if c.Rows != 3 || c.Took <= 0 {
			t.Errorf("%+v", c)
		}
	}
	if got := strings.Join(seen, ", "); got != "fault bad_answer, fault 503, answered " {
		t.Errorf("calls: %q", got)
	}
}

func TestExpectModel(t *testing.T) {
	t.Parallel()
	for answers, want := range map[string]int{"v1": fault.ExitDone, "v2": fault.ExitData, "": fault.ExitData} {
		cfg := quick(serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, array(item(read(r)[0].ID, "Rent", answers)))
		}))
		cfg.ExpectModel = "v1"
		if _, err := newClient(t, cfg).Predict(t.Context(), sample(1)); fault.ExitCode(err) != want {
			t.Errorf("%q answers: %v", answers, err)
		}
	}
}

func TestLargeBatchesAreCutBeforeTheyAreSent(t *testing.T) {
	t.Parallel()
	var longest atomic.Int64
	cfg := quick(serve(t, func(w http.ResponseWriter, r *http.Request) {
		longest.Store(max(longest.Load(), r.ContentLength))
		answerAll(w, read(r))
	}))
	cfg.MaxBodyBytes = 1000
	if r, err := newClient(t, cfg).Predict(t.Context(), sample(50)); err != nil || len(r.Calls) < 10 ||
		longest.Load() > 1000 {
		t.Errorf("%d calls, %d bytes: %v", len(r.Calls), longest.Load(), err)
	}
}

func TestTheCallerCanGiveUp(t *testing.T) {
	t.Parallel()
	c := newClient(t, quick("http://127.0.0.1:1"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Predict(ctx, sample(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if s := c.Stats(); s.InFlight != 0 {
		t.Errorf("%+v", s)
	}
}

func TestEveryAttemptIsASpan(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	var n atomic.Int32
	parents := make(chan string, 2)
	cfg := quick(serve(t, func(w http.ResponseWriter, r *http.Request) {
		rows := read(r)
		parents <- r.Header.Get("Traceparent")
		if n.Add(1) == 1 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, array(item(rows[0].ID, "Rent", "v7")))
	}))
	cfg.TracerProvider = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	r, err := newClient(t, cfg).Predict(t.Context(), sample(1))
	if err != nil {
		t.Fatal(err)
	}
	spans := recorder.Ended()
	if len(spans) != 2 {
		t.Fatalf("%d spans", len(spans))
	}
	for i, want := range []struct {
		outcome, model string
		status         int64
	}{{"fault", "", 500}, {"answered", "v7", 200}} {
		set := attribute.NewSet(spans[i].Attributes()...)
		get := func(key attribute.Key) attribute.Value { v, _ := set.Value(key); return v }
		sc := spans[i].SpanContext()
		if spans[i].Name() != "POST /predict" || spans[i].SpanKind() != trace.SpanKindClient ||
			get("txflow.outcome").AsString() != want.outcome ||
			get("txflow.model_version").AsString() != want.model || get("http.response.status_code").AsInt64() != want.status ||
			get("txflow.batch_size").AsInt64() != 1 || get("txflow.attempt").AsInt64() != int64(i+1) {
			t.Errorf("span %d: %v", i, spans[i].Attributes())
		}
		if got := <-parents; got != fmt.Sprintf("00-%s-%s-01", sc.TraceID(), sc.SpanID()) {
			t.Errorf("span %d: the service got %q", i, got)
		}
	}
	call, sc := r.Calls[0], spans[1].SpanContext()
	if call.TraceID != sc.TraceID().String() || call.SpanID != sc.SpanID().String() || !call.Sampled ||
		call.Attempt != 2 || call.Model != "v7" ||
		call.AnsweredAt.Location() != time.UTC || call.AnsweredAt.Nanosecond()%1000 != 0 ||
		time.Since(call.AnsweredAt) > time.Minute {
		t.Errorf("%+v", call)
	}
}

func TestModel(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		model   string
		exit    int
	}{
		"named": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"model_version":"v1"}`) },
			"v1", 0},
		"not named": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"status":"ok"}`) }, "",
			0},
		"no such route": {http.NotFound, "", 0},
		"some page":     {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `<html>`) }, "", 0},
		"needs a key": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, "",
			fault.ExitUnavailable},
		"unavailable for a while": {func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1) < 3 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			_, _ = io.WriteString(w, `{"model_version":"v2"}`)
		}, "v2", 0},
	} {
		got, err := newClient(t, quick(serve(t, c.handler))).Model(t.Context())
		if got != c.model || fault.ExitCode(err) != c.exit {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	cfg := quick("http://127.0.0.1:1")
	cfg.OutageLimit = 20 * time.Millisecond
	if _, err := newClient(t, cfg).Model(t.Context()); fault.ExitCode(err) != fault.ExitTryAgain {
		t.Errorf("unavailable: %v", err)
	}
}

// TestBuffersAreNotSharedAcrossCalls sends many batches at once through a service that answers before it has read, cuts
// connections, and echoes: an id of another batch in an answer would be a stranger.
func TestBuffersAreNotSharedAcrossCalls(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	cfg := quick(serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch n.Add(1) % 5 {
		case 0:
			w.WriteHeader(http.StatusInternalServerError) // the body is still on its way
			return
		case 1:
			panic(http.ErrAbortHandler)
		}
		answerAll(w, read(r))
	}))
	cfg.OutageLimit = time.Minute // a busy machine takes its time
	c := newClient(t, cfg)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 20 {
				rows := sample(400)
				for j := range rows {
					rows[j].ID[1], rows[j].ID[2] = byte(g), byte(i)
				}
				if _, err := c.Predict(t.Context(), rows); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if s := c.Stats(); s.BadAnswers != 0 || s.Rows != 8*20*400 {
		t.Errorf("%+v", s)
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
