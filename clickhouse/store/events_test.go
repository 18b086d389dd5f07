package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/event"
)

const packageID = "00000000-0000-4000-8000-0000000000aa"

func eventID(n byte) event.ID { return event.ID{0: 0xe0, 15: n} }

// refined puts a row of events in, as ClickHouse's Kafka tables do.
func (d database) refined(n byte, change map[string]any) {
	d.t.Helper()
	row := map[string]any{"event_id": eventID(n).String(), "correlation_id": packageID, "package_index": n, "token": "crm",
		"form": "package", "type": "USER_LOGIN",
		"account_id": "company-1", "user_id": fmt.Sprint("user-", n%2), "timestamp_us": 1_700_000_000_000_000,
		"timestamp_source": "sender", "data": `{"id":"1","amount":100.50}`,
		"published_us": 1_700_000_000_500_000, "received_us": 1_700_000_000_400_000, "processed_us": 1_700_000_001_000_000,
		"context": "user_activity", "score": "0.8",
		"lost_points": []any{map[string]any{"rule": "no_session", "points": "0.2"}}, "origin": "events.raw",
		"origin_digest": "c/t", "partition": 1, "position": 10 + int(n), "content_hash": 7}
	for name, value := range change {
		row[name] = value
	}
	text, err := json.Marshal(row)
	must(d.t, err)
	d.sql("INSERT INTO incoming_events FORMAT JSONEachRow %s", text)
}

func (d database) rawMessage(n byte, partition, offset int) {
	d.t.Helper()
	d.sql("INSERT INTO events_bronze (id, key, value, headers, origin, partition, position, recorded_at) VALUES "+
		"('%[1]s', '%[1]s', 'avro', [('txflow-token', 'crm'), ('traceparent', '00-ab-cd-01')], 'events.raw', %d, %d, "+
		"'2023-11-14 22:13:20.500')",
		eventID(n), partition, offset)
}

func (d database) refused(n byte, origin, digest string, position int) {
	d.t.Helper()
	d.sql("INSERT INTO incoming_dead_letters (pipeline, source, origin, origin_digest, partition, position, id, "+
		"outcome, column, code, message, at) VALUES ('events', 'crm', '%s', '%s', 0, %d, '%s', 'rejected', '/data/id', "+
		"'missing_value', 'a value is required here', now64(6))",
		origin, digest, position, eventID(n))
}

