package events

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/cmd/internal/readers"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/events"
)

// TestAClusterWithoutTheTopicsOfEvents is one of an older release: everything else goes on, and ClickHouse reads the
// topics once they are made.
func TestAClusterWithoutTheTopicsOfEvents(t *testing.T) {
	t.Parallel()
	b := harness.NewLive(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Brokers))
	harness.Must(t, err)
	t.Cleanup(client.Close)
	deleted, err := kadm.NewClient(client).DeleteTopics(t.Context(), events.Raw, events.Silver, events.Claims,
		events.DeadLetters, events.Analytics, events.Tombstones)
	harness.Must(t, err)
	harness.Must(t, deleted.Error())

	if text := b.OK("doctor").Stdout.String(); !strings.Contains(text, "3 topics at "+b.Brokers+", as they should be") ||
		!strings.Contains(text, "2 Kafka tables progress") {
		t.Errorf("doctor:\n%s", text)
	}
	if text := b.OK("stream", "status", "--once", "--every", "10ms").Stdout.String(); !strings.Contains(text,
		readers.Classified) || strings.Contains(text, readers.EventsRaw) {
		t.Errorf("stream status:\n%s", text)
	}
	b.Until("the platform is ready", func() bool {
		code, _ := harness.Get(t, b.Server+"/readyz")
		_, metrics := harness.Get(t, b.Server+"/metrics")
		return code == http.StatusOK && strings.Contains(metrics, "txflow_clickhouse_reader_up 1") &&
			!strings.Contains(metrics, events.Raw)
	})

	b.OK("topics", "apply")
	harness.Must(t, client.ProduceSync(t.Context(), &kgo.Record{Topic: events.Raw, Value: []byte("any"),
		Key: []byte("k")}).FirstErr())
	b.Until("ClickHouse reads the topic that was made",
		func() bool { return b.Count("SELECT count() FROM events_bronze WHERE value = 'any'") == 1 })
	if text := b.OK("doctor").Stdout.String(); !strings.Contains(text, "9 topics at "+b.Brokers) ||
		!strings.Contains(text, "5 Kafka tables progress") {
		t.Errorf("doctor:\n%s", text)
	}

	file := filepath.Join(b.Dir, "topics.json")
	harness.Must(t, os.WriteFile(file, []byte(b.OK("topics", "print").Stdout.String()), 0o600))
	if text := b.OK("topics", "apply", "--topics-file", file).Stderr.String(); !strings.Contains(text,
		"as they should be") {
		t.Errorf("the file of the same topics changes them:\n%s", text)
	}
	harness.Must(t, os.WriteFile(file, []byte(`{"events.dead.letter": {"partitions": 2, "config": {"retention.ms": `+
		`"86400000"}}}`), 0o600))
	if text := b.OK("topics", "apply", "--topics-file", file).Stdout.String(); !strings.Contains(text,
		"grow events.dead.letter from 1 to 2 partitions") || !strings.Contains(text, "retention.ms 86400000") {
		t.Errorf("the file changes:\n%s", text)
	}
	if text := b.OK("doctor", "--topics-file", file).Stdout.String(); !strings.Contains(text,
		"9 topics at "+b.Brokers+", as") {
		t.Errorf("doctor with the file:\n%s", text)
	}
	code, r := b.Run("doctor")
	if text := r.Stdout.String(); code != fault.ExitUnavailable ||
		strings.Contains(text, "9 topics at "+b.Brokers+", as") ||
		!strings.Contains(text, "configure events.dead.letter") {
		t.Errorf("doctor without the file:\n%s", text)
	}
	harness.Must(t, os.WriteFile(file, []byte(`{"events.dead.letters": {}}`), 0o600))
	if code, r := b.Run("topics", "apply", "--topics-file", file); code != fault.ExitUsage ||
		!strings.Contains(r.Stderr.String(), "none of txflow's topics") {
		t.Errorf("a topic that is not txflow's: exit %d\n%s", code, r.Stderr.String())
	}
}
