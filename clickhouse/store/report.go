package store

import (
	"context"
	"slices"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// ReportQuery says how to add up the transactions.
type ReportQuery struct {
	By       string    // one of ReportKeys; "" is category
	Sort     string    // one of ReportSorts; "" is name
	Source   *string   // nil: all sources
	Category string    // "": all
	From, To time.Time // zero: open; To is exclusive
}

// ReportKeys are what a report can be grouped by, with the names of the keys; sql/transactions/report.sql has them.
var ReportKeys = map[string][]string{
	"category": {"category"},
	"month":    {"month", "category"},
	"day":      {"day", "category"},
	"merchant": {"merchant"},
	"side":     {"category", "side"},
}

// ReportSorts are the orders of a report's rows: by name, by count, by what was moved (debits and credits without their
// signs); in the last two the most first.
var ReportSorts = []string{"name", "count", "amount"}

// ReportRow is a group: exact sums of scale 4, as text. Net is credit and debit added; debits are negative.
type ReportRow struct {
	Keys               []string
	Transactions       uint64
	Debit, Credit, Net string
}

// Report adds up the current state of the transactions.
func (s *Store) Report(ctx context.Context, q ReportQuery) (out []ReportRow, err error) {
	if q.By == "" {
		q.By = "category"
	}
	keys, ok := ReportKeys[q.By]
	if !ok {
		return nil, fault.Failf(fault.ExitUsage, "a report by %q is unknown: category, month, day, merchant or side", q.By)
	}
	if q.Sort == "" {
		q.Sort = "name"
	}
	if !slices.Contains(ReportSorts, q.Sort) {
		return nil, fault.Failf(fault.ExitUsage, "a report sorted by %q is unknown: name, count or amount", q.Sort)
	}
	err = s.each(ctx, statements.Text("transactions/report"), q.arguments(), func(rows driver.Rows) error {
		var r ReportRow
		var all [2]string // the second is empty where a group has one key
		if err := rows.Scan(&all[0], &all[1], &r.Transactions, &r.Debit, &r.Credit, &r.Net); err != nil {
			return err
		}
		r.Keys = all[:len(keys):len(keys)]
		out = append(out, r)
		return nil
	})
	return out, err
}

func (q *ReportQuery) arguments() []any {
	source := ""
	if q.Source != nil {
		source = *q.Source
	}
	return named("by", q.By, "sort", q.Sort, "any_source", zeroOne(q.Source == nil), "source", source,
		"category", q.Category, "from", micros(q.From), "to", micros(q.To))
}
