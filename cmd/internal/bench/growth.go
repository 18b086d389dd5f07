package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/txflow/txflow/cmd/internal/progress"
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
		say("a run of %s rows over %s stored rows", progress.Thousands(growthRows), progress.Thousands(int64(size)))
		for ; stored < size; stored += growthBlock {
			if _, err := b.query(ctx, storedRows(stored, min(growthBlock, size-stored))); err != nil {
				return err
			}
		}
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

// storedRows inserts rows of other runs, with random ids, as load does.
func storedRows(first, n int) string {
	return fmt.Sprintf(`INSERT INTO incoming_classified (id, source_id, description, amount_e4, timestamp_us, merchant, merchant_null,
    operation_type, side, category, position, content_hash, call)
SELECT reinterpretAsUUID(sipHash128(number)), toString(number), concat('Card payment ', toString(number %% 5000)),
    if(number %% 3 = 0, 1, -1) * (1 + number %% 9999999), 1000000 * (1640995200 + number %% 94608000),
    concat('Merchant ', toString(number %% 1000)), 0, 'card', if(number %% 3 = 0, 2, 1),
    arrayElement(['Rent', 'Food', 'Restaurant', 'Travel', 'Shopping'], 1 + number %% 5), number, cityHash64(number),
    '{"pipeline":"batch","run_id":"stored-%d","task_try":1,"source":"stored","origin":"file:///stored-%d.csv","origin_digest":"","partition":0,`+
		`"chunk":"","origin_trace_id":"","model_version":"m","classified_us":1700000000000000,"attempt":1,"trace_id":"","span_id":"","sampled":false}'
FROM numbers(%d, %d)`, first/growthBlock, first/growthBlock, first, n)
}

// settle waits until the merges of what was stored have ended: another run's merges would be measured, too.
func (b *bencher) settle(ctx context.Context) error {
	for deadline := time.Now().Add(settleLimit); ; {
		merges, err := b.query(ctx, "SELECT count() FROM system.merges")
		if err != nil {
			return err
		}
		if n, err := strconv.Atoi(merges); err == nil && n == 0 {
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
	fmt.Fprintf(&w, `A run of %s rows, median of %d, over a table that holds rows of other runs with random ids.

| rows stored before | time of the run | against the empty table |
| ---: | ---: | ---: |
`, progress.Thousands(growthRows), growthRuns)
	for _, g := range r.growth {
		fmt.Fprintf(&w, "| %s | %s | %.2f |\n", progress.Thousands(int64(g.stored)), seconds(g.took), g.took.Seconds()/r.growth[0].took.Seconds())
	}
	return w.String()
}
