package store_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/schema"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/embedded/embeddedtest"
	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/internal/transaction"
)

func TestMain(m *testing.M) { os.Exit(embeddedtest.Main(m)) }

// database is a migrated database of the test's own.
type database struct {
	*store.Store
	t   *testing.T
	url string
}

func open(t *testing.T) database {
	t.Helper()
	url := embeddedtest.Database(t)
	db, err := store.Open(store.Config{URL: secret.NewURL(url)})
	must(t, err)
	t.Cleanup(db.Close)
	core, err := schema.Core()
	must(t, err)
	must(t, migrate.Up(t.Context(), db, core, func(migrate.Migration) {}))
	return database{db, t, url}
}

// sql runs a statement and returns the result's lines.
func (d database) sql(format string, args ...any) string {
	d.t.Helper()
	return strings.TrimSpace(embeddedtest.Exec(d.t, d.url, fmt.Sprintf(format, args...)))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var info = ledger.RunInfo{Pipeline: "batch", RunID: "run-1", TaskTry: 2, Source: "s", Chunk: "c0ffee",
	OriginTraceID: "feed"}

var answered = time.Date(2024, 6, 1, 12, 0, 0, 123456000, time.UTC)

// pieces gives rows as load does: a piece after another in the same memory.
func pieces(rows ...ledger.Classified) iter.Seq2[[]ledger.Classified, error] {
	return func(yield func([]ledger.Classified, error) bool) {
		memory := make([]ledger.Classified, 1+len(rows)/3)
		for left := rows; len(left) > 0; {
			n := copy(memory, left)
			if !yield(memory[:n], nil) {
				return
			}
			left = left[n:]
		}
	}
}

// classified makes a row with the given line as its id.
func classified(line uint64, amount transaction.Amount, category string,
	change func(*ledger.Classified)) ledger.Classified {
	c, _ := transaction.ParseCategory(category)
	side := transaction.Credit
	if amount < 0 {
		side = transaction.Debit
	}
	r := ledger.Classified{
		Transaction: transaction.Transaction{ID: transaction.DeriveID("s", fmt.Append(nil, line)), SourceID: fmt.Sprint(line),
			Description: "d",
			Amount:      amount, Timestamp: time.Date(2024, 2, 29, 23, 59, 59, 999999000, time.UTC), Merchant: "m",
			HasMerchant: true, OperationType: "card", Side: side},
		ContentHash: line, Category: c, Call: &prediction.Call{Model: "m1", Attempt: 3, TraceID: "aa", SpanID: "bb",
			Sampled: true, AnsweredAt: answered},
		Origin: ledger.Origin{Origin: "file:///in.csv", Digest: "d1", Position: line},
	}
	if change != nil {
		change(&r)
	}
	return r
}

func TestEveryColumnArrivesExactly(t *testing.T) {
	db := open(t)
	nasty := "tab\there 'quote' \"double\" \\back\nnewline\x00 é 💶 \\N"
	rows := []ledger.Classified{
		classified(2, 12_345_678_901_2345, "Rent", func(r *ledger.Classified) {
			r.Transaction.Description,
				r.Transaction.Merchant = nasty, nasty
		}),
		classified(3, -1, "Food", func(r *ledger.Classified) {
			r.Transaction.HasMerchant, r.Transaction.Merchant = false,
				""
		}),
		classified(4, 10, "Travel", func(r *ledger.Classified) { r.Transaction.Merchant = "" }),
	}
	rows[0].Version, rows[1].Version = 1_000_001, answered.UnixMicro()+1
	must(t, db.InsertClassified(t.Context(), info, pieces(rows...)))
	got := db.sql(`SELECT source, source_id, hex(description), toString(amount), toString(timestamp), merchant IS NULL, hex(ifNull(merchant, '?')), operation_type, side,
category, model_version, toString(classified_at), toString(version), pipeline, run_id, task_try, origin, origin_digest, partition, position, chunk, content_hash, attempt, trace_id,
span_id, sampled, origin_trace_id FROM transactions FINAL ORDER BY position`)
	rest := "m1\t2024-06-01 12:00:00.123456\t%s\tbatch\trun-1\t2\tfile:///in.csv\td1\t0\t%d\tc0ffee\t%d\t3\taa\tbb\ttrue\tfeed"
	want := strings.Join([]string{
		fmt.Sprintf("s\t2\t%X\t12345678901.2345\t2024-02-29 23:59:59.999999\t0\t%X\tcard\tcredit\tRent\t"+rest, nasty, nasty,
			"1970-01-01 00:00:01.000001", 2, 2),
		fmt.Sprintf("s\t3\t64\t-0.0001\t2024-02-29 23:59:59.999999\t1\t3F\tcard\tdebit\tFood\t"+rest,
			"2024-06-01 12:00:00.123457", 3, 3),
		fmt.Sprintf("s\t4\t64\t0.001\t2024-02-29 23:59:59.999999\t0\t\tcard\tcredit\tTravel\t"+rest,
			"2024-06-01 12:00:00.123456", 4, 4)}, "\n")
	if got != want {
		t.Errorf("stored\n%s\nwant\n%s", got, want)
	}
	if got := db.sql("SELECT id FROM transactions FINAL WHERE position = 2"); got != rows[0].Transaction.ID.String() {
		t.Errorf("id %s, want %s", got, rows[0].Transaction.ID)
	}
	got = db.sql("SELECT pipeline, run_id, origin, partition, position, source, origin_digest, content_hash, outcome, category, model_version, version, classified_at, log_id FROM outcomes FINAL WHERE position = 3")
	if want := "batch\trun-1\tfile:///in.csv\t0\t3\ts\td1\t3\tstored\tFood\tm1\t2024-06-01 12:00:00.123457\t2024-06-01 12:00:00.123456"; got != want {
		t.Errorf("ledger %s, want %s", got, want)
	}
}

// The least and the greatest values that the contract allows arrive as they are, in pieces and in one.
func TestExtremesArriveExactly(t *testing.T) {
	t.Parallel()
	db := open(t)
	amounts := []transaction.Amount{transaction.MaxAmount, -transaction.MaxAmount, 1, -1, 99_999, -10_000}
	moments := []time.Time{time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC), time.Unix(0, 0).UTC(),
		time.Date(2262, 4, 11, 23, 47, 17, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)}
	var rows []ledger.Classified
	var want, micros []string
	for i, amount := range amounts {
		for j, moment := range moments {
			rows = append(rows, classified(uint64(10+i*len(moments)+j), amount, "Rent", func(r *ledger.Classified) {
				r.Transaction.Timestamp = moment
			}))
			want = append(want, amount.String())
			micros = append(micros, fmt.Sprint(moment.UnixMicro()))
		}
	}
	must(t, db.InsertClassified(t.Context(), info, pieces(rows...)))
	one := info
	one.RunID = "run-2"
	must(t, db.InsertClassified(t.Context(), one, pieces(rows[0])))
	if got := db.sql("SELECT toString(amount) FROM transactions FINAL ORDER BY position"); got != strings.Join(want,
		"\n") {
		t.Errorf("amounts\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if got := db.sql("SELECT toUnixTimestamp64Micro(timestamp) FROM transactions FINAL ORDER BY position"); got !=
		strings.Join(micros, "\n") {
		t.Errorf("timestamps\n%s\nwant\n%s", got, strings.Join(micros, "\n"))
	}
}

func TestSumsAreExact(t *testing.T) {
	db := open(t)
	var rows []ledger.Classified
	var debit, credit, sum int64
	for i := range 5000 {
		amount := transaction.Amount(int64(i)*7919 - 20_000_001)
		if amount == 0 {
			amount = 1
		}
		rows = append(rows, classified(uint64(i)+2, amount, "Rent", nil))
		sum += int64(amount)
		if amount < 0 {
			debit += int64(amount)
		} else {
			credit += int64(amount)
		}
	}
	must(t, db.InsertClassified(t.Context(), info, pieces(rows...)))
	got, err := db.Report(t.Context(), store.ReportQuery{})
	must(t, err)
	text := func(n int64) string { // of scale 4
		sign := ""
		if n < 0 {
			sign, n = "-", -n
		}
		return fmt.Sprintf("%s%d.%04d", sign, n/10_000, n%10_000)
	}
	if len(got) != 1 || got[0].Transactions != 5000 || got[0].Debit != text(debit) || got[0].Credit != text(credit) ||
		got[0].Net != text(sum) {
		t.Errorf("%+v, want %s %s %s", got, text(debit), text(credit), text(sum))
	}
	if view := db.sql("SELECT transactions, toDecimalString(debit, 4), toDecimalString(credit, 4), toDecimalString(net, 4) FROM category_totals"); view !=
		fmt.Sprintf("5000\t%s\t%s\t%s", text(debit), text(credit), text(sum)) {
		t.Errorf("category_totals: %s", view)
	}
}

// The newest contents count, and of equally new ones the latest classification, in whatever order rows arrive and parts
// are merged, also when the year changes.
func TestTheNewestContentsCount(t *testing.T) {
	at := func(v int, year int) ledger.Classified {
		return classified(2, transaction.Amount(v), "Food", func(r *ledger.Classified) {
			r.Call = &prediction.Call{Model: fmt.Sprintf("m%d", v),
				AnsweredAt: answered.Add(time.Duration(v) * time.Microsecond)}
			r.Transaction.Timestamp = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		})
	}
	of := func(r ledger.Classified, version time.Time) ledger.Classified {
		r.Version = version.UnixMicro()
		return r
	}
	late := of(at(1, 2021), answered.Add(-time.Hour)) // classified an hour before the other, but of newer contents
	late.Call.Model, late.Transaction.Amount = "m2", 2
	late.Call.AnsweredAt = answered.Add(-time.Hour)
	early := at(2, 2020)
	early.Call.Model, early.Transaction.Amount = "m1", 1
	for name, order := range map[string][]ledger.Classified{
		"newer later":       {at(1, 2020), at(2, 2021)},
		"older redelivered": {at(2, 2021), at(1, 2020)},
		"same year":         {at(2, 2020), at(1, 2020)},
		"same version":      {of(at(2, 2020), answered), of(at(1, 2021), answered)},
		"newer contents":    {late, of(early, answered.Add(-2*time.Hour))},
		"old contents last": {of(early, answered.Add(-2*time.Hour)), late},
		"no version":        {of(at(1, 2020), answered), at(2, 2021)},
	} {
		db := open(t)
		for _, r := range order {
			must(t, db.InsertClassified(t.Context(), info, pieces(r)))
		}
		for _, when := range []string{"before", "after"} {
			if got := db.sql("SELECT count(), any(model_version) FROM transactions FINAL"); got != "1\tm2" {
				t.Errorf("%s, %s merging: %s", name, when, got)
			}
			if got := db.sql("SELECT transactions, net FROM category_totals"); got != "1\t0.0002" {
				t.Errorf("%s, %s merging: category_totals %s", name, when, got)
			}
			db.sql("OPTIMIZE TABLE transactions FINAL")
		}
	}
}

func TestInsertingTwiceChangesNothing(t *testing.T) {
	db := open(t)
	rows := []ledger.Classified{classified(2, 5, "Rent", nil), classified(3, -7, "Rent", nil)}
	deadLetters := []ledger.DeadLetter{deadLetter(4), deadLetter(5)}
	repeats := []ledger.Duplicate{{ID: rows[0].Transaction.ID, Origin: ledger.Origin{Origin: "file:///in.csv",
		Digest: "d1", Position: 6}, FirstOrigin: "file:///in.csv", FirstPosition: 2}}
	for range 2 {
		must(t, db.InsertClassified(t.Context(), info, pieces(rows...)))
		must(t, db.InsertDeadLetters(t.Context(), info, deadLetters))
		must(t, db.InsertDuplicates(t.Context(), info, repeats))
		got := db.sql("SELECT (SELECT count() FROM transactions FINAL), (SELECT count() FROM outcomes FINAL), (SELECT count() FROM dead_letters FINAL), (SELECT sum(net) FROM category_totals)")
		if got != "2\t5\t2\t-0.0002" {
			t.Fatal(got)
		}
	}
	var positions, outcomes []string
	for row, err := range db.Ledger(t.Context(), "batch", "run-1", "file:///in.csv", 0) {
		must(t, err)
		positions, outcomes = append(positions, fmt.Sprint(row.Position)), append(outcomes, string(row.Outcome))
	}
	if got := strings.Join(positions, " ") + " " + strings.Join(outcomes,
		" "); got != "2 3 4 5 6 stored stored rejected rejected duplicate" {
		t.Error(got)
	}
	if problems, err := db.Problems(t.Context(), "batch", "run-1", 10); err != nil || problems.Total() != 0 {
		t.Error(problems, err)
	}
}

func deadLetter(line uint64) ledger.DeadLetter {
	return ledger.DeadLetter{Outcome: ledger.OutcomeRejected, SourceID: fmt.Sprint(line),
		Origin: ledger.Origin{Origin: "file:///in.csv", Digest: "d1", Position: line},
		Column: "amount", Code: "not_a_number", Message: "the amount is not a number", Raw: []byte("raw;\xff\n"),
		At: answered}
}

// TestMendedLettersAreResolved stores ids whose rows were rejected: later, by another run or in the stream, and not
// otherwise.
func TestMendedDeadLettersAreResolved(t *testing.T) {
	for name, c := range map[string]struct {
		pipeline, storedBy, source string
		after                      time.Duration
		want                       string
	}{
		"corrected file":          {"batch", "run-2", "s", time.Second, "resolved"},
		"stored before":           {"batch", "run-2", "s", -time.Second, "open"},
		"same run":                {"batch", "run-1", "s", time.Second, "open"},
		"another source":          {"batch", "run-2", "t", time.Second, "open"},
		"another message":         {"stream", "run-1", "s", time.Second, "resolved"},
		"an earlier message":      {"stream", "run-1", "s", 0, "open"},
		"batch corrects a stream": {"stream", "run-2", "s", time.Second, "resolved"},
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			bad, unnamed := deadLetter(4), deadLetter(5)
			id := transaction.DeriveID("s", []byte("4"))
			bad.ID = &id
			of := info
			of.Pipeline = c.pipeline
			insert := func() { must(t, db.InsertDeadLetters(t.Context(), of, []ledger.DeadLetter{bad, unnamed})) }
			insert()
			by := info
			by.RunID, by.Source = c.storedBy, c.source
			must(t, db.InsertClassified(t.Context(), by, pieces(classified(4, 5, "Rent", func(r *ledger.Classified) {
				r.Transaction.ID = transaction.DeriveID(c.source, []byte("4"))
				r.Call.AnsweredAt = answered.Add(c.after)
			}))))
			for range 2 {
				must(t, db.ResolveDeadLetters(t.Context(), c.source))
				insert() // delivered again, it stays what it is
			}
			if got := db.sql("SELECT arrayStringConcat(groupArray(toString(state)), ' ') FROM (SELECT state FROM dead_letters FINAL ORDER BY position)"); got != c.want+" open" {
				t.Errorf("the dead letters are %s, want %s open", got, c.want)
			}
		})
	}
}

