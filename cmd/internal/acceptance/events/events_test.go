//go:build !noembed

package events

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/txflow/txflow/cmd/internal/acceptance/harness"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/events"
)

// TestEventsFromCollectToGold sends a package to a collector, twice, has it refined, and proves what became of each
// message; then gold loses an event, and the proof fails.
func TestEventsFromCollectToGold(t *testing.T) {
	t.Parallel()
	b := harness.NewLive(t)
	collector := b.Start("collect", "--addr", "127.0.0.1:0", "--objects", "", "--audit-log", "", "--schema-id", "1")
	url := "http://" + collector.Find(t, &collector.Stdout, `TXFLOW_COLLECT_ADDR=(\S+)`)
	gold := func(id, want string) {
		t.Helper()
		b.Until("GET /events/"+id+" says "+want, func() bool {
			status, text := harness.Get(t, url+"/events/"+id)
			return status == http.StatusOK && strings.Contains(text, `"state":"`+want+`"`)
		})
	}
	b.Start("stream", "refine")
	demo, err := os.ReadFile(filepath.Join(harness.Repository, "cmd", "internal", "platformcmd", "demo_package.json"))
	harness.Must(t, err)
	var sent answerOfPackage
	for range 2 {
		status, body := sendBody(t, url, string(demo))
		if harness.Must(t, json.Unmarshal([]byte(body), &sent)); status != http.StatusMultiStatus {
			t.Fatalf("%d %s", status, body)
		}
	}
	gold(sent.Items[0].ID, "gold")
	gold(sent.Items[1].ID, "gold")
	gold(sent.Items[2].ID, "dead_letter")
	counts := map[string]int64{}
	b.Until("four messages are refined and proven", func() bool {
		var manifest struct{ Counts map[string]int64 }
		text := strings.TrimSpace(b.OK("events", "reconcile").Stdout.String())
		harness.Must(t, json.Unmarshal([]byte(text[strings.LastIndex(text, "\n")+1:]), &manifest))
		for name, n := range manifest.Counts {
			counts[name] += n
		}
		return counts["in"] >= 4
	})
	if counts["in"] != 4 || counts["stored"] != 2 || counts["duplicates"] != 2 {
		t.Errorf("the proof counts %v", counts)
	}
	for i, want := range []string{"duplicate of events.raw/", "late: ", "missing_value"} {
		if text := b.OK("events", "show", sent.Items[i].ID).Stdout.String(); !strings.Contains(text, want) {
			t.Errorf("events show says nothing of %q:\n%s", want, text)
		}
	}
	if text := b.OK("events", "report", "--by", "account").Stdout.String(); !strings.Contains(text,
		"company-123       2 ") {
		t.Errorf("events report:\n%s", text)
	}
	publishes(t, b)
	if code, r := b.Run("dlq", "replay", "--pipeline", "events"); code != 0 ||
		!strings.Contains(r.Stderr.String(), "left open") {
		t.Errorf("a dead letter that still breaks a rule: exit %d\n%s", code, r.Stderr.String())
	}

	if code, r := b.Run("dlq", "replay"); code != fault.ExitNothing ||
		!strings.Contains(r.Stderr.String(), "dlq replay --pipeline events") {
		t.Errorf("a replay of transactions beside dead letters of events: exit %d\n%s", code, r.Stderr.String())
	}
	if code, r := b.Run("dlq", "replay", "--pipeline", "batch"); code != fault.ExitUsage {
		t.Errorf("a replay of rows of files: exit %d\n%s", code, r.Stderr.String())
	}
	if text := b.OK("dlq", "resolve").Stderr.String(); !strings.Contains(text, "0 still open") ||
		!strings.Contains(text, "dlq resolve --pipeline events") {
		t.Errorf("what resolve says of dead letters of events:\n%s", text)
	}

	b.SQL("DETACH TABLE kafka_events_silver") // what refine makes of the next event stays in silver
	status, body := sendBody(t, url, briefsBody)
	var answer answerOfPackage
	if harness.Must(t, json.Unmarshal([]byte(body), &answer)); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	gold(answer.Items[0].ID, "silver")
	b.SQL("ATTACH TABLE kafka_events_silver")
	gold(answer.Items[0].ID, "gold")
	t.Run("curl", func(t *testing.T) { byCurl(t, b, url) })
	b.SQL("TRUNCATE TABLE events")
	if code, r := b.Run("events", "reconcile"); code != fault.ExitData || !strings.Contains(r.Stderr.String(),
		"missing id "+answer.Items[0].ID) {
		t.Errorf("gold lacks an event: exit %d\n%s", code, r.Stderr.String())
	}
}

