package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/display"
)

const (
	growthRows  = 10_000    // rows of the run that is measured
	growthRuns  = 5         // the median counts
	growthBlock = 1_000_000 // rows that are stored in one insert
	settleLimit = 5 * time.Minute
)

// grown is what a run took over a table that had so many rows of other runs.
type grown struct {
	stored int
	took   time.Duration
}

// growth times a run of growthRows over an empty table, a tenth of o.growth, and o.growth stored rows.
func (b *bencher) growth(ctx context.Context, o options, r *report) error {
	if o.growth == 0 {
		return nil
	}
	if err := b.freshDatabase(ctx, "bench_growth"); err != nil {
		return err
	}
	file, err := b.file(ctx, growthRows)
	if err != nil {
		return err
	}
	stored := 0
	for _, size := range []int{0, o.growth / 10, o.growth} {
		say("a run of %s rows over %s stored rows", display.Thousands(growthRows), display.Thousands(int64(size)))
		if err := b.store(ctx, stored, size); err != nil {
			return err
		}
		stored = size
		if err := b.settle(ctx); err != nil {
			return err
		}
		var runs []time.Duration
		for i := range growthRuns {
			source := fmt.Sprintf("growth-%d-%d", size, i)
			u, err := b.time(ctx, "run", "--run-id", source, "--source", source, file)
			if err != nil {
				return err
			}
			runs = append(runs, u.took)
		}
		slices.Sort(runs)
		r.growth = append(r.growth, grown{size, runs[len(runs)/2]})
	}
	return nil
}

// store stores the rows of other runs from first to end.
func (b *bencher) store(ctx context.Context, first, end int) error {
	for ; first < end; first += growthBlock {
		for _, sql := range storedRows(first, min(growthBlock, end-first)) {
			if _, err := b.query(ctx, sql); err != nil {
				return err
			}
		}
	}
	return nil
}

// storedRows are the statements that store rows of other runs, with random ids, as load did a month ago.
func storedRows(first, n int) []string {
	from := fmt.Sprintf("FROM numbers(%d, %d)", first, n)
	run := fmt.Sprintf("'batch' AS pipeline, 'stored-%[1]d' AS run_id, 'stored' AS source, 'file:///stored-%[1]d.csv' "+
		"AS origin", first/growthBlock)
	const row = `reinterpretAsUUID(sipHash128(number)) AS id, number AS position, cityHash64(number) AS content_hash,
    arrayElement(['Rent', 'Food', 'Restaurant', 'Travel', 'Shopping'], 1 + number % 5) AS category,
    'm' AS model_version,
    now64(6, 'UTC') - toIntervalDay(30) AS classified_at, classified_at AS version`
	return []string{`INSERT INTO transactions (pipeline, run_id, source, origin, id, position, content_hash, category,
model_version, classified_at, version,
    source_id, description, amount, timestamp, merchant, operation_type, side, task_try, attempt, inserted_at)
SELECT ` + run + `, ` + row + `,
    toString(number), concat('Card payment ', toString(number % 5000)),
    toDecimal64(if(number % 3 = 0, 1, -1) * (1 + number % 9999999), 4) / 100,
    toDateTime64(1640995200 + number % 94608000, 6, 'UTC'), concat('Merchant ', toString(number % 1000)), 'card',
    if(number % 3 = 0, 'credit', 'debit'), 1, 1, classified_at ` + from,
		`INSERT INTO outcomes (pipeline, run_id, source, origin, id, position, content_hash, category, model_version,
classified_at, version, outcome, recorded_at)
SELECT ` + run + `, ` + row + `, 'stored', classified_at ` + from}
}

// settle waits until the merges of what was stored have ended, a minute ago: they would be measured, too, and reconcile
// reads the parts that were written or merged since a minute before its run.
func (b *bencher) settle(ctx context.Context) error {
	for deadline := time.Now().Add(settleLimit); ; {
		busy, err := b.query(ctx, `SELECT (SELECT count() FROM system.merges) + (SELECT count() FROM system.parts
WHERE database = currentDatabase() AND table = 'transactions' AND active AND rows > 100000
AND modification_time > now() - 61)`)
		if err != nil {
			return err
		}
		if busy == "0" {
			return nil
		}
		if time.Now().After(deadline) {
			say("merges are still going on after %s", settleLimit)
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// growthText is the section of the report.
func (r *report) growthText() string {
	if len(r.growth) == 0 {
		return "Not measured in this run: `make bench BENCH_GROWTH=30000000` runs over a table of thirty million rows.\n"
	}
	var w strings.Builder
	fmt.Fprintf(&w, `A run of %s rows, median of %d, over a table that holds rows of other runs with random ids, which `+
		`were stored a month ago and merged.

| rows stored before | time of the run | against the empty table |
| ---: | ---: | ---: |
`, display.Thousands(growthRows), growthRuns)
	for _, g := range r.growth {
		fmt.Fprintf(&w, "| %s | %s | %.2f |\n", display.Thousands(int64(g.stored)), seconds(g.took),
			g.took.Seconds()/r.growth[0].took.Seconds())
	}
	return w.String()
}
