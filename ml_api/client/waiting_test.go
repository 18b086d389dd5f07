package client

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"
)

// TestAnOutageIsLogged has several batches wait for a service that is not there: the log says what is waited for and
// until when, again and again, but once for all of them.
func TestAnOutageIsLogged(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	cfg := quick("http://127.0.0.1:1")
	cfg.OutageLimit, cfg.Logger = 500*time.Millisecond, slog.New(slog.NewTextHandler(&out, nil))
	c := newClient(t, cfg)
	c.notice.after, c.notice.every = 50*time.Millisecond, 200*time.Millisecond
	done := make(chan error)
	for range 3 {
		go func() { _, err := c.Predict(t.Context(), sample(2)); done <- err }()
	}
	for range 3 {
		if err := <-done; fault.ExitCode(err) != fault.ExitTryAgain {
			t.Errorf("want exit code 75, got %v", err)
		}
	}
	var lines []string
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "waiting for the ML API") {
			lines = append(lines, line)
		}
	}
	if len(lines) < 2 || len(lines) > 3 {
		t.Fatalf("want two or three lines in half a second, one at most every 0.2 s, got\n%s", out.String())
	}
	for _, line := range lines {
		for _, want := range []string{"address=http://127.0.0.1:1", "until=", "since=", "error=", "next="} {
			if !strings.Contains(line, want) {
				t.Errorf("no %q in %s", want, line)
			}
		}
	}
}
