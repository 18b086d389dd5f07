package watch

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/txflow/txflow/stream/status"
)

// waits is a table for which a message waits, and that asked Kafka for messages so long ago.
func waits(polled time.Duration) Seen {
	return Seen{status.Look{At: time.Now(), Topic: "t",
		Partitions: []status.Partition{{Committed: 3, End: 4, Oldest: time.Now()}}},
		status.Reader{Table: "reads", Consumers: 1, Uptime: time.Hour, Polled: polled, Committed: time.Hour,
			Failed: time.Hour, Error: "brokers are down"}}
}

// TestReaders follows a table that stalls, one that can not be asked, and one that goes on.
func TestReaders(t *testing.T) {
	t.Parallel()
	var now Seen
	var trouble error
	r := NewReaders(30*time.Second, func(context.Context) ([]Seen, error) {
		if trouble != nil {
			return nil, trouble
		}
		return []Seen{now}, nil
	})
	registry := prometheus.NewRegistry()
	registry.MustRegister(r)
	metrics := func(want string) {
		t.Helper()
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "txflow_clickhouse_reader_stalled",
			"txflow_clickhouse_reader_up"); err != nil {
			t.Error(err)
		}
	}
	const up = "# HELP txflow_clickhouse_reader_up 1 when ClickHouse and Kafka answered the last time they were " +
		"polled.\n# TYPE txflow_clickhouse_reader_up gauge\ntxflow_clickhouse_reader_up "
	const stalled = "# HELP txflow_clickhouse_reader_stalled 1 when the Kafka table does not progress while messages " +
		"wait: alert on it. Absent while it is unknown.\n" +
		"# TYPE txflow_clickhouse_reader_stalled gauge\ntxflow_clickhouse_reader_stalled{table=\"reads\",topic=\"t\"} "
	now = waits(2 * time.Minute)
	if _, verdicts := r.step(t.Context()); verdicts != nil || r.Ready() != nil {
		t.Errorf("one look decides: %v, %v", verdicts, r.Ready())
	}
	metrics(up + "1\n")
	r.step(t.Context())
	if err := r.Ready(); err == nil ||
		!strings.Contains(err.Error(),
			"it last asked Kafka for messages 2m0s ago; its last exception, 1h0m0s ago: brokers are down") {
		t.Errorf("a consumer that hangs: %v", err)
	}
	metrics(stalled + "1\n" + up + "1\n")
	now.Look.Partitions = []status.Partition{{Committed: 4, End: 4}}
	r.step(t.Context())
	if err := r.Ready(); err != nil {
		t.Errorf("it progresses: %v", err)
	}
	metrics(stalled + "0\n" + up + "1\n")
	trouble = errors.New("Kafka is unavailable")
	r.step(t.Context())
	metrics(up + "0\n")
	if err := r.Ready(); err != nil {
		t.Errorf("trouble that has just begun: %v", err)
	}
	r.heard = time.Now().Add(-time.Minute)
	if err := r.Ready(); !errors.Is(err, trouble) {
		t.Errorf("trouble for long: %v", err)
	}
}

// TestRecovery has tables that hang, fail, or are detached, and new consumers that help, do not, or can not be made.
func TestRecovery(t *testing.T) {
	t.Parallel()
	const limit = 30 * time.Second
	hang := func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
	done := func(context.Context, string) error { return nil }
	refuse := func(context.Context, string) error { return errors.New("no") }
	for name, c := range map[string]struct {
		cause    status.Cause
		reattach func(context.Context, string) error
		tries    int // in an hour
		code     int
	}{
		"a new consumer hangs, too":    {status.Hangs, done, maxTries, fault.ExitTryAgain},
		"DETACH hangs":                 {status.Hangs, hang, 1, fault.ExitTryAgain},
		"ATTACH is refused":            {status.Hangs, refuse, maxTries, fault.ExitTryAgain},
		"a view fails":                 {status.Fails, done, 0, 0},
		"a detached table":             {status.Detached, done, 60, 0},
		"one that can not be attached": {status.Detached, refuse, 60, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock, tries := time.Now(), 0
			r := Recovery{Log: slog.New(slog.DiscardHandler), Limit: limit, Deadline: 10 * time.Millisecond,
				now: func() time.Time { return clock },
				Reattach: func(ctx context.Context, table string) error {
					if tries++; table != "reads" {
						t.Errorf("it is %s", table)
					}
					return c.reattach(ctx, table)
				}}
			var err error
			for end := clock.Add(time.Hour); err == nil && clock.Before(end); clock = clock.Add(5 * time.Second) {
				err = r.Act(t.Context(), waits(0), status.Verdict{Cause: c.cause, Text: "why"})
			}
			if tries != c.tries || fault.ExitCode(err) != c.code || err != nil &&
				(fault.Hint(err) == "" || !strings.Contains(err.Error(), "why")) {
				t.Errorf("%d tries, want %d; %v", tries, c.tries, err)
			}
		})
	}
	tries := 0
	r := Recovery{Log: slog.New(slog.DiscardHandler), Limit: limit, Deadline: limit,
		Reattach: func(context.Context, string) error { tries++; return nil }}
	for range 3 * maxTries { // it helps each time
		for _, cause := range []status.Cause{status.Hangs, status.Progresses} {
			if err := r.Act(t.Context(), waits(0), status.Verdict{Cause: cause}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if tries != 3*maxTries {
		t.Errorf("%d tries", tries)
	}
}
