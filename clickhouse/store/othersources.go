package store

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// otherSources looks up ids of a run, which the primary key of transactions leads to, under any other source. Without
// FINAL: a row that the run has replaced is there until parts are merged.
const otherSources = `
SELECT uniqExact(id), arraySort(groupUniqArray(4)(toString(source))) FROM transactions
WHERE id IN (SELECT id FROM ` + storedOfRun + `%s) AND source != {source:String}`

// sampled bounds what is read where no source shares ids with the run: 256 granules, however large the table is.
// Sources that use the same UUIDs share most of them, so that a sample shows it.
const sampled = " ORDER BY cityHash64(id) LIMIT 256"

// OtherSources counts the ids of a run that rows of other sources have as well, and names up to four of these sources.
// Only ids that are kept as UUIDs can be shared: of two such rows one replaces the other. It finds what is not merged
// yet, and none if fewer than about one in a hundred is shared.
func (s *Store) OtherSources(ctx context.Context, pipeline, runID, source string) (ids int64, sources []string,
	err error) {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(problemSettings))
	var n uint64
	for _, part := range []string{sampled, ""} {
		err := s.retry(ctx, func(ctx context.Context) error {
			return s.conn.QueryRow(ctx, fmt.Sprintf(otherSources, part), clickhouse.Named("pipeline", pipeline),
				clickhouse.Named("run", runID), clickhouse.Named("source", source)).Scan(&n, &sources)
		})
		if err != nil {
			return 0, nil, fmt.Errorf("look for ids of other sources: %w", err)
		}
		if n == 0 {
			return 0, nil, nil
		}
	}
	return int64(n), sources, nil //nolint:gosec // a count
}
