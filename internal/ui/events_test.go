package ui_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/stream/events"
)

// eventID is the id of the n-th event of fillEvents.
func eventID(n int) string { return fmt.Sprintf("7d7b0c29-6a0e-5a51-9b0c-%012x", n) }

const packageID = "11111111-2222-4333-8444-555555555555"

// fillEvents stores an event for each hostile text, the messages of the first two, one of which came twice, and an
// event
// that the collector refused.
func fillEvents(t testing.TB, address string) {
	t.Helper()
	var gold []any
	bronze := "INSERT INTO events_bronze (id, origin, partition, position, value, headers, recorded_at) VALUES "
	for n, text := range hostile {
		text = strings.ToValidUTF8(text, "\uFFFD")
		gold = append(gold, map[string]any{"event_id": eventID(n), "timestamp_stamp": "2024-06-01 12:00:00",
			"message_id_stamp": text,
			"correlation_id":   packageID, "package_index": n, "type": "Type " + text, "target_subscription": text,
			"new_context_account_id": text, "new_context_user_id": text, "platform": text, "context": "billing", "score": "0.8",
			"lost_points": []any{map[string]any{"rule": "no " + text, "points": "0.2"}}, "data": map[string]any{},
			"data_verbatim": `"` + rawText + `"`, "token": text, "published_at": "2024-06-01 12:00:01", "rules_version": "1-abc",
			"origin": "events.raw", "origin_digest": "C/T", "partition": 2, "position": n, "trace_id": traceID, "late": true})
	}
	for n, offset := range []int{0, 1, 700, 701} {
		said := event.Event{Data: rawText}
		gold[n%2].(map[string]any)["content_hash"] = said.ContentHash()
		if offset == 701 { // other contents under the id of the second event
			said.Type = "other"
		}
		avro := events.AppendRaw(make([]byte, 5), &said)
		bronze += fmt.Sprintf("%s('%s', 'events.raw', 2, %d, unhex('%x'), [('txflow-request', unhex('%x'))], '2024-06-01 "+
			"12:00:01')",
			separator(n), eventID(n%2), offset, avro, "request "+hostile[0])
	}
	dead := map[string]any{"origin": "collect", "origin_digest": packageID, "partition": 0, "position": 90,
		"pipeline": "events",
		"run_id":   "txflow-collect", "id": eventID(900), "outcome": "rejected", "column": "/90/" + hostile[0],
		"code": "missing_value", "message": hostile[1], "raw": rawText, "state": "open", "first_seen": "2024-06-01 12:00:01",
		"updated_at": "2024-06-01 12:00:01", "version": "2024-06-01 12:00:01"}
	insert(t, address, bronze)
	for table, rows := range map[string][]any{"events": gold, "dead_letters": {dead}} {
		text := "INSERT INTO " + table + " FORMAT JSONEachRow\n"
		for _, row := range rows {
			line, err := json.Marshal(row)
			must(t, err)
			text += string(line) + "\n"
		}
		insert(t, address, text)
	}
}

// separator goes before the n-th row of VALUES.
func separator(n int) string {
	if n == 0 {
		return ""
	}
	return ", "
}

func insert(t testing.TB, address, statement string) {
	t.Helper()
	response, err := http.Post(address, "text/plain", strings.NewReader(statement))
	must(t, err)
	said, err := io.ReadAll(response.Body)
	must(t, err)
	must(t, response.Body.Close())
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%.60s: %s", statement, said)
	}
}

// TestEvents follows an event from the list to its package, with what became of each message.
func TestEvents(t *testing.T) {
	t.Parallel()
	address, db := database(t)
	fill(t, db)
	fillEvents(t, address)
	u := pages(t, address, nil)
	list, _ := parts(t, u, "/events")
	if len(list["events"]) != len(hostile) || len(list["types"]) != len(hostile) {
		t.Errorf("%d events of %d types, want %d", len(list["events"]), len(list["types"]), len(hostile))
	}
	if few, _ := parts(t, u, "/events?limit=3"); len(few["events"]) != 3 {
		t.Errorf("three asked for: %d", len(few["events"]))
	}
	if w := get(t, u, "/events?q="+eventID(0)); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/events/"+
		eventID(0) {
		t.Errorf("a search: %d to %s", w.Code, w.Header().Get("Location"))
	}
	one, _ := parts(t, u, "/events/"+eventID(0))
	outcomesOf := func(rows []map[string]any) (outcomes []any) {
		for _, m := range rows {
			outcomes = append(outcomes, m["outcome"])
		}
		return outcomes
	}
	outcomes := outcomesOf(one["messages"])
	if other, _ := parts(t, u, "/events/"+eventID(1)); fmt.Sprint(outcomesOf(other["messages"])) != "[stored on its way]" {
		t.Errorf("a message with other contents: %v", other["messages"])
	}
	if fmt.Sprint(outcomes) != "[stored duplicate]" || len(one["lost_points"]) != 1 || len(one["package"]) != len(hostile)+
		1 ||
		one["event"][0]["score"] != "0.8000" {
		t.Errorf("the first event: %v, %v, %d in its package", outcomes, one["event"], len(one["package"]))
	}
	refused, _ := parts(t, u, "/events/"+eventID(900))
	if len(refused["event"]) != 0 || refused["dead_letters"][0]["code"] != "missing_value" ||
		len(refused["package"]) != len(hostile)+1 {
		t.Errorf("an event that was refused: %v", refused)
	}
	insert(t, address, fmt.Sprintf("INSERT INTO erased_events (event_id, token, erasure) VALUES ('%s', 'crm', '%s')",
		eventID(901), packageID))
	erased := body(t, u, "/events/"+eventID(901))
	for text, is := range map[string]bool{"<h1>Erased</h1>": true, "is forgotten": true, "events show": false,
		"Not in gold": false} {
		if strings.Contains(erased, text) != is {
			t.Errorf("the page of an erased event has %q: %v\n%s", text, !is, erased)
		}
	}
	for path, want := range map[string]int{"/events/none": http.StatusBadRequest, "/events?q=none": http.StatusBadRequest,
		"/events/" + eventID(12345): http.StatusNotFound} {
		if w := get(t, u, path); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	for _, path := range []string{"/events", "/events/" + eventID(0), "/events/" + eventID(900)} {
		if strings.Contains(body(t, u, path), rawText) {
			t.Errorf("%s shows what was sent", path)
		}
	}
}
