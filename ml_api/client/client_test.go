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

	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/transaction"
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

// TestFaultsAreWaitedOut lets every kind of fault pass, and then answers.
func TestFaultsAreWaitedOut(t *testing.T) {
	t.Parallel()
	write := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_ = read(r)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for name, fault := range map[string]http.HandlerFunc{
		"500":      write(500, "no"),
		"429":      write(429, "no"),
		"empty":    write(200, ""),
		"HTML":     write(200, "<html>a proxy</html>"),
		"[]":       write(200, "[]"),
		"too long": write(200, strings.Repeat(" ", answerBase+3*answerPerItem)+"[]"),
		"cut off": func(w http.ResponseWriter, r *http.Request) {
			rows := read(r)
			w.Header().Set("Content-Length", "1000")
			answerAll(w, rows)
		},
		"connection closed": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			c := newClient(t, quick(serve(t, func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1) <= 3 {
					fault(w, r)
					return
				}
				answerAll(w, read(r))
			})))
			r, err := c.Predict(t.Context(), sample(2))
			if err != nil || r.Items[1].Category != "Rent" || len(r.Calls) != 1 || r.Calls[0].Attempt != 4 {
				t.Errorf("%+v %v", r, err)
			}
			if s := c.Stats(); s.Attempts != 4 || s.Retries != 3 || s.Faults+s.Throttled != 3 || s.Answered != 1 ||
				s.Rows != 2 || s.Waited <= 0 || s.InFlight != 0 {
				t.Errorf("%+v", s)
			}
		})
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