// Each break of the contract behind txflow's back is found, with the row's id.
func TestProblemsFindsEachBreak(t *testing.T) {
	second := transaction.DeriveID("s", []byte("3")).String()
	for name, c := range map[string]struct {
		kind ledger.FindingKind
		hurt string
		id   string
		line uint64
	}{
		"row deleted": {ledger.FindingMissing, "DELETE FROM transactions WHERE position = 3", second, 3},
		"older version": {ledger.FindingMissing,
			"TRUNCATE TABLE transactions; INSERT INTO transactions SELECT * REPLACE (version - toIntervalSecond(1) AS version) FROM keep", second, 3},
		"older classification": {ledger.FindingMissing,
			"TRUNCATE TABLE transactions; INSERT INTO transactions SELECT * REPLACE (classified_at - toIntervalSecond(1) AS classified_at) FROM keep", second, 3},
		"category changed": {ledger.FindingChanged,
			"ALTER TABLE transactions UPDATE category = 'Travel' WHERE position = 3 SETTINGS mutations_sync = 2", second, 3},
		"content changed": {ledger.FindingChanged,
			"ALTER TABLE transactions UPDATE content_hash = 9 WHERE position = 3 SETTINGS mutations_sync = 2", second, 3},
		"ledger entry gone": {ledger.FindingInvented, "DELETE FROM outcomes WHERE position = 3", second, 3},
		"stored twice": {ledger.FindingDoubled,
			"INSERT INTO outcomes SELECT * REPLACE (toUInt64(99) AS position) FROM (SELECT * FROM outcomes WHERE position = 3)",
			second, 99},
		"dead letter deleted": {ledger.FindingNoDeadLetter, "DELETE FROM dead_letters WHERE position = 4", "", 4},
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			must(t, db.InsertClassified(t.Context(), info, pieces(classified(2, 5, "Rent", nil), classified(3, -7, "Rent", nil))))
			must(t, db.InsertDeadLetters(t.Context(), info, []ledger.DeadLetter{deadLetter(4), deadLetter(5)}))
			db.sql("CREATE TABLE keep ENGINE = Memory AS SELECT * FROM transactions WHERE position = 3")
			for statement := range strings.SplitSeq(c.hurt, "; ") {
				db.sql("%s", statement)
			}
			found, err := db.Problems(t.Context(), "batch", "run-1", 10)
			must(t, err)
			for _, f := range found.First {
				if f.Kind == c.kind && f.ID == c.id && f.Position == c.line {
					return
				}
			}
			t.Errorf("found %+v, want %s of id %s at line %d", found, c.kind, c.id, c.line)
		})
	}
}

