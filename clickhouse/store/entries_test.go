package store_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
)

// refreshDaily brings category_daily up to date.
func (d database) refreshDaily() {
	d.t.Helper()
	d.sql("SYSTEM REFRESH VIEW category_entries_refresh")
	d.sql("SYSTEM WAIT VIEW category_entries_refresh")
}

// dailyDiffers counts the days and categories whose totals are not those of the current rows.
const dailyDiffers = `SELECT count() FROM
(
    SELECT toDate32(timestamp) AS day, category, count() AS transactions,
        sumIf(amount, side = 'debit') AS debit, sumIf(amount, side = 'credit') AS credit, sum(amount) AS net
    FROM transactions FINAL GROUP BY day, category
) AS now
FULL JOIN category_daily AS daily ON now.day = daily.day AND now.category = daily.category
WHERE (now.transactions, now.debit, now.credit, now.net) != (daily.transactions, daily.debit, daily.credit, daily.net)`

// Corrections move rows to other days, years, categories and sides; older contents come late, and everything comes
// twice. The totals stay those of the current rows, and a refresh enters differences alone.
func TestDailyTotalsFollowCorrections(t *testing.T) {
	t.Parallel()
	db := open(t)
	random := rand.New(rand.NewPCG(1, 2))
	var last []ledger.Classified
	for round := range 6 {
		rows := make([]ledger.Classified, 0, 200)
		for range 200 {
			amount := transaction.Amount(random.Int64N(2_000_000) - 1_000_000)
			if amount == 0 {
				amount = transaction.MaxAmount
			}
			category := transaction.DefaultCategories.At(random.IntN(15)).String()
			rows = append(rows, classified(random.Uint64N(300), amount, category,
				func(r *ledger.Classified) {
					r.Transaction.Timestamp = time.Date(1960+random.IntN(100), time.Month(1+random.IntN(12)), 1+random.IntN(28), 23,
						59, 59, 0, time.UTC)
					r.Version = answered.UnixMicro() + random.Int64N(1000)
					r.Call = &prediction.Call{Model: "m", AnsweredAt: answered.Add(time.Duration(random.IntN(3)) * time.Second)}
				}))
		}
		run := info
		run.RunID = fmt.Sprint("run-", round)
		must(t, db.InsertClassified(t.Context(), run, pieces(rows...)))
		must(t, db.InsertClassified(t.Context(), run, pieces(last...))) // comes again
		last = rows
		if round == 3 {
			db.sql("OPTIMIZE TABLE transactions FINAL")
		}
		db.refreshDaily()
		if got := db.sql(dailyDiffers); got != "0" {
			t.Fatalf("after round %d, %s totals by day differ", round, got)
		}
	}
	entries := db.sql("SELECT count(), sum(sign) FROM category_entries")
	db.refreshDaily()
	if got := db.sql("SELECT count(), sum(sign) FROM category_entries"); got != entries {
		t.Errorf("a refresh without a change made %s out of %s entries", got, entries)
	}
	db.sql("TRUNCATE TABLE category_entries")
	db.refreshDaily()
	if got := db.sql(dailyDiffers); got != "0" {
		t.Errorf("built again, %s totals by day differ", got)
	}
}
