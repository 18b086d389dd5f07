package client

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/internal/secret"
)

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
