package ui_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
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

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// hostile are texts that a merchant may have: markup, templates, formulas, shells, SQL, what can not be seen, what is
// long.
var hostile = []string{
	`<script>window.ran=1</script>`, `"><img src=x onerror=window.ran=1>`, `' onmouseover='window.ran=1`,
	`javascript:window.ran=1`, `</title><svg onload=window.ran=1>`,
	`{{.Data}}`, `=cmd|'/C calc'!A1`, `@SUM(1)`, `$(reboot)`, `'; DROP TABLE transactions; --`, "\u202egnp.exe",
	"zero\u200bwidth", "bell\x07 null\x00 esc\x1b[31m",
	"line\nbreak\ttab", "שלום עולם", "مرحبا", strings.Repeat("ﷺ", 300), strings.Repeat("W", 5000), "", "bad \xff utf8",
}

const (
	source  = "bank"
	runID   = "20240601T120000Z-abc123"
	file    = "file:///in/hostile.csv"
	traceID = "0af7651916cd43dd8448eb211c80319c"
	spanID  = "b7ad6b7169203331"
	rawText = "the-secret-raw-text"
)

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
		must(t, db.InsertClassified(t.Context(), info, func(yield func([]ledger.Classified, error) bool) { yield(rows, nil) }))
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
	must(t, db.InsertDuplicates(t.Context(), info, []ledger.Duplicate{{ID: rows[0].Transaction.ID, Origin: ledger.Origin{Origin: file, Digest: "d1", Position: 500}, FirstOrigin: file, FirstPosition: 2}}))
	live := ledger.RunInfo{Pipeline: "stream", RunID: "txflow-classify", Source: "live"}
	insert(live, []ledger.Classified{row(900, "Café", func(r *ledger.Classified) {
		r.Transaction.ID, r.Origin = transaction.DeriveID("live", []byte("900")), ledger.Origin{Origin: "transactions.raw",
			Digest: "C/T", Partition: 3, Position: 41}
	})})
	must(t, db.InsertDeadLetters(t.Context(), live, []ledger.DeadLetter{{Outcome: ledger.OutcomeDeadLetter, SourceID: "901", Code: "message_format", Message: "no JSON",
		Raw: []byte(`{"id":"901","secret":"` + rawText + `"}`), At: answered,
		Origin: ledger.Origin{Origin: "transactions.raw", Digest: "C/T", Partition: 3, Position: 42}}}))
	counts := ledger.Counts{In: stored + 61, Accepted: stored, Rejected: 60, Duplicates: 1, Stored: stored}
	must(t, db.RecordRun(t.Context(), ledger.RunRecord{RunID: runID, Pipeline: "batch", Source: source, Status: "done",
		Files: 1, Counts: counts, TraceID: traceID,
		StartedAt: answered, FinishedAt: answered.Add(3 * time.Second)}))
	must(t, db.RecordRun(t.Context(), ledger.RunRecord{RunID: "transactions_batch.manual__2024-06-02T10-00-00-00-00-1a2b3c4d", Pipeline: "batch", Source: "<b>crm</b>", Status: "failed",
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

func body(t testing.TB, u http.Handler, path string) string {
	t.Helper()
	w := get(t, u, path)
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
	return append(all, "/events", "/events/"+eventID(900), "/dead-letters/one?raw=1&origin=transactions.raw&partition=3&position=42")
}

// given are the values of a form's fields: the reader's own, to be sent again as they are.
var given = regexp.MustCompile(` value="[^"]*"`)

// TestPages asks for every page in every format, with hostile text in every column that may hold any.
func TestPages(t *testing.T) {
	t.Parallel()
	address, db := database(t)
	fill(t, db)
	fillEvents(t, address)
	u := pages(t, address, nil)
	for _, path := range everyPage(t, u) {
		text := given.ReplaceAllString(body(t, u, path), "")
		for _, bad := range []string{"<script>w", "<img src=x", "<svg onload", " onmouseover='w", "\u202e", "\u200b", "\x07",
			"\x1b", "\x00", "\xff", `href="javascript:`, "ZgotmplZ", "%!", "<no value>", ` style="`} {
			if strings.Contains(text, bad) {
				t.Errorf("%s holds %q: …%s", path, bad, around(text, bad))
			}
		}
		if !strings.HasPrefix(text, "<!doctype html>") || !strings.Contains(text, "</html>") {
			t.Errorf("%s is no whole page", path)
		}
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		found, _ := parts(t, u, path)
		if len(found) == 0 {
			t.Errorf("%s has no parts as JSON", path)
		}
		for part := range found {
			table, err := csv.NewReader(strings.NewReader(body(t, u, path+separator+"format=csv&part="+part))).ReadAll()
			if err != nil || len(table) != len(found[part])+1 {
				t.Errorf("%s: CSV of %s has %d lines for %d rows: %v", path, part, len(table), len(found[part]), err)
			}
			for _, line := range table {
				for _, cell := range line {
					if cell != "" && strings.ContainsRune("=@\t\n", rune(cell[0])) {
						t.Errorf("%s: CSV of %s has a formula: %.40q", path, part, cell)
					}
				}
			}
		}
	}
}

func around(text, what string) string {
	at := strings.Index(text, what)
	return text[max(at-80, 0):min(at+80, len(text))]
}

// TestFigures compares what the pages say with what was stored.
func TestFigures(t *testing.T) {
	t.Parallel()
	address, db := database(t)
	fill(t, db)
	u := pages(t, address, nil)
	all, _ := parts(t, u, "/")
	count := 0.
	for _, c := range all["categories"] {
		count += c["transactions"].(float64)
	}
	if count != stored+1 || len(all["months"]) != 15 || len(all["merchants"]) != 12 ||
		all["dead_letters"][0]["dead_letters"].(float64) != 60 {
		t.Errorf("the overview counts %v, %d months, %d merchants, %v", count, len(all["months"]), len(all["merchants"]),
			all["dead_letters"])
	}
	text := fmt.Sprint(all["attention"])
	for _, want := range []string{"The last run of source <b>crm</b> failed",
		"61 dead letters are open, 60 of them amount_format"} {
		if !strings.Contains(text, want) {
			t.Errorf("attention lacks %q: %s", want, text)
		}
	}
	if html := body(t, u, "/"); !strings.Contains(html, "source &lt;b&gt;crm&lt;/b&gt; failed") ||
		strings.Contains(html, "<b>crm") {
		t.Error("the name of a source is not escaped")
	}
	for path, want := range map[string]string{
		"/runs/" + runID: "60 rejected", "/transactions/" + transaction.DeriveID(source, []byte("5")).String(): "hostile.csv",
		"/transactions/" + transaction.DeriveID("live", []byte("900")).String(): "partition 3, offset 41",
		"/transactions/" + transaction.DeriveID(source, []byte("7")).String():   "(none)",
		"/dead-letters?reason=message_format":                                   "txflow dlq replay --reason message_format --dry-run", "/dead-letters?source=bank&reason=amount_format": "txflow dlq purge --reason amount_format --source bank --dry-run",
	} {
		if html := body(t, u, path); !strings.Contains(html, want) {
			t.Errorf("%s lacks %q", path, want)
		}
	}
	if w := get(t, u, "/transactions?q=900"); w.Code != http.StatusSeeOther ||
		w.Header().Get("Location") != "/transactions/"+transaction.DeriveID("live", []byte("900")).String() {
		t.Errorf("a search for one id: %d %s", w.Code, w.Header().Get("Location"))
	}
}

// TestPagesFollow walks the pages of each list: every row comes once, in order.
func TestPagesFollow(t *testing.T) {
	t.Parallel()
	address, db := database(t)
	fill(t, db)
	u := pages(t, address, nil)
	for path, want := range map[string]struct {
		part, key string
		rows      int
	}{
		"/runs/" + runID + "/rows?limit=17":     {"rows", "line", stored},
		"/runs/" + runID + "/rejected?limit=17": {"rejected", "line", 60},
		"/transactions?source=bank&limit=17":    {"transactions", "id", stored},
		"/dead-letters?limit=17":                {"dead_letters", "position", 61},
		"/runs?limit=1":                         {"runs", "run_id", 2},
	} {
		seen, rounds, last := map[any]bool{}, 0, 0.
		for next := path; next != "" && rounds < 20; rounds++ {
			var all map[string][]map[string]any
			all, next = parts(t, u, next)
			for _, row := range all[want.part] {
				if n, ok := row[want.key].(float64); ok && want.key == "line" {
					if n <= last {
						t.Errorf("%s: line %v comes after %v", path, n, last)
					}
					last = n
				}
				if seen[row[want.key]] {
					t.Errorf("%s: %v comes twice", path, row[want.key])
				}
				seen[row[want.key]] = true
			}
		}
		if len(seen) != want.rows {
			t.Errorf("%s: %d of %d rows, in %d pages", path, len(seen), want.rows, rounds)
		}
	}
}

// TestRawTextIsAskedFor looks for the text of rows and messages where nobody asked for it.
func TestRawTextIsAskedFor(t *testing.T) {
	t.Parallel()
	address, db := database(t)
	fill(t, db)
	fillEvents(t, address)
	u := pages(t, address, nil)
	for _, path := range everyPage(t, u) {
		path = strings.NewReplacer("?raw=1&", "?", "?raw=1", "").Replace(path)
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		for _, format := range []string{"html", "json", "csv"} {
			if strings.Contains(body(t, u, path+separator+"format="+format), rawText) {
				t.Errorf("%s as %s shows the text of a row", path, format)
			}
		}
	}
	if path := "/runs/" + runID + "/rejected"; !strings.Contains(body(t, u, path+"?raw=1&format=csv"), rawText) ||
		!strings.Contains(body(t, u, path+"?raw=1"), rawText) {
		t.Error("it is not shown where it is asked for")
	}
}

// TestNothingStored has every page of an empty database, and of none.
func TestNothingStored(t *testing.T) {
	t.Parallel()
	address, _ := database(t)
	u := pages(t, address, nil)
	for path, want := range map[string]string{"/": "Nothing is stored yet", "/runs": "No file was run yet",
		"/transactions": "Nothing is stored yet", "/dead-letters": "None is open", "/stream": "txflow stream classify",
		"/transactions?q=1": "No source has this id", "/transactions?category=Rent": "No transaction fits"} {
		if html := body(t, u, path); !strings.Contains(html, want) {
			t.Errorf("%s lacks %q", path, want)
		}
		parts(t, u, path)
	}
	none := pages(t, strings.Replace(address, "database=", "database=none_", 1), nil)
	if w := get(t, none, "/"); w.Code != http.StatusServiceUnavailable ||
		!strings.Contains(w.Body.String(), "txflow migrate") {
		t.Errorf("without tables: %d %s", w.Code, w.Body)
	}
}

// TestClickHouseIsUnavailable says what to start, in every format.
func TestClickHouseIsUnavailable(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	u := pages(t, closed.URL+"/?database=txflow", nil)
	for _, path := range []string{"/", "/runs", "/runs/" + runID, "/transactions",
		"/transactions/" + transaction.DeriveID("", []byte("1")).String(), "/dead-letters", "/stream"} {
		for _, format := range []string{"html", "json", "csv"} {
			if w := get(t, u, path+"?format="+format); w.Code != http.StatusServiceUnavailable ||
				!strings.Contains(w.Body.String(), "txflow platform") {
				t.Errorf("%s as %s: %d %s", path, format, w.Code, w.Body)
			}
		}
	}
	if w := get(t, u, "/healthz"); w.Code != http.StatusOK {
		t.Errorf("/healthz: %d", w.Code)
	}
}

// TestStaleFigures keeps the last figures, and says so, when ClickHouse becomes unavailable.
func TestStaleFigures(t *testing.T) {
	t.Parallel()
	address, db := database(t)
	fill(t, db)
	to, err := url.Parse(address)
	must(t, err)
	unavailable := false
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if unavailable {
			panic(http.ErrAbortHandler)
		}
		r.URL.Scheme, r.URL.Host, r.RequestURI = "http", to.Host, ""
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer func() { _ = answer.Body.Close() }() // it was only read
		for name, all := range answer.Header {
			w.Header()[name] = all
		}
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body)
	}))
	t.Cleanup(proxy.Close)
	u := pages(t, proxy.URL+"/?"+to.RawQuery, nil)
	body(t, u, "/")
	unavailable = true
	for deadline := time.Now().Add(time.Minute); !strings.Contains(body(t, u, "/"),
		"the figures are not new"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("figures of a ClickHouse that is unavailable pass for new")
		}
	}
	if !strings.Contains(body(t, u, "/"), `class="tiles"`) {
		t.Error("the last figures are gone")
	}
}
