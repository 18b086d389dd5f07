package store

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
)

const storedOfRun = ledgerOfRun + ` AND outcome = 'stored'`

// The index by_version spares all that is older, so that this reads nothing where the run's contents are the newest.
const newerThanRun = `transactions WHERE version > (SELECT min(version) FROM ` + storedOfRun + `)`

// FINAL is not needed: that one row with newer contents is there is enough.
const supersededOfRun = `
SELECT count() FROM (SELECT id, version FROM ` + storedOfRun + `) AS l
INNER JOIN (SELECT id, max(version) AS newest FROM ` + newerThanRun + ` AND id IN (SELECT id FROM ` + storedOfRun +
	`) GROUP BY id) AS t
ON l.id = t.id WHERE t.newest > l.version`

// Superseded counts the rows that a run stored and that newer contents have replaced, whichever came first.
func (s *Store) Superseded(ctx context.Context, pipeline, runID string) (int64, error) {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(problemSettings))
	var n uint64
	for _, sql := range []string{"SELECT count() FROM (SELECT 1 FROM " + newerThanRun + " LIMIT 1)", supersededOfRun} {
		err := s.retry(ctx, func(ctx context.Context) error {
			return s.conn.QueryRow(ctx, sql, clickhouse.Named("pipeline", pipeline), clickhouse.Named("run", runID)).Scan(&n)
		})
		if err != nil {
			return 0, fmt.Errorf("count the rows that newer contents supersede: %w", err)
		}
		if n == 0 {
			break
		}
	}
	return int64(n), nil //nolint:gosec // a count
}