func TestProblemsCountsBeyondItsLimit(t *testing.T) {
	db := open(t)
	var rows []ledger.Classified
	for i := range uint64(30) {
		rows = append(rows, classified(i+2, 5, "Rent", nil))
	}
	must(t, db.InsertClassified(t.Context(), info, pieces(rows...)))
	db.sql("TRUNCATE TABLE transactions")
	found, err := db.Problems(t.Context(), "batch", "run-1", 3)
	must(t, err)
	if len(found.First) != 3 || found.Counts[ledger.FindingMissing] != 30 {
		t.Errorf("%d shown, %v", len(found.First), found.Counts)
	}
}

// A row that a later run or another pipeline stored again is still accounted for.
func TestProblemsAcceptsALaterVersion(t *testing.T) {
	db := open(t)
	must(t, db.InsertClassified(t.Context(), info, pieces(classified(2, 5, "Rent", nil))))
	later := info
	later.RunID = "run-2"
	must(t, db.InsertClassified(t.Context(), later, pieces(classified(2, 6, "Food", func(r *ledger.Classified) {
		r.Call = &prediction.Call{AnsweredAt: answered.Add(time.Hour)}
	}))))
	for _, run := range []string{"run-1", "run-2"} {
		if found, err := db.Problems(t.Context(), "batch", run, 3); err != nil || found.Total() != 0 {
			t.Error(run, found, err)
		}
	}
}

