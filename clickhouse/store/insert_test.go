package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
)

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
	got := db.sql(`SELECT source, source_id, hex(description), toString(amount), toString(timestamp),
merchant IS NULL, hex(ifNull(merchant, '?')), operation_type, side,
category, model_version, toString(classified_at), toString(version), pipeline, run_id, task_try, origin,
origin_digest, partition, position, chunk, content_hash, attempt, trace_id,
span_id, sampled, origin_trace_id FROM transactions FINAL ORDER BY position`)
	rest := "m1\t2024-06-01 " +
		"12:00:00.123456\t%s\tbatch\trun-1\t2\tfile:///in.csv\td1\t0\t%d\tc0ffee\t%d\t3\taa\tbb\ttrue\tfeed"
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
	got = db.sql("SELECT pipeline, run_id, origin, partition, position, source, origin_digest, content_hash, outcome, " +
		"category, model_version, version, classified_at, log_id FROM outcomes FINAL WHERE position = 3")
	if want := "batch\trun-1\tfile:///in.csv\t0\t3\ts\td1\t3\tstored\tFood\tm1\t2024-06-01 12:00:00.123457\t2024-06-01 " +
		"12:00:00.123456"; got != want {
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
		got := db.sql("SELECT (SELECT count() FROM transactions FINAL), (SELECT count() FROM outcomes FINAL), " +
			"(SELECT count() FROM dead_letters FINAL), (SELECT sum(net) FROM category_totals)")
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
