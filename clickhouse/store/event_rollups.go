package store

import (
	"context"

	"github.com/txflow/txflow/internal/event"
)

// EventsVersion names the contents of events: it is another one whenever rows came, were changed or deleted.
func (s *Store) EventsVersion(ctx context.Context) (version uint64, err error) {
	err = s.retry(ctx, func(ctx context.Context) error {
		return s.conn.QueryRow(ctx, `SELECT sipHash64(arraySort(groupArray(name))) FROM system.parts
WHERE database = currentDatabase() AND table = 'events' AND active`).Scan(&version)
	})
	return version, err
}

// eventRollups adds up the events as they are now, by all that there are roll-ups of, in one look at the table. Much of
// it may be on ClickHouse's disk meanwhile.
const eventRollups = `SELECT multiIf(grouping(hour) = 0, 'hour', grouping(account) = 0, 'account', 'type') AS kind,
    account, type, context, fromUnixTimestamp64Micro(hour, 'UTC'), count(), uniqExact(user),
    toDecimalString(toDecimal64(avg(score), 6), 4), countIf(score >= 0.9), countIf(score >= 0.7 AND score < 0.9),
    countIf(score >= 0.5 AND score < 0.7), countIf(score < 0.5), countIf(late), countIf(future), min(at), max(at)
FROM
(
    SELECT new_context_account_id AS account, toString(e.type) AS type, toString(e.context) AS context,
        toUnixTimestamp64Micro(timestamp_stamp) AS us, us - positiveModulo(us, 3600000000) AS hour,
        new_context_user_id AS user, score, late, future, timestamp_stamp AS at
    FROM events AS e FINAL
)
GROUP BY GROUPING SETS ((account, type, context, hour), (account), (type, context))
SETTINGS max_bytes_before_external_group_by = 268435456`

// EventRollups calls visit with each roll-up of events, as they are now.
func (s *Store) EventRollups(ctx context.Context, visit func(*event.Rollup) error) error {
	rows, err := s.query(ctx, eventRollups)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var r event.Rollup
		if err := rows.Scan((*string)(&r.Kind), &r.Account, &r.Type, &r.Context, &r.Hour, &r.Events, &r.Users,
			&r.AverageScore, &r.Excellent, &r.Good, &r.Fair, &r.Poor, &r.Late, &r.Future, &r.FirstEvent,
			&r.LastEvent); err != nil {
			return err
		}
		if err := visit(&r); err != nil {
			return err
		}
	}
	return s.explain(rows.Err())
}