func TestReportGroups(t *testing.T) {
	db := open(t)
	on := func(month time.Month) func(*ledger.Classified) {
		return func(r *ledger.Classified) { r.Transaction.Timestamp = time.Date(2024, month, 1, 0, 0, 0, 0, time.UTC) }
	}
	must(t, db.InsertClassified(t.Context(), info, pieces(classified(2, 50000, "Rent", on(1)),
		classified(3, -70000, "Rent", on(2)),
		classified(4, -5, "Food", func(r *ledger.Classified) { on(2)(r); r.Transaction.HasMerchant = false }))))
	other := "t"
	for name, c := range map[string]struct {
		q    store.ReportQuery
		want string
	}{
		"category": {store.ReportQuery{}, "[Food 1 -0.0005 0.0000 -0.0005] [Rent 2 -7.0000 5.0000 -2.0000]"},
		"month": {store.ReportQuery{By: "month"},
			"[2024-01/Rent 1 0.0000 5.0000 5.0000] [2024-02/Food 1 -0.0005 0.0000 -0.0005] [2024-02/Rent 1 -7.0000 0.0000 -7.0000]"},
		"day":      {store.ReportQuery{By: "day", Category: "Food"}, "[2024-02-01/Food 1 -0.0005 0.0000 -0.0005]"},
		"merchant": {store.ReportQuery{By: "merchant"}, "[ 1 -0.0005 0.0000 -0.0005] [m 2 -7.0000 5.0000 -2.0000]"},
		"side": {store.ReportQuery{By: "side", Category: "Rent"},
			"[Rent/debit 1 -7.0000 0.0000 -7.0000] [Rent/credit 1 0.0000 5.0000 5.0000]"},
		"from": {store.ReportQuery{From: time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC)},
			"[Food 1 -0.0005 0.0000 -0.0005] [Rent 1 -7.0000 0.0000 -7.0000]"},
		"to":     {store.ReportQuery{To: time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC)}, "[Rent 1 0.0000 5.0000 5.0000]"},
		"source": {store.ReportQuery{Source: &other}, ""},
		"count":  {store.ReportQuery{Sort: "count"}, "[Rent 2 -7.0000 5.0000 -2.0000] [Food 1 -0.0005 0.0000 -0.0005]"},
		"amount": {store.ReportQuery{By: "month", Sort: "amount"},
			"[2024-02/Rent 1 -7.0000 0.0000 -7.0000] [2024-01/Rent 1 0.0000 5.0000 5.0000] " +
				"[2024-02/Food 1 -0.0005 0.0000 -0.0005]"},
	} {
		rows, err := db.Report(t.Context(), c.q)
		must(t, err)
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprintf("[%s %d %s %s %s]", strings.Join(r.Keys, "/"), r.Transactions, r.Debit, r.Credit,
				r.Net))
		}
		if s := strings.Join(got, " "); s != c.want && name != "side" || name == "side" && len(s) != len(c.want) {
			t.Errorf("%s: %s, want %s", name, s, c.want)
		}
	}
	for _, q := range []store.ReportQuery{{By: "color"}, {Sort: "color"}} {
		if _, err := db.Report(t.Context(), q); fault.ExitCode(err) != fault.ExitUsage {
			t.Error(err)
		}
	}
}

