package send

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"
)

// TestRun sends through a collector that is busy at first, and to collectors that refuse for good.
func TestRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statuses []int // of the first requests; then 200
		outage   time.Duration
		exit     int
		requests int
	}{
		"at once":              {nil, 0, fault.ExitDone, 3},
		"busy, then not":       {[]int{503, 429, 408}, time.Minute, fault.ExitDone, 6},
		"some are rejected":    {[]int{207, 422}, 0, fault.ExitDone, 3},
		"down for long":        {[]int{503, 503, 503, 503, 503, 503, 503}, time.Nanosecond, fault.ExitTryAgain, 1},
		"no JSON":              {[]int{400}, time.Minute, fault.ExitData, 1},
		"the token is unknown": {[]int{401}, time.Minute, fault.ExitUsage, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			keys, bodies := map[string]string{}, []string{}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				body, _ := io.ReadAll(r.Body)
				key := r.Header.Get("Idempotency-Key")
				if before, known := keys[key]; key == "" || known && before != string(body) {
					t.Errorf("the key %q has another body", key)
				}
				keys[key] = string(body)
				status := http.StatusOK
				if len(bodies) < len(c.statuses) {
					status = c.statuses[len(bodies)]
				}
				bodies = append(bodies, string(body))
				w.WriteHeader(status)
				switch status {
				case 200:
					_, _ = fmt.Fprint(w, `{"accepted":2,"rejected":0,"items":[{},{}]}`)
				case 207, 422:
					_, _ = fmt.Fprint(w, `{"accepted":1,"rejected":1,"items":[{},{"code":"missing_value"}]}`)
				default:
					_, _ = fmt.Fprint(w, `{"code":"no"}`)
				}
			}))
			t.Cleanup(server.Close)
			n, log := 0, &bytes.Buffer{}
			stats, err := Run(t.Context(), Config{URL: server.URL + "/", HTTP: server.Client(), Package: 2, Concurrency: 1,
				Outage: c.outage, Now: time.Now, Log: slog.New(slog.NewTextHandler(log, nil))},
				func() (string, error) {
					if n++; n > 6 {
						return "", io.EOF
					}
					return fmt.Sprint(n), nil
				})
			if fault.ExitCode(err) != c.exit || len(bodies) != c.requests || bodies[0] != "[1,2]" {
				t.Errorf("%v after %q", err, bodies)
			}
			if c.exit == fault.ExitDone && (len(keys) != 3 || stats.Events != 6 || stats.Accepted+stats.Rejected != 6 ||
				stats.Codes["missing_value"] != stats.Rejected) {
				t.Errorf("%+v of %d packages", stats, len(keys))
			}
			if lines := strings.Count(log.String(), "next="); (stats.Retries > 0) != (lines > 0) ||
				stats.Retries > 1 && lines == int(stats.Retries) {
				t.Errorf("%d lines for %d requests that were sent again:\n%s", lines, stats.Retries, log)
			}
		})
	}
}

// TestBrokenSource ends with the error of the file.
func TestBrokenSource(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, err := Run(t.Context(), Config{Package: 1, Concurrency: 1, Now: time.Now},
		func() (string, error) { return "", broken })
	if !errors.Is(err, broken) {
		t.Error(err)
	}
}

// TestReason says why a package is to be sent again, whether the answer is about all of it or about some events.
func TestReason(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"code":"audit_log","message":"the request can not be recorded"}`: "503: audit_log: the request can not be recorded",
		`{"accepted":1,"items":[{"status":202},{"status":422,"code":"wrong_type"},` +
			`{"status":503,"code":"not_written","message":"Kafka has not acknowledged it"}]}`: "503: not_written: Kafka has not",
		`Bad Gateway`: `503: "Bad Gateway"`,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, text)
		}))
		_, err := Run(t.Context(), Config{URL: server.URL, HTTP: server.Client(), Package: 1, Concurrency: 1,
			Outage: time.Nanosecond, Now: time.Now, Log: slog.New(slog.DiscardHandler)},
			func() (string, error) { return "1", nil })
		if server.Close(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is reported as %v", text, err)
		}
	}
}
