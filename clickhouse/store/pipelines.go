package store

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/txflow/txflow/internal/batch"
)

// What each pipeline last stored of an id, by the ledger; then what the two do not agree on.
const pipelinesDiffer = `
SELECT kind, toString(id), origin, position, count() OVER (PARTITION BY kind) AS all_of_kind FROM
(
    SELECT id, any(last_origin) AS origin, any(last_position) AS position,
        multiIf(count() > 1, 'category_differs', any(pipeline) = 'batch', 'only_batch', 'only_stream') AS kind
    FROM
    (
        SELECT id, pipeline, argMax(category, version) AS last_category, argMax(origin, version) AS last_origin, argMax(position, version) AS last_position
        FROM outcomes FINAL
        WHERE outcome = 'stored' AND (source = {source:String} OR {all:UInt8} = 1)
        GROUP BY id, pipeline
    )
    GROUP BY id
    HAVING count() = 1 OR uniqExact(last_category) > 1
)
ORDER BY kind, id
LIMIT {limit:UInt32} BY kind`

// ComparePipelines compares what batch and stream stored, by the ledger: ids that only one has, and ids that were given
// different categories. It returns the first findings of each kind. A nil source means all.
func (s *Store) ComparePipelines(ctx context.Context, source *string, limit int) (batch.Findings, error) {
	found := batch.Findings{Limit: limit}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(problemSettings))
	name, all := "", "1"
	if source != nil {
		name, all = *source, "0"
	}
	rows, err := s.query(ctx, pipelinesDiffer, clickhouse.Named("source", name), clickhouse.Named("all", all), clickhouse.Named("limit", itoa(max(limit, 1))))
	if err != nil {
		return found, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var f batch.Finding
		var total uint64
		if err := rows.Scan((*string)(&f.Kind), &f.ID, &f.Origin, &f.Position, &total); err != nil {
			return found, err
		}
		if found.Counts[f.Kind] == 0 {
			found.Add(int64(total), f) //nolint:gosec // a count
		} else {
			found.First = append(found.First, f)
		}
	}
	return found, s.explain(rows.Err())
}
