package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/fault"
)

// entriesOverlap is how much of event_arrivals is looked at again, for inserts that were under way.
const entriesOverlap = 10 * time.Minute

// mostSuperfluous is how many entries are taken out one by one; with more the journal is built again.
const mostSuperfluous = 10_000

const entryColumns = `event_id, account, type, context, hour, at, user, score, late, future, row_version, origin, origin_digest, partition, position`

// EnterEvents brings event_entries up to date with events, and returns what a look finds there that the last did not.
// What it reads depends on what came in since the last look; the first look of a process, and one after something was
// deleted from events, compare all.
func (s *Store) EnterEvents(ctx context.Context, last event.RollupLook) (look event.RollupLook, err error) {
	var now int64
	err = s.retry(ctx, func(ctx context.Context) error { // deletions first: one that ends meanwhile is seen by the next look
		return s.conn.QueryRow(ctx,
			`SELECT toUnixTimestamp64Micro(now64(6)), sipHash64(arraySort(groupArray((mutation_id, is_done))))
FROM system.mutations WHERE database = currentDatabase() AND table = 'events'`).Scan(&now, &look.Deletions)
	})
	if err != nil {
		return look, err
	}
	since := min(last.At.UnixMicro(), now) - entriesOverlap.Microseconds()
	look.At = time.UnixMicro(max(now, last.At.UnixMicro()+1))
	look.Compared = last.Compared
	if last.Compared.IsZero() || look.Deletions != last.Deletions {
		look.All, look.Compared = true, look.At
		err = s.compareEntries(ctx, look.At)
	} else {
		// What was deleted is in event_arrivals for a while.
		err = s.enterArrived(ctx, look.At, since, look.At.Sub(look.Compared) <= 2*entriesOverlap)
	}
	if err == nil {
		err = s.takeOutReplaced(ctx, &look)
	}
	return look, err
}

// literalTime is a time of microseconds since 1970 as SQL.
func literalTime(t int64) string {
	return fmt.Sprintf("fromUnixTimestamp64Micro(toInt64(%d), 'UTC')", t)
}

// enterArrived enters the rows that came in, where they count more than what is entered. One that is not in events any
// more is left out, where that is to be verified.
func (s *Store) enterArrived(ctx context.Context, look time.Time, since int64, verify bool) error {
	arrived := `FROM event_arrivals WHERE arrived_at >= ` + literalTime(since) +
		` AND (event_id, row_version) NOT IN (SELECT event_id, row_version FROM event_entries WHERE entered_at >= ` +
		literalTime(since) + `)`
	ids := `(SELECT event_id ` + arrived + `)`
	which := ` AND event_id NOT IN (SELECT event_id FROM erased_events WHERE event_id IN ` + ids + `)`
	if verify {
		which += ` AND (event_id, row_version) IN (SELECT event_id, row_version FROM events WHERE event_id IN ` + ids + `)`
	}
	// Not tried again by itself: the server may have done it. After an error the next look compares all.
	return s.explain(s.conn.Exec(ctx, `INSERT INTO event_entries (`+entryColumns+`, entered_at)
SELECT `+entryColumns+`, `+literalTime(look.UnixMicro())+`
FROM (SELECT *, `+hourOf+` AS hour `+arrived+which+` ORDER BY row_version DESC LIMIT 1 BY event_id) AS a
LEFT JOIN (SELECT event_id, max(row_version) AS entered FROM event_entries WHERE event_id IN `+ids+
		` GROUP BY event_id) AS e
    USING (event_id)
WHERE row_version > entered`))
}

// hourOf is the hour of the event's own time.
const hourOf = `toUnixTimestamp64Micro(at) - positiveModulo(toUnixTimestamp64Micro(at), 3600000000)`

// compareEntries makes event_entries what events says, all of it.
func (s *Store) compareEntries(ctx context.Context, look time.Time) error {
	const differing = `SELECT event_id, sum(side) AS sides FROM
(
    SELECT event_id, row_version, 1 AS side FROM events FINAL
    UNION ALL SELECT event_id, row_version, -1 AS side FROM event_entries
)
GROUP BY event_id, row_version HAVING sides`
	const spill = ` SETTINGS max_bytes_before_external_group_by = 268435456`
	var entries uint64
	var ids []string
	err := s.retry(ctx, func(ctx context.Context) error {
		if err := s.conn.QueryRow(ctx, `SELECT count() FROM event_entries`).Scan(&entries); err != nil || entries == 0 {
			return err
		}
		return s.conn.QueryRow(ctx, `SELECT groupArray(toString(event_id)) FROM (SELECT DISTINCT event_id FROM (`+differing+
			` < 0) LIMIT `+itoa(mostSuperfluous+1)+`)`+spill).Scan(&ids)
	})
	switch {
	case len(ids) > mostSuperfluous:
		entries, err = 0, s.deleteEntries(ctx, "1")
	case len(ids) > 0:
		err = s.deleteEntries(ctx, `event_id IN ('`+strings.Join(ids, `', '`)+`')`)
	}
	if err != nil {
		return err
	}
	which := ""
	if entries > 0 {
		which = `WHERE event_id IN (SELECT event_id FROM (` + differing + ` > 0))`
	}
	return s.explain(s.conn.Exec(ctx, `INSERT INTO event_entries (`+entryColumns+`, entered_at)
SELECT `+entryColumns+`, `+literalTime(look.UnixMicro())+`
FROM
(
    SELECT event_id, new_context_account_id AS account, type, context, timestamp_stamp AS at, `+hourOf+` AS hour,
        reinterpretAsUInt128(sipHash128(new_context_user_id)) AS user, score, late, future, row_version,
        origin, origin_digest, partition, position
    FROM events FINAL
)
`+which+spill))
}

// takeOutReplaced deletes the entries of rows that count no longer since another row of their event does.
func (s *Store) takeOutReplaced(ctx context.Context, look *event.RollupLook) error {
	entered := `(SELECT event_id FROM event_entries WHERE entered_at = ` + literalTime(look.At.UnixMicro()) + `)`
	var replaced uint64
	err := s.retry(ctx, func(ctx context.Context) error {
		return s.conn.QueryRow(ctx, `SELECT toInt64(count()) FROM event_entries WHERE entered_at = `+
			literalTime(look.At.UnixMicro())).Scan(&look.Entered)
	})
	if err != nil || look.Entered == 0 || look.All { // all have no others
		return err
	}
	err = s.retry(ctx, func(ctx context.Context) error {
		return s.conn.QueryRow(ctx, `SELECT count() FROM (SELECT event_id FROM event_entries WHERE event_id IN `+entered+
			` GROUP BY event_id HAVING count() > 1)`).Scan(&replaced)
	})
	if err != nil || replaced == 0 {
		return err
	}
	look.All = true // also keys that only the replaced rows have
	return s.deleteEntries(ctx, `event_id IN `+entered+` AND entered_at < `+literalTime(look.At.UnixMicro()))
}

// deleteEntries deletes entries, and waits for it.
func (s *Store) deleteEntries(ctx context.Context, where string) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"mutations_sync": 2}))
	err := s.retry(ctx, func(ctx context.Context) error {
		return s.conn.Exec(ctx, `ALTER TABLE event_entries DELETE WHERE `+where)
	})
	if denied[Code(err)] {
		return fault.WithHint(err, "this user needs GRANT ALTER DELETE ON event_entries")
	}
	return err
}
