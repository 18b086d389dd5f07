package stream

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/status"
)

// TestStreamStatus looks before there is a group, and after one that did all.
func TestStreamStatus(t *testing.T) {
	b := newLiveBench(t)
	messages, _ := b.Produce(300)
	groups := func() (found []status.Status) {
		t.Helper()
		for line := range strings.Lines(b.OK("stream", "status", "--json", "--every", "10ms").Stdout.String()) {
			var s status.Status
			harness.Must(t, json.Unmarshal([]byte(line), &s))
			found = append(found, s)
		}
		if len(found) != 7 || found[6].Group != "txflow-refine" {
			t.Fatalf("groups: %+v", found)
		}
		return found
	}
	if s := groups()[0]; s.Group != "txflow-classify" || s.State != status.Missing || s.Lag != int64(messages) ||
		s.Delay <= 0 {
		t.Errorf("before: %+v", s)
	}
	b.Start("stream", "classify", "--instance", "a")
	b.Until("nobody has anything left to read", func() bool {
		all := groups()
		return all[0].Lag == 0 && all[0].Members == 1 && all[1].Lag == 0 && all[1].State == "Stable" &&
			all[2].Lag == 0 && b.Count(harness.OutcomesOfStream) == messages
	})
	text := b.OK("stream", "status", "--once", "--every", "10ms").Stdout.String()
	for _, want := range []string{" txflow-classify\n", " txflow-clickhouse-classified\n",
		" txflow-clickhouse-dead-letters\n", "transactions.raw ", "a at 127.0.0.1"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	if text := b.OK("doctor").Stdout.String(); !strings.Contains(text,
		"9 topics at "+b.Brokers+", as they should be") || !strings.Contains(text, "ClickHouse reads Kafka") {
		t.Errorf("doctor:\n%s", text)
	}
	b.Env = append(b.Env, "KAFKA_BROKERS=127.0.0.1:1")
	code, r := b.Run("stream", "status")
	if text := r.Stderr.String(); code != fault.ExitUnavailable || !strings.Contains(text, "txflow platform") {
		t.Errorf("without Kafka: exit %d\n%s", code, text)
	}
}
