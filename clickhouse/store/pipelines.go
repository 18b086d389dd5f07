package store

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/txflow/txflow/internal/ledger"
)

// What each pipeline last stored of an id, by the ledger; then how many ids the two agree on (no kind), and what not,
// with the first of each kind. It reads the ledger once, and its memory follows neither the ids nor the findings:
// groups go to the disk.
const pipelinesDiffer = `
SELECT kind, count(), groupArraySorted(%d)((toString(id), toString(origin), position)) FROM
(
    SELECT id, any(last_origin) AS origin, any(last_position) AS position,
        multiIf(min(last_category) != max(last_category), 'category_differs', count() > 1, '', any(pipeline) = 'batch', 'only_batch', 'only_stream') AS kind
    FROM
    (
        SELECT id, pipeline, argMax((category, origin, position), (version, classified_at)) AS last,
            last.1 AS last_category, last.2 AS last_origin, last.3 AS last_position
        FROM outcomes FINAL
        WHERE outcome = 'stored' AND (source = {source:String} OR {all:UInt8} = 1)
        GROUP BY id, pipeline
    )
    GROUP BY id
)
GROUP BY kind
ORDER BY kind`

// ComparePipelines compares what batch and stream stored, by the ledger: ids that only one has, and ids that were given
// different categories. It returns the number of all ids and the first findings of each kind. A nil source means all.
func (s *Store) ComparePipelines(ctx context.Context, source *string, limit int) (compared int64, found ledger.Findings,
	err error) {
	found.Limit = limit
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(problemSettings))
	name, all := "", "1"
	if source != nil {
		name, all = *source, "0"
	}
	rows, err := s.query(ctx, fmt.Sprintf(pipelinesDiffer, max(limit, 1)), clickhouse.Named("source", name),
		clickhouse.Named("all", all))
	if err != nil {
		return 0, found, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var kind ledger.FindingKind
		var ids uint64
		var first [][]any // id, origin, position
		if err := rows.Scan((*string)(&kind), &ids, &first); err != nil {
			return compared, found, err
		}
		compared += int64(ids) //nolint:gosec // a count
		if kind == "" {
			continue
		}
		all := make([]ledger.Finding, 0, len(first))
		for _, f := range first {
			finding := ledger.Finding{Kind: kind}
			finding.ID, _ = f[0].(string)
			finding.Origin, _ = f[1].(string)
			finding.Position, _ = f[2].(uint64)
			all = append(all, finding)
		}
		found.Add(int64(ids), all...) //nolint:gosec // a count
	}
	return compared, found, s.explain(rows.Err())
}
