package streamcmd

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/readers"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/status"
	"github.com/txflow/txflow/stream/watch"
)

// watchReaders serves readiness and metrics of ClickHouse's Kafka tables until it is stopped.
func watchReaders(c *cli.Context, rt *app.Runtime, at *kafka.Status, db *store.Store) error {
	follow, registry := readers.Follow(c.Duration("stalled-after"), at, db)
	stop, err := ServeWatch(c.Context, c.String("watch-addr"), follow.Ready, registry, rt.Stderr)
	if err != nil {
		return err
	}
	defer stop()
	last := map[string]string{}
	return follow.Run(c.Context, func(ctx context.Context, seen watch.Seen, v status.Verdict) error {
		if before := last[seen.Reader.Table]; v.Text != "" && before == "" {
			rt.Log.ErrorContext(ctx, "ClickHouse's Kafka table does not progress", "table", seen.Reader.Table, "why", v.Text)
		} else if v.Text == "" && before != "" {
			rt.Log.InfoContext(ctx, "ClickHouse's Kafka table progresses again", "table", seen.Reader.Table)
		}
		last[seen.Reader.Table] = v.Text
		return nil
	})
}
