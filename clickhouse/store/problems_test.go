package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
)

// A run is compared with the parts that were written since it began, and with all of them before anything is called
// wrong.
func TestProblemsReadsThePartsOfTheRun(t *testing.T) {
	t.Parallel()
	db := open(t)
	must(t, db.InsertClassified(t.Context(), info, pieces(classified(2, 5, "Rent", nil))))
	written := "SELECT max(modification_time) FROM system.parts WHERE database = currentDatabase() " +
		"AND table = 'transactions' AND active"
	before := db.sql("%s", written)
	for deadline := time.Now().Add(10 * time.Second); db.sql("SELECT toString(now())") <= before; <-time.After(50 *
		time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the server's clock stands still")
		}
	}
	second := info
	second.RunID = "run-2"
	must(t, db.InsertClassified(t.Context(), second, pieces(classified(3, 5, "Rent", nil))))
	record := func(at string) { // the ledger as if it had been recorded at that time
		db.sql("CREATE OR REPLACE TABLE keep ENGINE = Memory AS SELECT * FROM outcomes WHERE run_id = 'run-2'")
		db.sql("DELETE FROM outcomes WHERE run_id = 'run-2'")
		db.sql("INSERT INTO outcomes SELECT * REPLACE (%s AS recorded_at) FROM keep", at)
	}
	record("toDateTime64('" + before + "', 6) + 61") // more than a minute after the first run
	for recent, want := range map[bool]string{true: "1", false: "2"} {
		query := strings.NewReplacer("{pipeline:String}", "'batch'", "{run:String}",
			"'run-2'").Replace(store.TransactionsOf(recent))
		if got := db.sql("%s", "SELECT uniqExact(_part) FROM "+query); got != want {
			t.Errorf("recent %t: %s parts are read, want %s", recent, got, want)
		}
		plan := db.sql("%s", "EXPLAIN indexes = 1 SELECT id FROM "+query)
		if !strings.Contains(plan, "Parts: "+want+" ") {
			t.Errorf("recent %t, want %s parts:\n%s", recent, want, plan)
		}
	}
	for _, run := range []string{"run-1", "run-2"} {
		if found, err := db.Problems(t.Context(), "batch", run, 3); err != nil || found.Total() != 0 {
			t.Error(run, found, err)
		}
	}
	// A clock that jumps hides the run's parts, but makes no finding.
	record("now64(6) + 7200")
	if found, err := db.Problems(t.Context(), "batch", "run-2", 3); err != nil || found.Total() != 0 {
		t.Error("with a clock that jumped:", found, err)
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
			"TRUNCATE TABLE transactions; INSERT INTO transactions SELECT * REPLACE (version - toIntervalSecond(1) AS " +
				"version) FROM keep", second, 3},
		"older classification": {ledger.FindingMissing,
			"TRUNCATE TABLE transactions; INSERT INTO transactions SELECT * REPLACE (classified_at - toIntervalSecond(1) AS " +
				"classified_at) FROM keep", second, 3},
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
			must(t, db.InsertClassified(t.Context(), info,
				pieces(classified(2, 5, "Rent", nil), classified(3, -7, "Rent", nil))))
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
