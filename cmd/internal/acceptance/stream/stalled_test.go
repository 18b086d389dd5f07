package stream

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/status"
)

// TestStalledReaderIsReported has ClickHouse stop reading a topic: because what a message becomes can not be stored,
// and because the table is detached. Each way to look says so, and the platform recovers by itself.
func TestStalledReaderIsReported(t *testing.T) {
	t.Parallel()
	const limit = "TXFLOW_STALLED_AFTER=5s"
	b := newLiveBench(t, limit)
	b.Env = append(b.Env, limit)
	ready := func() bool {
		code, _ := harness.Get(t, b.Server+"/readyz")
		return code == http.StatusOK
	}
	stalled := func() (text string) {
		t.Helper()
		for line := range strings.Lines(b.OK("stream", "status", "--json", "--every", "100ms").Stdout.String()) {
			var s status.Status
			harness.Must(t, json.Unmarshal([]byte(line), &s))
			text += s.Stalled
		}
		return text
	}
	b.Start("stream", "classify")
	messages, _ := b.Produce(300)
	b.Until("all is stored", func() bool { return b.Count(harness.OutcomesOfStream) == messages })
	b.Until("the platform is ready", ready)
	if text := stalled(); text != "" {
		t.Errorf("stream status, while all is well: %s", text)
	}
	if _, r := b.Run("doctor"); !strings.Contains(r.Stdout.String(), "Kafka tables progress") {
		t.Errorf("doctor, while all is well: %s", r.Stdout.String())
	}

	b.SQL("CREATE TABLE trap (n UInt8) ENGINE = Null")
	b.SQL("CREATE MATERIALIZED VIEW trap_of_rows TO trap AS SELECT throwIf(1, 'nothing fits') AS n FROM " +
		"incoming_classified")
	more, _ := b.Produce(300)
	messages += more
	const metric = `txflow_clickhouse_reader_stalled{table="kafka_classified",topic="transactions.classified"} `
	b.Until("the metric says so", func() bool {
		// the reader was waiting for messages already, without the new view
		if b.Count(harness.OutcomesOfStream) == messages {
			more, _ := b.Produce(300)
			messages += more
		}
		_, text := harness.Get(t, b.Server+"/metrics")
		return strings.Contains(text, metric+"1")
	})
	if code, text := harness.Get(t, b.Server+"/readyz"); code != http.StatusServiceUnavailable ||
		!strings.Contains(text, "kafka_classified does not progress with ") || !strings.Contains(text, "nothing fits") {
		t.Errorf("/readyz answers %d %s", code, text)
	}
	b.Until("stream status says so", func() bool { return strings.Contains(stalled(), "nothing fits") })
	b.Until("doctor says so", func() bool {
		code, r := b.Run("doctor")
		text := r.Stdout.String()
		return code == fault.ExitUnavailable && strings.Contains(text, "kafka_classified does not progress with ") &&
			strings.Contains(text, "nothing fits")
	})
	watch := harness.FreeAddr(t)
	b.Start("stream", "status", "--watch-addr", watch)
	b.Until("a process of its own says so", func() bool {
		code, _ := harness.Get(t, "http://"+watch+"/readyz")
		_, text := harness.Get(t, "http://"+watch+"/metrics")
		return code == http.StatusServiceUnavailable && strings.Contains(text, metric+"1")
	})
	b.SQL("DROP VIEW trap_of_rows")
	b.Until("all is stored, once the cause is gone", func() bool { return b.Count(harness.OutcomesOfStream) == messages })
	b.Until("the platform is ready again", ready)

	b.SQL("DETACH TABLE kafka_classified")
	more, _ = b.Produce(300)
	messages += more
	b.Until("the platform attaches the table, and all is stored",
		func() bool { return b.Count(harness.OutcomesOfStream) == messages })
	b.Until("the platform is ready again", ready)
	b.Until("stream status says that all is well", func() bool { return stalled() == "" })
	if log := b.Platform.Stderr.String(); !strings.Contains(log, "kafka_classified is not attached") ||
		!strings.Contains(log, "progresses again") {
		t.Errorf("the platform's log:\n%s", log)
	}
}