// Months and days are right wherever a time can be, though ClickHouse's Date reaches from 1970 to 2149 only.
func TestReportsOfAnyYear(t *testing.T) {
	db := open(t)
	on := func(year int) func(*ledger.Classified) {
		return func(r *ledger.Classified) {
			r.Transaction.Timestamp = time.Date(year, 12, 31, 23, 59, 59, 999999000, time.UTC)
		}
	}
	years := []int{1, 1850, 1899, 1969, 2024, 2149, 2299, 2400, 9999}
	var rows []ledger.Classified
	var months, days []string
	for i, year := range years {
		rows = append(rows, classified(uint64(i)+2, 10_000, "Rent", on(year))) //nolint:gosec // small
		months, days = append(months, fmt.Sprintf("%04d-12", year)), append(days, fmt.Sprintf("%04d-12-31", year))
	}
	must(t, db.InsertClassified(t.Context(), info, pieces(rows...)))
	for by, want := range map[string][]string{"month": months, "day": days} {
		report, err := db.Report(t.Context(), store.ReportQuery{By: by})
		must(t, err)
		var got []string
		for _, r := range report {
			got = append(got, r.Keys[0])
		}
		if !slices.Equal(got, want) {
			t.Errorf("report by %s: %v, want %v", by, got, want)
		}
	}
	if got := db.sql("SELECT month FROM category_monthly ORDER BY month"); got != strings.ReplaceAll(strings.Join(months,
		"-01\n")+"-01",
		" ", "") {
		t.Errorf("category_monthly: %s", got)
	}
	db.refreshDaily()
	if got := db.sql("SELECT day FROM category_daily ORDER BY day"); got != strings.Join(days, "\n") {
		t.Errorf("category_daily: %s", got)
	}
}

