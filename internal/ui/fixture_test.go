package ui_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/schema"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/embedded/embeddedtest"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/internal/ui"
)

// hostile are texts that a merchant may have: markup, templates, formulas, shells, SQL, what can not be seen, what is
// long.
var hostile = []string{
	`<script>window.ran=1</script>`, `"><img src=x onerror=window.ran=1>`, `' onmouseover='window.ran=1`,
	`javascript:window.ran=1`, `</title><svg onload=window.ran=1>`,
	`{{.Data}}`, `=cmd|'/C calc'!A1`, `@SUM(1)`, `$(reboot)`, `'; DROP TABLE transactions; --`, "\u202egnp.exe",
	"zero\u200bwidth", "bell\x07 null\x00 esc\x1b[31m",
	"line\nbreak\ttab", "שלום עולם", "مرحبا", strings.Repeat("ﷺ", 300), strings.Repeat("W", 5000), "", "bad \xff utf8",
}

var answered = time.Date(2024, 6, 1, 12, 0, 0, 123456000, time.UTC)

// database makes a migrated one and returns its URL with a store that writes.
func database(t testing.TB) (string, *store.Store) {
	t.Helper()
	url := embeddedtest.Database(t)
	db, err := store.Open(store.Config{URL: secret.NewURL(url)})
	must(t, err)
	t.Cleanup(db.Close)
	core, err := schema.Core()
	must(t, err)
	must(t, migrate.Up(t.Context(), db, core, func(migrate.Migration) {}))
	return url, db
}

func row(line int, merchant string, change func(*ledger.Classified)) ledger.Classified {
	category, _ := transaction.ParseCategory([]string{"Rent", "Food", "Travel"}[line%3])
	r := ledger.Classified{
		Transaction: transaction.Transaction{ID: transaction.DeriveID(source, fmt.Append(nil, line)),
			SourceID: fmt.Sprint(line), Description: "paid at " + merchant,
			Amount: transaction.Amount(-12_3400 - line), Timestamp: time.Date(2024, time.Month(1+line%5), 10, 8, 0, 0, 0,
				time.UTC), Merchant: merchant, HasMerchant: line != 7,
			OperationType: "card", Side: transaction.Debit},
		ContentHash: uint64(line), Category: category, Call: &prediction.Call{Model: "m1", Attempt: 1, TraceID: traceID,
			SpanID: spanID, Sampled: true, AnsweredAt: answered},
		Origin: ledger.Origin{Origin: file, Digest: "d1", Position: uint64(line + 2)},
	}
	if change != nil {
		change(&r)
	}
	return r
}

const stored = 130

// fill stores what a run leaves: rows of hostile merchants, rejected rows, duplicates, tasks, messages.
func fill(t testing.TB, db *store.Store) {
	t.Helper()
	info := ledger.RunInfo{Pipeline: "batch", RunID: runID, TaskTry: 1, Source: source, OriginTraceID: traceID}
	var rows []ledger.Classified
	for line := range stored {
		rows = append(rows, row(line, hostile[line%len(hostile)], nil))
	}
	insert := func(info ledger.RunInfo, rows []ledger.Classified) {
		must(t, db.InsertClassified(t.Context(), info,
			func(yield func([]ledger.Classified, error) bool) { yield(rows, nil) }))
	}
	insert(info, rows)
	var dead []ledger.DeadLetter
	for i := range 60 {
		dead = append(dead, ledger.DeadLetter{Outcome: ledger.OutcomeRejected, SourceID: hostile[i%len(hostile)],
			Column: "amount", Code: "amount_format", Message: "no number: " + hostile[i%len(hostile)],
			Raw: []byte(rawText + hostile[i%len(hostile)]), At: answered, Origin: ledger.Origin{Origin: file, Digest: "d1",
				Position: uint64(1000 + i)}})
	}
	must(t, db.InsertDeadLetters(t.Context(), info, dead))
	must(t, db.InsertDuplicates(t.Context(), info,
		[]ledger.Duplicate{{ID: rows[0].Transaction.ID, Origin: ledger.Origin{Origin: file, Digest: "d1", Position: 500},
			FirstOrigin: file, FirstPosition: 2}}))
	live := ledger.RunInfo{Pipeline: "stream", RunID: "txflow-classify", Source: "live"}
	insert(live, []ledger.Classified{row(900, "Café", func(r *ledger.Classified) {
		r.Transaction.ID, r.Origin = transaction.DeriveID("live", []byte("900")), ledger.Origin{Origin: "transactions.raw",
			Digest: "C/T", Partition: 3, Position: 41}
	})})
	must(t, db.InsertDeadLetters(t.Context(), live,
		[]ledger.DeadLetter{{Outcome: ledger.OutcomeDeadLetter, SourceID: "901", Code: "message_format", Message: "no JSON",
			Raw: []byte(`{"id":"901","secret":"` + rawText + `"}`), At: answered,
			Origin: ledger.Origin{Origin: "transactions.raw", Digest: "C/T", Partition: 3, Position: 42}}}))
	counts := ledger.Counts{In: stored + 61, Accepted: stored, Rejected: 60, Duplicates: 1, Stored: stored}
	must(t, db.RecordRun(t.Context(), ledger.RunRecord{RunID: runID, Pipeline: "batch", Source: source, Status: "done",
		Files: 1, Counts: counts, TraceID: traceID, StartedAt: answered, FinishedAt: answered.Add(3 * time.Second)}))
	must(t, db.RecordRun(t.Context(), ledger.RunRecord{
		RunID:    "transactions_batch.manual__2024-06-02T10-00-00-00-00-1a2b3c4d",
		Pipeline: "batch", Source: "<b>crm</b>", Status: "failed",
		Counts: ledger.Counts{In: 5}, Error: "validate: " + hostile[0] + "\nsecond line", StartedAt: answered.Add(time.Hour),
		FinishedAt: answered.Add(time.Hour)}))
}

