package kafka

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// lines collects a log.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// count is how many lines of a level hold a text; each line must be a JSON object.
func (l *lines) count(t *testing.T, level, text string) (n int) {
	t.Helper()
	for line := range strings.Lines(l.text()) {
		var m struct{ Level string }
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if m.Level == level && strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *lines) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// TestReporter logs each kind of trouble once in ten seconds, whoever tells of it, and no secret.
func TestReporter(t *testing.T) {
	t.Parallel()
	var out lines
	var s Settings
	if err := s.AddFile("f", "sasl.password=hunter2"); err != nil {
		t.Fatal(err)
	}
	r := newReporter(&Config{Log: out.logger(), Settings: s})
	defer r.close()
	now := time.Unix(0, 0)
	r.mu.Lock()
	r.now = func() time.Time { return now }
	r.mu.Unlock()
	for range 3 {
		for i := range 20 {
			r.trouble(t.Context(), kafka.NewError(kafka.ErrTransport, "refused hunter2", false))
			r.trouble(t.Context(), kafka.NewError(kafka.ErrAllBrokersDown, "1/1 brokers are down", false))
			r.trouble(t.Context(), kafka.NewError(kafka.ErrAuthentication, "who are you", false))
			r.line(kafka.LogEvent{Tag: "FAIL", Level: 3, Message: "connect failed"})
			r.line(kafka.LogEvent{Tag: "MAXPOLL", Level: 4, Message: "hunter2 " + strings.Repeat("x", i)})
		}
		now = now.Add(reportEvery)
	}
	for text, want := range map[string]int{"Kafka does not answer": 3, "who are you": 3, "connect failed": 0,
		"MAXPOLL": 3} {
		if got := out.count(t, "WARN", text); got != want {
			t.Errorf("%s is warned of %d times, want %d", text, got, want)
		}
	}
	if n := out.count(t, "DEBUG", ""); n != 300-9 {
		t.Errorf("%d details", n)
	}
	if out.count(t, "WARN", "hunter")+out.count(t, "DEBUG", "hunter") > 0 {
		t.Error("a secret is logged")
	}
}
