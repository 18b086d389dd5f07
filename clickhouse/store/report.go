package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// ReportQuery says how to add up the transactions.
type ReportQuery struct {
	By       string    // one of ReportKeys; "" is category
	Sort     string    // one of ReportSorts; "" is name
	Source   *string   // nil: all sources
	Category string    // "": all
	From, To time.Time // zero: open; To is exclusive
}

// ReportKeys are what a report can be grouped by, with the expression for each.
var ReportKeys = map[string][]ReportKey{
	"category": {{"category", "toString(category)"}},
	"month":    {{"month", "formatDateTime(timestamp, '%Y-%m')"}, {"category", "toString(category)"}},
	"day":      {{"day", "toString(toDate32(timestamp))"}, {"category", "toString(category)"}},
	"merchant": {{"merchant", "ifNull(merchant, '')"}},
	"side":     {{"category", "toString(category)"}, {"side", "toString(side)"}},
}

// ReportSorts are the orders of a report's rows, with the expression for each that comes before the names.
var ReportSorts = map[string]string{
	"name":   "",
	"count":  "count() DESC, ",
	"amount": "sum(abs(amount)) DESC, ", // what was moved: debits and credits without their signs
}

// ReportKey is a column that a report is grouped by.
type ReportKey struct{ Name, expression string }

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
	order, ok := ReportSorts[q.Sort]
	if !ok {
		return nil, fault.Failf(fault.ExitUsage, "a report sorted by %q is unknown: name, count or amount", q.Sort)
	}
	var names, numbers []string
	for i, k := range keys {
		names = append(names, k.expression)
		numbers = append(numbers, strconv.Itoa(i+1))
	}
	group := strings.Join(numbers, ", ")
	where, args := q.conditions()
	rows, err := s.query(ctx, fmt.Sprintf(`SELECT %s, count(), toDecimalString(sumIf(amount, side = 'debit'), 4), toDecimalString(sumIf(amount, side = 'credit'), 4), toDecimalString(sum(amount), 4)
FROM transactions FINAL WHERE %s GROUP BY %s ORDER BY %s`, strings.Join(names, ", "), where, group,
		order+group), args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		r := ReportRow{Keys: make([]string, len(keys))}
		var to []any
		for i := range r.Keys {
			to = append(to, &r.Keys[i])
		}
		if err := rows.Scan(append(to, &r.Transactions, &r.Debit, &r.Credit, &r.Net)...); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, s.explain(rows.Err())
}

func (q *ReportQuery) conditions() (string, []any) {
	where, args := []string{"1"}, []any{}
	add := func(condition, name, value string) {
		where, args = append(where, condition), append(args, clickhouse.Named(name, value))
	}
	if q.Source != nil {
		add("source = {source:String}", "source", *q.Source)
	}
	if q.Category != "" {
		add("category = {category:String}", "category", q.Category)
	}
	if !q.From.IsZero() {
		add("timestamp >= parseDateTime64BestEffort({from:String}, 6, 'UTC')", "from", q.From.UTC().Format(time.RFC3339))
	}
	if !q.To.IsZero() {
		add("timestamp < parseDateTime64BestEffort({to:String}, 6, 'UTC')", "to", q.To.UTC().Format(time.RFC3339))
	}
	return strings.Join(where, " AND "), args
}

func itoa(n int) string { return strconv.Itoa(n) }