func TestLineage(t *testing.T) {
	db := open(t)
	row := classified(2, 123456, "Rent", nil)
	must(t, db.InsertClassified(t.Context(), info, pieces(row)))
	must(t, db.RecordTask(t.Context(), &batch.Manifest{Task: "load", Status: "done", RunID: "run-1", Try: 1,
		StartedAt: answered}))
	l, err := db.Lineage(t.Context(), row.Transaction.ID)
	must(t, err)
	if !l.Found() || !strings.Contains(string(l.Transaction), `"amount":"12.3456"`) ||
		!strings.Contains(string(l.Transaction), `"position":2`) ||
		len(l.Tasks) != 1 || len(l.Outcomes) != 1 || len(l.DeadLetters) != 0 {
		t.Errorf("%s %s %s", l.Transaction, l.Tasks, l.Outcomes)
	}
	if l, err = db.Lineage(t.Context(), transaction.DeriveID("s", []byte("nobody"))); err != nil || l.Found() {
		t.Error(l, err)
	}
	if id, err := db.FirstOf(t.Context(), "run-1"); err != nil || id == nil || *id != row.Transaction.ID {
		t.Error(id, err)
	}
	if id, err := db.FirstOf(t.Context(), "run-0"); err != nil || id != nil {
		t.Error(id, err)
	}
}

