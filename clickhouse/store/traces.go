package store

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// TraceIDs returns the traces that a run and the tries of its tasks were in, the oldest first. Known reports whether
// there is such a run at all.
func (s *Store) TraceIDs(ctx context.Context, runID string) (ids []string, known bool, err error) {
	err = s.each(ctx, statements.Text("history/traces"), named("run", runID), func(rows driver.Rows) error {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		if known = true; id != "" {
			ids = append(ids, id)
		}
		return nil
	})
	return ids, known, err
}
