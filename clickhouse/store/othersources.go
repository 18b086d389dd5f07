package store

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// OtherSources counts the ids of a run that rows of other sources have as well, and names up to four of these sources.
// Only ids that are kept as UUIDs can be shared: of two such rows one replaces the other. It finds what is not merged
// yet, and none if fewer than about one in a hundred is shared.
func (s *Store) OtherSources(ctx context.Context, pipeline, runID, source string) (ids int64, sources []string,
	err error) {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(problemSettings))
	var n uint64
	for _, name := range []string{"ledger/other_sources_sample", "ledger/other_sources"} {
		err := s.retry(ctx, func(ctx context.Context) error {
			return s.conn.QueryRow(ctx, statements.Text(name),
				named("pipeline", pipeline, "run", runID, "source", source)...).Scan(&n, &sources)
		})
		if err != nil {
			return 0, nil, fmt.Errorf("look for ids of other sources: %w", err)
		}
		if n == 0 {
			return 0, nil, nil
		}
	}
	return int64(n), sources, nil
}
