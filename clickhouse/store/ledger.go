package store

import (
	"context"
	"fmt"
	"iter"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
)

// Ledger yields the entries of a run for one file, or one partition of a topic, in the order of their positions.
func (s *Store) Ledger(ctx context.Context, pipeline, runID, origin string, partition int32) iter.Seq2[ledger.Entry,
	error] {
	return func(yield func(ledger.Entry, error) bool) {
		rows, err := s.query(ctx, `SELECT position, id, content_hash, toString(outcome) FROM outcomes FINAL
WHERE pipeline = {pipeline:String} AND run_id = {run:String} AND origin = {origin:String} AND partition = {partition:Int32}
ORDER BY position`,
			clickhouse.Named("pipeline", pipeline), clickhouse.Named("run", runID), clickhouse.Named("origin", origin),
			clickhouse.Named("partition", fmt.Sprint(partition)))
		if err != nil {
			yield(ledger.Entry{}, err)
			return
		}
		defer func() { _ = rows.Close() }() // it was only read
		for rows.Next() {
			var row ledger.Entry
			if err := rows.Scan(&row.Position, (*uuid.UUID)(&row.ID), &row.ContentHash, (*string)(&row.Outcome)); err != nil {
				yield(row, err)
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(ledger.Entry{}, s.explain(err))
		}
	}
}

// query reads with the outage waited out: a read may be made again until its first row is there.
func (s *Store) query(ctx context.Context, sql string, args ...any) (rows driver.Rows, err error) {
	err = s.retry(ctx, func(ctx context.Context) error {
		rows, err = s.conn.Query(ctx, sql, args...)
		return err
	})
	return rows, err
}

// CountOutcomes counts the entries of a run in the ledger by outcome.
func (s *Store) CountOutcomes(ctx context.Context, pipeline, runID string) (map[ledger.Outcome]int64, error) {
	rows, err := s.query(ctx, "SELECT toString(outcome), count() FROM "+ledgerOfRun+" GROUP BY outcome",
		clickhouse.Named("pipeline", pipeline), clickhouse.Named("run", runID))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	counts := map[ledger.Outcome]int64{}
	for rows.Next() {
		var outcome string
		var n uint64
		if err := rows.Scan(&outcome, &n); err != nil {
			return nil, err
		}
		counts[ledger.Outcome(outcome)] = int64(n) //nolint:gosec // a count
	}
	return counts, s.explain(rows.Err())
}
