package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/fault"

	"github.com/txflow/txflow/stream/status"
)

// TestStalledReaderIsReported has ClickHouse stop reading a topic: because what a message becomes can not be stored,
// and because the table is detached. Each way to look says so, and the platform recovers by itself.
func TestStalledReaderIsReported(t *testing.T) {
	t.Parallel()
	const limit = "TXFLOW_STALLED_AFTER=5s"
	b := newLiveBench(t, limit)
	b.env = append(b.env, limit)
	ready := func() bool {
		code, _ := get(t, b.server+"/readyz")
		return code == http.StatusOK
	}
	stalled := func() (text string) {
		t.Helper()
		for line := range strings.Lines(b.ok("stream", "status", "--json", "--every", "100ms").stdout.String()) {
			var s status.Status
			must(t, json.Unmarshal([]byte(line), &s))
			text += s.Stalled
		}
		return text
	}
	b.start("stream", "classify")
	messages, _ := b.produce(300)
	b.until("all is stored", func() bool { return b.count(outcomesOfStream) == messages })
	b.until("the platform is ready", ready)
	if text := stalled(); text != "" {
		t.Errorf("stream status, while all is well: %s", text)
	}

	b.sql("CREATE TABLE trap (n UInt8) ENGINE = Null")
	b.sql("CREATE MATERIALIZED VIEW trap_of_rows TO trap AS SELECT throwIf(1, 'nothing fits') AS n FROM incoming_classified")
	more, _ := b.produce(300)
	messages += more
	const metric = `txflow_clickhouse_reader_stalled{table="kafka_classified",topic="transactions.classified"} `
	b.until("the metric says so", func() bool {
		if b.count(outcomesOfStream) == messages { // the reader was waiting for messages already, without the new view
			more, _ := b.produce(300)
			messages += more
		}
		_, text := get(t, b.server+"/metrics")
		return strings.Contains(text, metric+"1")
	})
	if code, text := get(t, b.server+"/readyz"); code != http.StatusServiceUnavailable ||
		!strings.Contains(text, "kafka_classified does not progress while ") || !strings.Contains(text, "nothing fits") {
		t.Errorf("/readyz answers %d %s", code, text)
	}
	b.until("stream status says so", func() bool { return strings.Contains(stalled(), "nothing fits") })
	b.until("doctor says so", func() bool {
		code, r := b.run("doctor")
		text := r.stdout.String()
		return code == fault.ExitUnavailable && strings.Contains(text, "kafka_classified does not progress while ") &&
			strings.Contains(text, "nothing fits")
	})
	watch := freeAddr(t)
	b.start("stream", "status", "--watch-addr", watch)
	b.until("a process of its own says so", func() bool {
		code, _ := get(t, "http://"+watch+"/readyz")
		_, text := get(t, "http://"+watch+"/metrics")
		return code == http.StatusServiceUnavailable && strings.Contains(text, metric+"1")
	})
	b.sql("DROP VIEW trap_of_rows")
	b.until("all is stored, once the cause is gone", func() bool { return b.count(outcomesOfStream) == messages })
	b.until("the platform is ready again", ready)

	b.sql("DETACH TABLE kafka_classified")
	more, _ = b.produce(300)
	messages += more
	b.until("the platform attaches the table, and all is stored",
		func() bool { return b.count(outcomesOfStream) == messages })
	b.until("the platform is ready again", ready)
	b.until("stream status says that all is well", func() bool { return stalled() == "" })
	if log := b.platform.stderr.String(); !strings.Contains(log, "kafka_classified is not attached") ||
		!strings.Contains(log, "progresses again") {
		t.Errorf("the platform's log:\n%s", log)
	}
}
