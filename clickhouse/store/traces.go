package store

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// TraceIDs returns the traces that a run and the tries of its tasks were in, the oldest first. Known reports whether
// there is such a run at all.
func (s *Store) TraceIDs(ctx context.Context, runID string) (ids []string, known bool, err error) {
	rows, err := s.query(ctx, `SELECT trace_id FROM
(
    SELECT trace_id, started_at FROM runs FINAL WHERE run_id = {run:String}
    UNION ALL SELECT trace_id, started_at FROM task_runs FINAL WHERE run_id = {run:String}
)
GROUP BY trace_id ORDER BY min(started_at)`, clickhouse.Named("run", runID))
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, false, err
		}
		if known = true; id != "" {
			ids = append(ids, id)
		}
	}
	return ids, known, s.explain(rows.Err())
}