func TestRunsHistory(t *testing.T) {
	db := open(t)
	r := ledger.RunRecord{RunID: "r1", Pipeline: "batch", Source: "s", Status: "running", Files: 2,
		StartedAt: answered.Truncate(time.Millisecond)}
	must(t, db.RecordRun(t.Context(), r))
	r.Status, r.Counts, r.FinishedAt = "done", ledger.Counts{In: 9, Stored: 7, Rejected: 1, Duplicates: 1},
		r.StartedAt.Add(time.Second)
	must(t, db.RecordRun(t.Context(), r))
	must(t, db.RecordRun(t.Context(), ledger.RunRecord{RunID: "r2", StartedAt: answered.Add(time.Hour)}))
	runs, err := db.Runs(t.Context(), 10)
	must(t, err)
	if len(runs) != 2 || runs[0].RunID != "r2" || runs[1].Counts != r.Counts || !runs[1].FinishedAt.Equal(r.FinishedAt) ||
		!runs[0].FinishedAt.IsZero() {
		t.Errorf("%+v", runs)
	}
}

func TestErrorsAreSortedByCode(t *testing.T) {
	db := open(t)
	for name, c := range map[string]struct {
		sql   string
		code  int
		again bool
	}{
		"unknown table": {"SELECT * FROM nothing", 60, false},
		"syntax":        {"SELECT FROM WHERE", 62, false},
		"bad value":     {"INSERT INTO transactions (id) VALUES ('x')", 376, false},
		"memory limit": {"SELECT groupArray(number) FROM numbers(100000000) SETTINGS max_memory_usage = 10000000", 241,
			true},
		"too slow": {"SELECT sum(cityHash64(number)) FROM numbers(1000000000000) SETTINGS max_execution_time = 0.1",
			159, true},
		"too many parts": {"SELECT throwIf(1, 'x', 252::Int16) SETTINGS allow_custom_error_code_in_throwif = 1", 252, true},
		"no space":       {"SELECT throwIf(1, 'x', 243::Int16) SETTINGS allow_custom_error_code_in_throwif = 1", 243, true},
		"type mismatch":  {"SELECT throwIf(1, 'x', 53::Int16) SETTINGS allow_custom_error_code_in_throwif = 1", 53, false},
	} {
		err := db.Apply(t.Context(), c.sql)
		if store.Code(err) != c.code || store.Retryable(err) != c.again {
			t.Errorf("%s: code %d, again %v: %v", name, store.Code(err), store.Retryable(err), err)
		}
	}
	if store.Retryable(nil) || store.Retryable(context.Canceled) || !store.Retryable(context.DeadlineExceeded) {
		t.Error("errors of the context")
	}
}

