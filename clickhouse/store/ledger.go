package store

import (
	"context"
	"iter"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
)

// Ledger yields the entries of a run for one file, or one partition of a topic, in the order of their positions.
func (s *Store) Ledger(ctx context.Context, pipeline, runID, origin string, partition int32) iter.Seq2[ledger.Entry,
	error] {
	return func(yield func(ledger.Entry, error) bool) {
		rows, err := s.query(ctx, statements.Text("ledger/of_file"),
			named("pipeline", pipeline, "run", runID, "origin", origin, "partition", itoa(int(partition)))...)
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

// each calls scan for each row of a query.
func (s *Store) each(ctx context.Context, sql string, args []any, scan func(driver.Rows) error) error {
	rows, err := s.query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return s.explain(rows.Err())
}

// CountOutcomes counts the entries of a run in the ledger by outcome.
func (s *Store) CountOutcomes(ctx context.Context, pipeline, runID string) (map[ledger.Outcome]int64, error) {
	counts := map[ledger.Outcome]int64{}
	args := named("pipeline", pipeline, "run", runID)
	err := s.each(ctx, statements.Text("ledger/counts"), args, func(rows driver.Rows) error {
		var outcome string
		var n uint64
		if err := rows.Scan(&outcome, &n); err != nil {
			return err
		}
		counts[ledger.Outcome(outcome)] = int64(n)
		return nil
	})
	return counts, err
}
