package store

import (
	"context"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/txflow/txflow/internal/fault"
)

// EventReportQuery says how to add up the events.
type EventReportQuery struct {
	By       string    // one of EventReportKeys; "" is type
	Account  string    // "": all
	From, To time.Time // of the event; zero: open; To is exclusive
}

// EventReportKeys are what a report of events can be grouped by, with the expressions for each.
var EventReportKeys = map[string][]ReportKey{
	"type":    {{"type", "toString(type)"}, {"context", "toString(context)"}},
	"account": {{"account", "new_context_account_id"}},
	"context": {{"context", "toString(context)"}},
	"day":     {{"day", "toString(toDate32(timestamp_stamp))"}, {"context", "toString(context)"}},
	"rule":    {{"rule", "toString(lost.rule)"}},
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
	var names, numbers []string
	for i, k := range keys {
		names, numbers = append(names, k.expression), append(numbers, itoa(i+1))
	}
	from, group := "events AS e FINAL", strings.Join(numbers, ", ")
	if q.By == "rule" {
		from += " ARRAY JOIN lost_points AS lost"
	}
	where, args := q.conditions()
	rows, err := s.query(ctx, `SELECT `+strings.Join(names, ", ")+`, count(), uniqExact(new_context_account_id), uniqExact(new_context_user_id),
toDecimalString(toDecimal64(avg(score), 6), 4), countIf(score >= 0.9), countIf(score >= 0.7 AND score < 0.9), countIf(score >= 0.5 AND score < 0.7), countIf(score < 0.5),
countIf(e.late), countIf(e.future), toUInt64(greatest(toUnixTimestamp64Second(max(published_at)), 0))
FROM `+from+` WHERE `+where+` GROUP BY `+group+` ORDER BY count() DESC, `+group, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		r := EventReportRow{Keys: make([]string, len(keys))}
		var to []any
		for i := range r.Keys {
			to = append(to, &r.Keys[i])
		}
		if err := rows.Scan(append(to, &r.Events, &r.Accounts, &r.Users, &r.Score, &r.Excellent, &r.Good, &r.Fair, &r.Poor,
			&r.Late, &r.Future, &r.PublishedSeconds)...); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, s.explain(rows.Err())
}

func (q *EventReportQuery) conditions() (string, []any) {
	where, args := []string{"1"}, []any{}
	add := func(condition, name, value string) {
		where, args = append(where, condition), append(args, clickhouse.Named(name, value))
	}
	if q.Account != "" {
		add("new_context_account_id = {account:String}", "account", q.Account)
	}
	if !q.From.IsZero() {
		add("timestamp_stamp >= parseDateTime64BestEffort({from:String}, 6, 'UTC')", "from",
			q.From.UTC().Format(time.RFC3339))
	}
	if !q.To.IsZero() {
		add("timestamp_stamp < parseDateTime64BestEffort({to:String}, 6, 'UTC')", "to", q.To.UTC().Format(time.RFC3339))
	}
	return strings.Join(where, " AND "), args
}
