package events

import (
	"net/http"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/cmd/internal/readers"
	"github.com/txflow/txflow/stream/events"
)

// TestAClusterWithoutTheTopicsOfEvents is one of an older release: everything else goes on, and ClickHouse reads the
// topics once
// they are made.
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
}