// publishes publishes roll-ups of gold, of which the totals are those of the report, and publishes them again when gold
// has lost an event, as by an erasure.
func publishes(t *testing.T, b *harness.Live) {
	t.Helper()
	publish := func(want string) {
		t.Helper()
		if said := b.OK("events", "publish", "--once").Stderr.String(); !strings.Contains(said, want) {
			t.Errorf("events publish says %q, want %q", said, want)
		}
	}
	rollups(t, b, "optional", "never published")
	publish("5 roll-ups published, 0 removed; events.analytics has 5") // two hours and types, one account
	rollups(t, b, "ok", "has all events")
	publish("0 roll-ups published, 0 removed; events.analytics has 5")
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Brokers), kgo.ConsumeTopics(events.Analytics))
	harness.Must(t, err)
	defer client.Close()
	has := map[string]string{}
	read := func(messages int) {
		for messages > 0 {
			fetched := client.PollFetches(t.Context())
			harness.Must(t, fetched.Err())
			fetched.EachRecord(func(r *kgo.Record) {
				messages--
				if has[string(r.Key)] = string(r.Value); r.Value == nil {
					delete(has, string(r.Key))
				}
			})
		}
	}
	read(5)
	account := `["account","company-123"]`
	if total := has[account]; !strings.Contains(total, `"events":2,"users":1,`) {
		t.Errorf("of %v, the account has %s", has, total)
	}
	row := b.SQL("SELECT event_id FROM events WHERE type LIKE '%%UserUpdatedEvent' LIMIT 1 FORMAT TSV")
	b.SQL("CREATE TABLE kept AS events")
	b.SQL("INSERT INTO kept SELECT * FROM events")
	b.SQL("DELETE FROM events WHERE event_id = '%s'", strings.TrimSpace(row))
	publish("1 roll-up published, 2 removed; events.analytics has 3")
	if read(3); len(has) != 3 || !strings.Contains(has[account], `"events":1,"users":1,`) {
		t.Errorf("after an event is gone: %v", has)
	}
	b.SQL("INSERT INTO events SELECT * FROM kept")
	b.SQL("ALTER TABLE event_entries UPDATE entered_at = entered_at - INTERVAL 1 HOUR WHERE 1 SETTINGS mutations_sync = 2")
	b.SQL("ALTER TABLE events UPDATE inserted_at = inserted_at - INTERVAL 30 MINUTE WHERE event_id = '%s' SETTINGS "+
		"mutations_sync = 2",
		strings.TrimSpace(row))
	rollups(t, b, "missing", "lacks events since [3-5][0-9]m") // a slow machine takes minutes
	publish("3 roll-ups published, 0 removed; events.analytics has 5")
}

// rollups waits until doctor and stream status say of roll-ups what they are: text is a regular expression.
func rollups(t *testing.T, b *harness.Live, state, text string) {
	t.Helper()
	detail := regexp.MustCompile(text)
	line := regexp.MustCompile(`(?m)^roll-ups +` + state + ` .*`)
	b.Until("doctor and stream status say that roll-ups are "+state+": "+text, func() bool {
		code, r := b.Run("doctor", "--timeout", "1m")
		said := r.Stdout.String()
		if state == "missing" && (code != fault.ExitUnavailable || !strings.Contains(said, "start txflow events publish")) {
			return false
		}
		status := b.OK("stream", "status", "--once").Stdout.String()
		t.Logf("%s\n%s", said, status)
		return line.MatchString(said) && detail.MatchString(said+status) && strings.Contains(status, "events publish")
	})
}

// answerOfPackage is what the test reads of the collector's answer.
type answerOfPackage struct {
	Items []struct{ ID string }
}