// TestAnEventIsFoundWhereverItIs has events in gold, in bronze alone, and among dead letters.
func TestAnEventIsFoundWhereverItIs(t *testing.T) {
	t.Parallel()
	db := open(t)
	db.rawMessage(1, 1, 11)
	db.rawMessage(1, 1, 20)
	db.refined(1, nil)
	// the first counts
	db.refined(1, map[string]any{"published_us": 1_700_000_009_000_000, "position": 99, "type": "LATER"})
	db.rawMessage(2, 0, 5)
	db.refused(3, "collect", packageID, 2)
	db.rawMessage(4, 0, 6)
	db.refused(4, "events.raw", "c/t", 6)
	state := func(n byte) *store.EventState {
		t.Helper()
		s, err := db.EventState(t.Context(), eventID(n))
		must(t, err)
		return s
	}
	if s := state(1); s == nil || s.State != store.EventGold || s.Token != "crm" || s.Type != "USER_LOGIN" ||
		s.Score != "0.8000" || s.Partition != 1 || s.Offset != 11 || s.CorrelationID != packageID ||
		!s.PublishedAt.Equal(time.UnixMicro(1_700_000_000_500_000)) {
		t.Errorf("in gold: %+v", s)
	}
	if s := state(2); s == nil || s.State != store.EventRaw || s.Token != "crm" || s.Offset != 5 {
		t.Errorf("raw: %+v", s)
	}
	if s := state(3); s == nil || s.State != store.EventDead || s.DeadLetter != "open" || s.Code != "missing_value" ||
		s.Pointer != "/data/id" || s.CorrelationID != packageID || s.Topic != "" || s.Token != "crm" {
		t.Errorf("refused by the collector: %+v", s)
	}
	if s := state(4); s == nil || s.State != store.EventDead || s.Topic != "events.raw" || s.Offset != 6 {
		t.Errorf("refused by refine: %+v", s)
	}
	if s := state(5); s != nil {
		t.Errorf("nowhere: %+v", s)
	}

	st, err := db.EventStory(t.Context(), eventID(1))
	must(t, err)
	if st.State != store.EventGold || len(st.Messages) != 2 || st.Messages[1].Offset != 20 ||
		st.Messages[0].Traceparent != "00-ab-cd-01" || string(st.Messages[0].Value) != "avro" ||
		len(st.Outcomes) != 2 || !strings.Contains(string(st.Event), `"data_verbatim":"{\"id\":\"1\",\"amount\":100.50}"`) {
		t.Errorf("the story: %+v %s", st, st.Event)
	}
	if st, err = db.EventStory(t.Context(), eventID(5)); err != nil || st.State != "" {
		t.Errorf("nowhere: %+v, %v", st, err)
	}
	items, err := db.EventPackage(t.Context(), packageID)
	must(t, err)
	if got := fmt.Sprint(items); got != fmt.Sprintf("[{1 %s USER_LOGIN gold} {2 %s  dead_letter}]", eventID(1),
		eventID(3)) {
		t.Errorf("the package: %s", got)
	}
	db.refused(1, "collect", packageID, 1) // before it was corrected
	must(t, db.ResolveEventDeadLetters(t.Context(), "another"))
	must(t, db.ResolveEventDeadLetters(t.Context(), ""))
	if got := db.sql("SELECT groupArray((position, toString(state))) FROM (SELECT * FROM dead_letters FINAL " +
		"ORDER BY position)"); got != "[(1,'resolved'),(2,'open'),(6,'open')]" {
		t.Errorf("resolved: %s", got)
	}
}

// TestEventReport adds up what is in gold by each key.
func TestEventReport(t *testing.T) {
	t.Parallel()
	db := open(t)
	for n := range byte(4) {
		db.refined(n, map[string]any{"late": n == 0, "timestamp_us": 1_700_000_000_000_000 + int64(n%2)*86_400_000_000})
		db.refined(n, nil) // delivered again by a slower reader
	}
	db.refined(9, map[string]any{"type": `Holded\Wallet\Created`, "context": "financial", "score": "0.4",
		"account_id": "company-2", "lost_points": nil})
	for by, want := range map[string]string{
		"type":    `[USER_LOGIN user_activity] 4 1 2 0.8000 0 4 0 0|[Holded\Wallet\Created financial] 1 1 1 0.4000 0 0 0 1`,
		"account": "[company-1] 4 1 2 0.8000 0 4 0 0|[company-2] 1 1 1 0.4000 0 0 0 1",
		"rule":    "[no_session] 4 1 2 0.8000 0 4 0 0",
	} {
		rows, err := db.EventReport(t.Context(), store.EventReportQuery{By: by})
		must(t, err)
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprint(r.Keys, r.Events, r.Accounts, r.Users, " ", r.Score, " ", r.Excellent, r.Good, r.Fair,
				r.Poor))
		}
		if text := strings.Join(got, "|"); text != want {
			t.Errorf("by %s: %q, want %q", by, text, want)
		}
	}
	rows, err := db.EventReport(t.Context(), store.EventReportQuery{By: "day", Account: "company-2",
		From: time.Date(2023, 11, 14, 0, 0, 0, 0, time.UTC), To: time.Date(2023, 11, 15, 0, 0, 0, 0, time.UTC)})
	if must(t, err); len(rows) != 1 || rows[0].Keys[0] != "2023-11-14" || rows[0].Events != 1 {
		t.Errorf("a day of an account: %+v", rows)
	}
	if _, err := db.EventReport(t.Context(), store.EventReportQuery{By: "moon"}); err == nil {
		t.Error("an unknown key is taken")
	}
}
