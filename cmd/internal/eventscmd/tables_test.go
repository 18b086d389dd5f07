package eventscmd

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/table/tabletest"
	"github.com/txflow/txflow/internal/eventstory"
	"github.com/txflow/txflow/stream/events/forget"
)

const longType = `Holded\Wallet\Domain\Subscription\Events\WalletSubscriptionFailedEvent`

func TestReportOfEventsFits(t *testing.T) {
	t.Parallel()
	var printed strings.Builder
	ReportTable(&printed, "type", []store.EventReportRow{{Keys: []string{longType, "customer_management"},
		Events: 123_456_789, Accounts: 12_345_678, Users: 123_456_789, Score: "0.9125", Excellent: 123_400_000,
		Good: 890, Fair: 12_345, Poor: 1_234_567, Late: 1, Future: 12_345}}, 0)
	tabletest.Fits(t, printed.String(), longType, "customer_management", "123,456,789", "12,345,678", "0.9125")
}

func TestStoryFits(t *testing.T) {
	t.Parallel()
	const id, other = "0192f0c1-5a54-7a4f-8a6b-0f5f5a1c9d21", "0192f0c1-5a54-7a4f-8a6b-0f5f5a1c9d22"
	const trace, second = "0af7651916cd43dd8448eb211c80319c", "1af7651916cd43dd8448eb211c80319c"
	at := time.Date(2026, 11, 26, 20, 15, 0, 0, time.UTC)
	row, err := json.Marshal(map[string]any{"type": longType, "context": "customer_management", "score": "0.9",
		"token": "the-wallet-of-the-northern-subsidiaries", "received_at": "2026-11-26 20:15:00.000",
		"processed_at": "2026-11-26 20:15:00.100", "inserted_at": "2026-11-26 20:15:00.200", "trace_id": trace})
	if err != nil {
		t.Fatal(err)
	}
	story, err := eventstory.Read(&store.EventStory{ID: id, State: "gold", Event: row,
		Messages: []store.EventMessage{{Topic: "events.raw.of.the.northern.subsidiaries", Partition: 127, Offset: 1 << 60,
			RecordedAt: at, Traceparent: "00-" + trace + "-b7ad6b7169203331-01", Fate: "accepted",
			Token: "the-wallet-of-the-northern-subsidiaries"}},
		DeadLetters: []store.EventDeadLetter{{Origin: "events.raw", Partition: 1, Position: 2, Code: "conflict",
			Pointer: "/attributes/message_id_stamp", State: "open", TraceID: second, FirstSeen: at.Add(time.Second),
			Message: "the same id has other contents than " + strings.Repeat("the first of them, ", 8)}},
		Package: []store.EventPackageItem{{Index: 0, ID: id, State: "gold", Type: longType},
			{Index: 1, ID: other, State: "dead_letter", Type: longType}}})
	if err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	if err := Show(&printed, story); err != nil {
		t.Fatal(err)
	}
	tabletest.Fits(t, printed.String(), longType, other, "events.raw.of.the.", "1152921504606846976",
		"trace 1 "+trace, "trace 2 "+second)
	if text := printed.String(); strings.Index(text, "  received") > strings.Index(text, "  raw ") {
		t.Errorf("Kafka has the event before it was received:\n%s", text)
	}
}

// TestForgottenCounts has the noun of each count in its right form.
func TestForgottenCounts(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]forget.Result{
		"1 event (events) 1 raw message (events_bronze) 1 dead letter (dead_letters) 1 line of 1 object (out)": {
			Events: 1, Messages: 1, DeadLetters: 1, Lines: 1, Objects: 1},
		"0 events (events) 2 raw messages (events_bronze) 3,000 dead letters (dead_letters) 4 lines of 2 objects (out)": {
			Messages: 2, DeadLetters: 3000, Lines: 4, Objects: 2},
	} {
		var printed strings.Builder
		doc := forgetReport{DryRun: true, Erased: erasedOf("out", &r)}
		doc.print(&printed)
		if got := strings.Join(strings.Fields(printed.String()), " "); !strings.Contains(got, want) {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
