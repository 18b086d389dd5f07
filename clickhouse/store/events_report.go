package store

import (
	"context"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// EventReportQuery says how to add up the events.
type EventReportQuery struct {
	By       string    // one of EventReportKeys; "" is type
	Account  string    // "": all
	From, To time.Time // of the event; zero: open; To is exclusive
}

// EventReportKeys are what a report of events can be grouped by, with the names of the keys; sql/events/report.sql and
// report_by_rule.sql have them.
var EventReportKeys = map[string][]string{
	"type":    {"type", "context"},
	"account": {"account"},
	"context": {"context"},
	"day":     {"day", "context"},
	"rule":    {"rule"},
}

// EventReportRow is a group of events; score is the mean, with four decimals.
type EventReportRow struct {
	Keys                           []string
	Events, Accounts, Users        uint64
	Score                          string
	Excellent, Good, Fair, Poor    uint64
	Late, Future, PublishedSeconds uint64 // the last: when the latest was published, in seconds since 1970
}

// EventReport adds up the events as they are now. By rule there is a row for each rule of the score, with the events
// that lost points by it.
func (s *Store) EventReport(ctx context.Context, q EventReportQuery) (out []EventReportRow, err error) {
	if q.By == "" {
		q.By = "type"
	}
	keys, ok := EventReportKeys[q.By]
	if !ok {
		return nil, fault.Failf(fault.ExitUsage, "a report of events by %q is unknown: type, account, context, day or rule",
			q.By)
	}
	args := named("account", q.Account, "from", micros(q.From), "to", micros(q.To))
	sql := statements.Text("events/report_by_rule")
	if q.By != "rule" {
		sql, args = statements.Text("events/report"), append(args, named("by", q.By)...)
	}
	err = s.each(ctx, sql, args, func(rows driver.Rows) error {
		var r EventReportRow
		var all [2]string // the second is empty where a group has one key
		if err := rows.Scan(&all[0], &all[1], &r.Events, &r.Accounts, &r.Users, &r.Score, &r.Excellent, &r.Good, &r.Fair,
			&r.Poor, &r.Late, &r.Future, &r.PublishedSeconds); err != nil {
			return err
		}
		r.Keys = all[:len(keys):len(keys)]
		out = append(out, r)
		return nil
	})
	return out, err
}
