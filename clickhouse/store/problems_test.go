package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
)

// A run is compared with the parts that were written since it began, and with all of them before anything is called
// wrong.
func TestProblemsReadsThePartsOfTheRun(t *testing.T) {
	t.Parallel()
	db := open(t)
	must(t, db.InsertClassified(t.Context(), info, pieces(classified(2, 5, "Rent", nil))))
	written := "SELECT max(modification_time) FROM system.parts WHERE database = currentDatabase() AND table = 'transactions' AND active"
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
