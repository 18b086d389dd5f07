package store

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Superseded counts the rows that a run stored and that newer contents have replaced, whichever came first.
func (s *Store) Superseded(ctx context.Context, pipeline, runID string) (int64, error) {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(problemSettings))
	var n uint64
	// Nothing is read where the run's contents are the newest.
	for _, name := range []string{"ledger/any_newer", "ledger/superseded"} {
		err := s.retry(ctx, func(ctx context.Context) error {
			return s.conn.QueryRow(ctx, statements.Text(name), named("pipeline", pipeline, "run", runID)...).Scan(&n)
		})
		if err != nil {
			return 0, fmt.Errorf("count the rows that newer contents supersede: %w", err)
		}
		if n == 0 {
			break
		}
	}
	return int64(n), nil
}
