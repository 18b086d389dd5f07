package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/secret"
)

// TestOnlyTheContractRefusesRows answers as proxies and other services do: none of it concerns a row.
func TestOnlyTheContractRefusesRows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		body   string
	}{
		{400, "upstream request header too large"}, {400, `{"error":"bad request"}`}, {400, `{"detail":"bad"}`}, {400, ""},
		{401, `{"detail":"who are you"}`},
		{403, "no"}, {404, `{"detail":"Not Found"}`}, {422, "no"}, {422, ""}, {422, `{"error":"x"}`}, {422, `{"detail":""}`},
		{422, `{"detail":[]}`},
		{422, `{"detail":[1]}`}, {422, `{"detail":{}}`}, {422, `["detail"]`}, {422, "<html>"},
		{413, "<html>Request Entity Too Large</html>"}, {413, ""},
	} {
		t.Run(fmt.Sprint(c.status, c.body), func(t *testing.T) {
			t.Parallel()
			cl := newClient(t, quick(serve(t, func(w http.ResponseWriter, r *http.Request) {
				_ = read(r)
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})))
			_, err := cl.Predict(t.Context(), sample(2))
			if fault.ExitCode(err) != fault.ExitUnavailable || fault.Hint(err) == "" || cl.Stats().DeadRows != 0 {
				t.Errorf("exit code %d, %d dead rows: %v", fault.ExitCode(err), cl.Stats().DeadRows, err)
			}
		})
	}
}

// TestRetryAfterIsCapped is asked for a day by a maintenance page, and asks again after the cap.
func TestRetryAfterIsCapped(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"86400", "2147483647", time.Now().Add(24 * time.Hour).UTC().Format(http.TimeFormat)} {
		var n atomic.Int32
		cfg := quick(serve(t, func(w http.ResponseWriter, r *http.Request) {
			rows := read(r)
			if n.Add(1) == 1 {
				w.Header().Set("Retry-After", header)
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			answerAll(w, rows)
		}))
		cfg.RetryAfterMax, cfg.OutageLimit = 10*time.Millisecond, time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if _, err := newClient(t, cfg).Predict(ctx, sample(1)); err != nil {
			t.Errorf("%s: %v", header, err)
		}
		cancel()
	}
}

// TestWhoRefusesEverythingIsOutOfOrder refuses all of many rows: no batch gets an answer, and it does not take a call a
// row.
func TestWhoRefusesEverythingIsOutOfOrder(t *testing.T) {
	t.Parallel()
	cfg := quick(serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = read(r)
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"detail":"nothing today"}`)
	}))
	cfg.Refusals = prediction.NewRefusals(prediction.DefaultMaxRefused)
	c := newClient(t, cfg)
	r, err := c.Predict(t.Context(), sample(99))
	if err != nil || len(r.Items) != 99 || r.Items[98].Refusal == nil ||
		cfg.Refusals.Fate(r.Items[98].Refusal.At) != prediction.Pending {
		t.Fatalf("99 rows are too few to tell: %v", err)
	}
	if _, err = c.Predict(t.Context(), sample(500)); fault.ExitCode(err) != fault.ExitTryAgain ||
		!strings.Contains(err.Error(), "--max-refused") || fault.Hint(err) == "" {
		t.Errorf("exit code %d: %v", fault.ExitCode(err), err)
	}
	if cfg.Refusals.Fate(r.Items[0].Refusal.At) != prediction.Discarded {
		t.Error("the first refusals are still taken for the rows' own fault")
	}
	if n := c.Stats().Attempts; n > 300 {
		t.Errorf("%d calls", n)
	}
}

// TestAPatientClientWaitsForTheOperator has a service refuse everything, then be another one, then be right.
func TestAPatientClientWaitsForTheOperator(t *testing.T) {
	t.Parallel()
	var state atomic.Int32
	var log bytes.Buffer
	cfg := quick(serve(t, func(w http.ResponseWriter, r *http.Request) {
		rows := read(r)
		switch state.Load() {
		case 0:
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"detail":"nothing today"}`)
		case 1:
			w.WriteHeader(http.StatusNotFound)
		default:
			answerAll(w, rows)
		}
	}))
	cfg.Refusals, cfg.Patient, cfg.Logger = prediction.NewRefusals(prediction.DefaultMaxRefused), true,
		slog.New(slog.NewJSONHandler(&log, nil))
	c := newClient(t, cfg)
	results := make(chan prediction.Result)
	const callers = 3
	for range callers {
		go func() {
			r, err := c.Predict(t.Context(), sample(150))
			if err != nil {
				t.Error(err)
			}
			results <- r
		}()
	}
	waitFor(t, func() bool { return strings.Contains(c.Blocked(), "refuses too many") })
	state.Store(1)
	waitFor(t, func() bool { return strings.Contains(c.Blocked(), "404") })
	state.Store(2)
	for range callers {
		r := <-results
		for i, item := range r.Items {
			if item.Refusal != nil || item.Category == "" {
				t.Fatalf("item %d: %+v", i, item)
			}
		}
	}
	if c.Blocked() != "" || cfg.Refusals.Tripped() {
		t.Errorf("still blocked: %q", c.Blocked())
	}
	for _, words := range []string{"refuses too many rows", "404", "can be used again"} {
		if !strings.Contains(log.String(), words) {
			t.Errorf("the log says nothing of %q: %s", words, log.String())
		}
	}
}