// TestAUserWhoMayOnlyRead writes with a profile that forbids it: that is said at once, and not retried as an outage.
func TestAUserWhoMayOnlyRead(t *testing.T) {
	t.Parallel()
	db, err := store.Open(store.Config{URL: secret.NewURL(open(t).url + "&readonly=2"),
		OutageLimit: time.Hour})
	must(t, err)
	t.Cleanup(db.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = db.RecordRun(ctx, ledger.RunRecord{RunID: "r"})
	if store.Code(err) != 164 || fault.ExitCode(err) != fault.ExitUnavailable ||
		!strings.Contains(fault.Hint(err), "readonly") {
		t.Errorf("exit %d, hint %q: %v", fault.ExitCode(err), fault.Hint(err), err)
	}
}

func TestPingSaysWhatToDo(t *testing.T) {
	nobody := httptest.NewServer(http.NotFoundHandler())
	nobody.Close()
	for name, c := range map[string]struct{ url, hint string }{
		"nobody there": {nobody.URL, "txflow platform"},
		"no database":  {embeddedtest.ClickHouse(t) + "/?database=not_there", "txflow migrate"},
	} {
		db, err := store.Open(store.Config{URL: secret.NewURL(c.url)})
		must(t, err)
		_, err = db.Ping(t.Context())
		if fault.ExitCode(err) != fault.ExitUnavailable || !strings.Contains(fault.Hint(err), c.hint) {
			t.Errorf("%s: exit %d, hint %q: %v", name, fault.ExitCode(err), fault.Hint(err), err)
		}
		db.Close()
	}
	for _, url := range []string{"", "nonsense", "ftp://host", "http://user:secret@host:port"} {
		_, err := store.Open(store.Config{URL: secret.NewURL(url)})
		if fault.ExitCode(err) != fault.ExitUsage || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// flaky is ClickHouse behind a proxy that can be made to fail.
func flaky(t *testing.T, base string) (address string, failures *atomic.Int32) {
	t.Helper()
	to, err := url.Parse(base)
	must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: to.Scheme, Host: to.Host})
	failures = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if failures.Add(-1) >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/?" + to.RawQuery, failures
}

func TestInsertWaitsOutAnOutage(t *testing.T) {
	direct := open(t)
	address, failures := flaky(t, direct.url)
	db, err := store.Open(store.Config{URL: secret.NewURL(address), OutageLimit: time.Minute})
	must(t, err)
	t.Cleanup(db.Close)
	if _, err := db.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	failures.Store(3)
	must(t, db.InsertClassified(t.Context(), info, pieces(classified(2, 5, "Rent", nil))))
	if got := direct.sql("SELECT count() FROM transactions FINAL"); got != "1" {
		t.Error(got)
	}
	impatient, err := store.Open(store.Config{URL: secret.NewURL(address)})
	must(t, err)
	t.Cleanup(impatient.Close)
	if _, err := impatient.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	failures.Store(1 << 20)
	unread := fault.Failf(fault.ExitData, "a damaged part")
	if err := db.InsertClassified(t.Context(), info,
		func(yield func([]ledger.Classified, error) bool) { yield(nil, unread) }); !errors.Is(err, unread) ||
		fault.ExitCode(err) != fault.ExitData {
		t.Errorf("rows that can not be read give exit %d: %v", fault.ExitCode(err), err)
	}
	err = impatient.InsertClassified(t.Context(), info, pieces(classified(3, 5, "Rent", nil)))
	if fault.ExitCode(err) != fault.ExitTryAgain || fault.Hint(err) == "" {
		t.Errorf("exit %d: %v", fault.ExitCode(err), err)
	}
}
