package store

import (
	"context"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// What each pipeline last stored of an id, by the ledger; then what the two do not agree on.
const pipelinesDiffer = `
SELECT kind, toString(id), origin, position, count() OVER (PARTITION BY kind) AS all_of_kind FROM
(
    SELECT id, any(last_origin) AS origin, any(last_position) AS position,
        multiIf(count() > 1, 'category_differs', any(pipeline) = 'batch', 'only_batch', 'only_stream') AS kind
    FROM
    (
        SELECT id, pipeline, argMax((category, origin, position), (version, classified_at)) AS last,
            last.1 AS last_category, last.2 AS last_origin, last.3 AS last_position
        FROM outcomes FINAL
        WHERE outcome = 'stored' AND (source = {source:String} OR {all:UInt8} = 1)
        GROUP BY id, pipeline
    )
    GROUP BY id
    HAVING count() = 1 OR uniqExact(last_category) > 1
)
ORDER BY kind, id
LIMIT {limit:UInt32} BY kind`

const pipelinesIDs = `SELECT count() FROM
(SELECT id FROM outcomes FINAL WHERE outcome = 'stored' AND (source = {source:String} OR {all:UInt8} = 1) GROUP BY id)`

// ComparePipelines compares what batch and stream stored, by the ledger: ids that only one has, and ids that were given
// different categories. It returns the number of all ids and the first findings of each kind. A nil source means all.
func (s *Store) ComparePipelines(ctx context.Context, source *string, limit int) (compared int64, found ledger.Findings, err error) {
	found.Limit = limit
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(problemSettings))
	name, all := "", "1"
	if source != nil {
		name, all = *source, "0"
	}
	var ids uint64
	err = s.retry(ctx, func(ctx context.Context) error {
		return s.conn.QueryRow(ctx, pipelinesIDs, clickhouse.Named("source", name), clickhouse.Named("all", all)).Scan(&ids)
	})
	if err != nil {
		return 0, found, err
	}
	compared = int64(ids) //nolint:gosec // a count
	rows, err := s.query(ctx, pipelinesDiffer, clickhouse.Named("source", name), clickhouse.Named("all", all), clickhouse.Named("limit", itoa(max(limit, 1))))
	if err != nil {
		return compared, found, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var f ledger.Finding
		var total uint64
		if err := rows.Scan((*string)(&f.Kind), &f.ID, &f.Origin, &f.Position, &total); err != nil {
			return compared, found, err
		}
		if found.Counts[f.Kind] == 0 {
			found.Add(int64(total), f) //nolint:gosec // a count
		} else {
			found.First = append(found.First, f)
		}
	}
	return compared, found, s.explain(rows.Err())
}