// TestNothingOfTheServicesWordsLeaves has services echo what they were sent, in every way that is an error: the values
// are in refusals, which go into dead letters, and nowhere else.
func TestNothingOfTheServicesWordsLeaves(t *testing.T) {
	t.Parallel()
	const planted = "PLANTED-7f3a"
	echo := func(status int, form string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.Method == http.MethodGet {
				body = []byte(planted)
			}
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, form, body)
		}
	}
	raw := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, answer)
				_ = conn.Close()
			}
		}
	}
	text, _ := json.Marshal(planted)
	for name, handler := range map[string]http.HandlerFunc{
		"200": echo(200, "%s"), "200 in an item": echo(200, `[{"transaction_id":`+string(text)+`,"category":"Rent"}]`),
		"200 as a category": echo(200, `[{"transaction_id":"00000000-0000-0000-0000-000000000000","category":`+string(text)+
			`}]`),
		"204": echo(204, ""), "301": echo(301, "%s"), "400": echo(400, "%s"), "401": echo(401, "%s"),
		"404": echo(404, "<p>%s</p>"), "413": echo(413, "%s"),
		"422": echo(422, `{"detail":[{"loc":["body",0,"x"],"msg":"no","input":%s}]}`), "429": echo(429, "%s"),
		"500": echo(500, "%s"), "503": echo(503, "<html>%s"),
		"not HTTP": raw(planted + "\r\n\r\n"), "bad header": raw("HTTP/1.1 200 OK\r\n" + planted + "\r\n\r\n"),
		"bad status":   raw("HTTP/1.1 " + planted + "\r\n\r\n"),
		"bad length":   raw("HTTP/1.1 200 OK\r\nContent-Length: " + planted + "\r\n\r\n"),
		"bad encoding": raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + planted + "\r\n\r\n"),
		"location": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://"+planted+"/%zz")
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorder := tracetest.NewSpanRecorder()
			var out bytes.Buffer
			cfg := quick(serve(t, handler))
			cfg.URL = secret.NewURL(strings.Replace(cfg.URL.Reveal(), "://", "://user:"+planted+"@", 1))
			cfg.OutageLimit, cfg.MaxAttempts, cfg.Logger = 50*time.Millisecond, 3,
				slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
			cfg.TracerProvider = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
			cfg.Observe = func(c Call) { cfg.Logger.Info("call", "call", c) }
			c := newClient(t, cfg)
			rows := sample(2)
			rows[0].Description, rows[1].Merchant, rows[1].HasMerchant = planted, planted, true
			_, err := c.Predict(t.Context(), rows)
			_, errModel := c.Model(t.Context())
			fmt.Fprintln(&out, err, fault.Hint(err), errModel, fault.Hint(errModel), c.Blocked(),
				fmt.Sprintf("%+v %+v", c.Stats(), c.cfg))
			spans := recorder.Ended()
			for _, s := range spans {
				fmt.Fprintln(&out, s.Name(), s.Attributes(), s.Status(), s.Events())
			}
			if strings.Contains(out.String(), planted) || len(spans) == 0 && !slices.Contains([]string{"422"}, name) {
				t.Errorf("%d spans, and it is in %s", len(spans), out.String())
			}
		})
	}
}