// pages opens the pages of a database, read only.
func pages(t testing.TB, url string, change func(*ui.Config)) *ui.UI {
	t.Helper()
	db, err := store.Open(store.Config{URL: secret.NewURL(url), OutageLimit: -1, ReadOnly: ui.Bounds()})
	must(t, err)
	t.Cleanup(db.Close)
	cfg := ui.Config{DB: db, Version: "test"}
	if change != nil {
		change(&cfg)
	}
	u, err := ui.New(cfg)
	must(t, err)
	t.Cleanup(u.Close)
	return u
}

// get asks for an address and returns status and body.
func get(t testing.TB, u http.Handler, path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	r.Host = "127.0.0.1:8090"
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	u.ServeHTTP(w, r)
	return w
}

// body asks again while ClickHouse counts for the first time, which may take longer than a page waits.
func body(t testing.TB, u http.Handler, path string) string {
	t.Helper()
	w := get(t, u, path)
	for deadline := time.Now().Add(time.Minute); w.Code == http.StatusServiceUnavailable &&
		strings.Contains(w.Body.String(), "counting for the first time") && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
		w = get(t, u, path)
	}
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// parts are the tables of a page, by its JSON.
func parts(t testing.TB, u http.Handler, path string) (all map[string][]map[string]any, next string) {
	t.Helper()
	to, err := url.Parse(path)
	must(t, err)
	q := to.Query()
	q.Set("format", "json")
	to.RawQuery = q.Encode()
	var doc struct {
		Next  string
		Parts map[string][]map[string]any
	}
	text := body(t, u, to.String())
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%s: %v in %s", to, err, text)
	}
	return doc.Parts, doc.Next
}

// everyPage are addresses of all pages, with data.
func everyPage(t testing.TB, u http.Handler) []string {
	t.Helper()
	run := "/runs/" + runID
	all := []string{"/", "/?measure=net", "/runs", "/runs?status=failed", run, run + "/rows", run + "/rejected",
		run + "/rejected?raw=1", run + "/duplicates",
		"/runs/transactions_batch.manual__2024-06-02T10-00-00-00-00-1a2b3c4d", "/transactions", "/transactions?category=Rent",
		"/transactions?no_merchant=1&month=2024-03", "/transactions?q=none",
		"/dead-letters", "/dead-letters?state=all&since=2024-01-01", "/stream", "/traces/" + traceID + "?span=" + spanID}
	for _, m := range hostile {
		if strings.ToValidUTF8(m, "") == m && len(m) < 1000 {
			all = append(all, "/transactions?merchant="+url.QueryEscape(m), "/dead-letters?id="+url.QueryEscape(m))
		}
	}
	for _, id := range []int{0, 5, 11, 12, 17} {
		all = append(all, "/transactions/"+transaction.DeriveID(source, fmt.Append(nil, id)).String())
	}
	for i := range 20 {
		all = append(all, fmt.Sprintf("/dead-letters/one?raw=1&origin=%s&partition=0&position=%d", url.QueryEscape(file),
			1000+i))
	}
	for n := range hostile {
		all = append(all, "/events/"+eventID(n))
	}
	return append(all, "/events", "/events/"+eventID(900),
		"/dead-letters/one?raw=1&origin=transactions.raw&partition=3&position=42")
}
