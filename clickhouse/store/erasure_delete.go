package store

import (
	"context"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
)

// erasedOf are the places of the messages that an erasure takes out of a table.
func erasedOf(e *ledger.Erasure, table string) string {
	return `(SELECT origin, origin_digest, partition, position FROM erased_messages WHERE erasure = '` + e.ID +
		`' AND erased_from = '` + table + `')`
}

// EraseLedger notes in the ledger what became of the events and messages of an erasure. Done again it adds nothing.
func (s *Store) EraseLedger(ctx context.Context, e *ledger.Erasure) error {
	for _, which := range []string{
		`id IN (SELECT event_id FROM erased_events WHERE erasure = {erasure:UUID}) AND outcome = 'stored'`,
		`id IN (SELECT event_id FROM erased_messages WHERE erasure = {erasure:UUID} AND erased_from != 'events_bronze')
    AND (origin, log_id, partition, position) IN
    (SELECT origin, origin_digest, partition, position FROM erased_messages WHERE erasure = {erasure:UUID} AND erased_from != 'events_bronze')`,
	} {
		err := s.exec(ctx, `INSERT INTO outcomes SELECT * REPLACE
(
    CAST('erased', toTypeName(outcome)) AS outcome, '' AS code, '' AS category, toUInt64(0) AS content_hash,
    greatest(now64(6), recorded_at + toIntervalMicrosecond(1)) AS recorded_at
)
FROM (SELECT * FROM outcomes FINAL WHERE pipeline = 'events' AND outcome != 'erased' AND `+which+`)`,
			clickhouse.Named("erasure", e.ID))
		if err != nil {
			return err
		}
	}
	return nil
}

// erasing are the rows of each table that an erasure deletes.
func erasing(e *ledger.Erasure) []struct{ table, where string } {
	return []struct{ table, where string }{
		{TableEvents, `event_id IN (SELECT event_id FROM erased_events WHERE erasure = '` + e.ID + `')
    OR (origin, origin_digest, partition, position) IN ` + erasedOf(e, TableEvents)},
		{TableBronze, `(origin, toString(toUnixTimestamp64Milli(recorded_at)), partition, position) IN ` +
			erasedOf(e, TableBronze)},
		{TableDeadLetters, `(origin, origin_digest, partition, position) IN ` + erasedOf(e, TableDeadLetters)},
	}
}

// EraseRows deletes what an erasure noted, and waits until ClickHouse has written the parts without it. Observe is
// called before each table, and as parts are done.
func (s *Store) EraseRows(ctx context.Context, e *ledger.Erasure, observe func(table string, parts int64)) error {
	for _, d := range erasing(e) {
		observe(d.table, -1)
		var rows uint64
		err := s.retry(ctx, func(ctx context.Context) error {
			return s.conn.QueryRow(ctx, `SELECT count() FROM `+d.table+` WHERE `+d.where).Scan(&rows)
		})
		if err == nil && rows > 0 {
			err = s.exec(ctx, `ALTER TABLE `+d.table+` DELETE WHERE `+d.where)
		}
		if err == nil { // one that was killed may have left a deletion under way
			err = s.mutated(ctx, d.table, e.ID, observe)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mutated waits until the deletions of an erasure are done.
func (s *Store) mutated(ctx context.Context, table, erasure string, observe func(table string, parts int64)) error {
	for {
		var left, parts uint64
		var failed string
		err := s.retry(ctx, func(ctx context.Context) error {
			return s.conn.QueryRow(ctx, `SELECT countIf(NOT is_done), toUInt64(sumIf(parts_to_do, NOT is_done)),
    anyIf(latest_fail_reason, NOT is_done AND latest_fail_reason != '')
FROM system.mutations WHERE database = currentDatabase() AND table = {table:String} AND position(command, {erasure:String}) > 0`,
				clickhouse.Named("table", table), clickhouse.Named("erasure", erasure)).Scan(&left, &parts, &failed)
		})
		switch {
		case err != nil || left == 0:
			return err
		case failed != "":
			first, _, _ := strings.Cut(failed, "\n")
			return fault.WithHint(fault.Failf(fault.ExitTryAgain, "%s can not delete from %s: %s", s, table, first),
				"it tries again by itself; the same command waits for it")
		}
		observe(table, int64(parts)) //nolint:gosec // a few
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(mutationPoll):
		}
	}
}

// ErasedCounts returns how many events, and messages by table, an erasure has taken out, in whatever run.
func (s *Store) ErasedCounts(ctx context.Context, e *ledger.Erasure) (counts map[string]uint64, err error) {
	counts = map[string]uint64{}
	for table, sql := range map[string]string{
		TableEvents: `SELECT (SELECT uniqExact(event_id) FROM erased_events WHERE erasure = {erasure:UUID}) +
    (SELECT uniqExact(event_id) FROM erased_messages WHERE erasure = {erasure:UUID} AND erased_from = 'events')`,
		TableBronze:      `SELECT uniqExact(origin, origin_digest, partition, position) FROM erased_messages WHERE erasure = {erasure:UUID} AND erased_from = 'events_bronze'`,
		TableDeadLetters: `SELECT uniqExact(origin, origin_digest, partition, position) FROM erased_messages WHERE erasure = {erasure:UUID} AND erased_from = 'dead_letters'`,
	} {
		var n uint64
		err := s.retry(ctx, func(ctx context.Context) error {
			return s.conn.QueryRow(ctx, sql, clickhouse.Named("erasure", e.ID)).Scan(&n)
		})
		if err != nil {
			return nil, err
		}
		counts[table] = n
	}
	return counts, nil
}

// OldParts is how long ClickHouse keeps the files of parts that a deletion replaced.
func (s *Store) OldParts(ctx context.Context) (time.Duration, error) {
	var seconds uint64
	err := s.retry(ctx, func(ctx context.Context) error {
		return s.conn.QueryRow(ctx,
			`SELECT toUInt64OrZero(value) FROM system.merge_tree_settings WHERE name = 'old_parts_lifetime'`).Scan(&seconds)
	})
	return time.Duration(seconds) * time.Second, err //nolint:gosec // minutes
}