func TestOutageEndsWithTryAgain(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = read(r)
		w.Header().Set("Retry-After", "3600")
		http.Error(w, "down for maintenance", http.StatusServiceUnavailable)
	})
	cfg := quick(url)
	cfg.OutageLimit = 100 * time.Millisecond
	c := newClient(t, cfg)
	began := time.Now()
	_, err := c.Predict(t.Context(), sample(2))
	if fault.ExitCode(err) != fault.ExitTryAgain || !strings.Contains(err.Error(), "503") ||
		strings.Contains(err.Error(), "maintenance") || fault.Hint(err) == "" {
		t.Errorf("%v", err)
	}
	if s := c.Stats(); s.Attempts < 1 || s.Attempts > 2 || time.Since(began) < cfg.OutageLimit || s.DeadRows != 0 {
		t.Errorf("an hour of Retry-After is cut to the limit, with a last attempt at its end: %+v", s)
	}
	cfg.OutageLimit = -1
	if _, err := newClient(t, cfg).Predict(t.Context(), sample(1)); fault.ExitCode(err) != fault.ExitTryAgain {
		t.Errorf("without patience: %v", err)
	}
	cfg.OutageLimit, cfg.MaxAttempts, cfg.URL = time.Minute, 3, secret.NewURL("http://127.0.0.1:1")
	if _, err := newClient(t, cfg).Predict(t.Context(), sample(1)); fault.ExitCode(err) != fault.ExitTryAgain ||
		!strings.Contains(err.Error(), "3 attempts") {
		t.Errorf("with three attempts: %v", err)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	var first, second time.Time
	c := newClient(t, quick(serve(t, func(w http.ResponseWriter, r *http.Request) {
		rows := read(r)
		if first.IsZero() {
			first = time.Now()
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		second = time.Now()
		answerAll(w, rows)
	})))
	if _, err := c.Predict(t.Context(), sample(1)); err != nil || second.Sub(first) < time.Second {
		t.Errorf("asked again after %s: %v", second.Sub(first), err)
	}
}

func TestSlowCallsAreCutAndTriedAgain(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	cfg := quick(serve(t, func(w http.ResponseWriter, r *http.Request) {
		rows := read(r)
		if n.Add(1) == 1 {
			<-r.Context().Done()
			return
		}
		answerAll(w, rows)
	}))
	cfg.CallTimeout = 100 * time.Millisecond
	c := newClient(t, cfg)
	if r, err := c.Predict(t.Context(), sample(1)); err != nil || r.Calls[0].Attempt < 2 {
		t.Errorf("%+v %v", r, err)
	}
	if bound := c.Stats().Limit; bound >= DefaultMaxConcurrency {
		t.Errorf("a time-out leaves the limit at %d", bound)
	}
}

func TestMisconfigured(t *testing.T) {
	t.Parallel()
	for status, word := range map[int]string{401: "credentials", 403: "credentials", 404: "/predict", 400: "proxy",
		405: "/predict", 301: "redirects", 415: "/predict"} {
		c := newClient(t, quick(serve(t, func(w http.ResponseWriter, r *http.Request) {
			_ = read(r)
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		})))
		_, err := c.Predict(t.Context(), sample(3))
		if fault.ExitCode(err) != fault.ExitUnavailable || !strings.Contains(err.Error(), fmt.Sprint(status)) ||
			!strings.Contains(fault.Hint(err), word) {
			t.Errorf("%d: %v (%s)", status, err, fault.Hint(err))
		}
		if s := c.Stats(); s.Attempts != 1 || s.DeadRows != 0 {
			t.Errorf("%d: %+v", status, s)
		}
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

// TestRefusedItemsAreFound hides bad items in a batch, from one to all, with and without pointers to them.
func TestRefusedItemsAreFound(t *testing.T) {
	t.Parallel()
	const n = 100
	for _, pointers := range []bool{false, true} {
		for _, status := range []int{413, 422} {
			for _, bad := range [][]int{{0}, {n - 1}, {41}, {3, 4, 77}, {0, 50, 99}} {
				t.Run(fmt.Sprint(pointers, status, bad), func(t *testing.T) {
					t.Parallel()
					c := newClient(t, quick(serve(t, refuse(status, pointers))))
					rows := sample(n)
					for _, i := range bad {
						rows[i].Description = "bad"
					}
					r, err := c.Predict(t.Context(), rows)
					if err != nil {
						t.Fatal(err)
					}
					refused := 0
					for i, got := range r.Items {
						if wantBad := rows[i].Description == "bad"; wantBad != (got.Refusal != nil) || wantBad == (got.Category != "") ||
							got.Call >= len(r.Calls) {
							t.Fatalf("item %d: %+v", i, got)
						}
						if got.Refusal != nil {
							refused++
							if got.Refusal.Status != status || !strings.Contains(got.Refusal.Message, "no good") {
								t.Errorf("%+v", got.Refusal)
							}
						}
					}
					s := c.Stats()
					if refused != len(bad) || s.DeadRows != int64(refused) || s.Rows != int64(n-refused) {
						t.Errorf("%+v", s)
					}
					if most := int64(2*len(bad) + 2); pointers && s.Attempts > most {
						t.Errorf("%d calls with pointers, %d would do", s.Attempts, most)
					}
				})
			}
		}
	}
}

// refuse refuses whole any batch that holds a bad item.
func refuse(status int, pointers bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rows := read(r)
		var complaints []string
		for i, row := range rows {
			if row.Description == "bad" {
				complaints = append(complaints, fmt.Sprintf(`{"loc":["body",%d,"description"],"msg":"no good"}`, i))
			}
		}
		if len(complaints) == 0 {
			answerAll(w, rows)
			return
		}
		w.WriteHeader(status)
		if pointers {
			_, _ = fmt.Fprintf(w, `{"detail":%s}`, array(complaints...))
		} else {
			_, _ = io.WriteString(w, `{"detail":"no good"}`)
		}
	}
}

// TestLyingPointersBlameNobody points at the wrong item: each is asked alone, so the right one is found.
func TestLyingPointersBlameNobody(t *testing.T) {
	t.Parallel()
	c := newClient(t, quick(serve(t, func(w http.ResponseWriter, r *http.Request) {
		rows := read(r)
		for i, row := range rows {
			if row.Description == "bad" {
				w.WriteHeader(http.StatusUnprocessableEntity)
				_, _ = fmt.Fprintf(w, `{"detail":[{"loc":["body",%d,"id"]}]}`, (i+1)%len(rows))
				return
			}
		}
		answerAll(w, rows)
	})))
	rows := sample(20)
	rows[7].Description = "bad"
	r, err := c.Predict(t.Context(), rows)
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range r.Items {
		if (i == 7) != (got.Refusal != nil) {
			t.Errorf("item %d: %+v", i, got)
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

// TestBreakerProbesAndCloses has many callers meet a service that is unavailable: few calls go out while it is, and all
// batches are answered when it is back.
func TestBreakerProbesAndCloses(t *testing.T) {
	t.Parallel()
	var up atomic.Bool
	var calls atomic.Int64
	cfg := quick(serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		rows := read(r)
		if !up.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		answerAll(w, rows)
	}))
	cfg.BreakerDelay = 40 * time.Millisecond
	c := newClient(t, cfg)
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if _, err := c.Predict(t.Context(), sample(3)); err != nil {
				t.Error(err)
			}
		})
	}
	waitFor(t, func() bool { return c.Stats().Breaker == "open" })
	before := calls.Load()
	waitFor(t, func() bool { return calls.Load() >= before+3 }) // probes
	up.Store(true)
	wg.Wait()
	if s := c.Stats(); s.Breaker != "closed" || s.Answered != 30 || s.InFlight != 0 {
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

func TestLoneIDTwice(t *testing.T) {
	t.Parallel()
	c := newClient(t, quick(serve(t, func(w http.ResponseWriter, r *http.Request) { answerAll(w, read(r)) })))
	row := sample(1)[0]
	if r, err := c.Predict(t.Context(), []transaction.Transaction{row, row}); err != nil || r.Items[1].Category != "Rent" {
		t.Errorf("%v %v", r, err)
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
