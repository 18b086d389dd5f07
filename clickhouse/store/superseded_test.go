package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/prediction"
)

// Rows that are no longer the newest are counted, whether the newer contents came later or were there before.
func TestSupersededCountsNewerContents(t *testing.T) {
	t.Parallel()
	db := open(t)
	insert := func(run string, line uint64, contents, judged time.Time) {
		t.Helper()
		of := info
		of.RunID = run
		must(t, db.InsertClassified(t.Context(), of, pieces(classified(line, 5, "Rent", func(r *ledger.Classified) {
			r.Version, r.Call = contents.UnixMicro(), &prediction.Call{AnsweredAt: judged}
		}))))
	}
	newer := answered.Add(time.Hour)
	insert("before", 1, newer, answered) // it was there before the run came
	for line := uint64(1); line <= 4; line++ {
		insert("run", line, answered, answered)
	}
	insert("after", 2, newer, newer)
	insert("again", 3, answered, newer) // the same contents, judged again
	insert("older", 4, answered.Add(-time.Hour), newer)
	for run, want := range map[string]int64{"run": 2, "before": 0, "after": 0, "older": 1, "nobody's": 0} {
		for _, merged := range []bool{false, true} {
			if merged {
				db.sql("OPTIMIZE TABLE transactions FINAL")
			}
			if got, err := db.Superseded(t.Context(), "batch", run); err != nil || got != want {
				t.Errorf("%s, merged %t: %d are superseded, want %d (%v)", run, merged, got, want, err)
			}
		}
	}
}

// What is older than the run is not read.
func TestSupersededReadsNothingOlder(t *testing.T) {
	t.Parallel()
	db := open(t)
	db.sql("%s", `INSERT INTO transactions (id, timestamp, version) SELECT generateUUIDv4(number),
toDateTime64('2022-01-01 00:00:00', 6, 'UTC'), toDateTime64('2022-01-01 00:00:00', 6, 'UTC') FROM numbers(50000)`)
	must(t, db.InsertClassified(t.Context(), info, pieces(classified(2, 5, "Rent", nil))))
	query := strings.NewReplacer("{pipeline:String}", "'batch'", "{run:String}",
		"'"+info.RunID+"'").Replace(store.Statements.Text("ledger/any_newer"))
	if plan := db.sql("EXPLAIN indexes = 1 %s", query); !strings.Contains(plan, "Granules: 0/") {
		t.Errorf("it reads older rows:\n%s", plan)
	}
}
