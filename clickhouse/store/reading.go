package store

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Bounds make a store read only, by ClickHouse's own settings, and say what one of its queries may cost. A query that
// needs more fails; nothing is cut off.
type Bounds struct {
	Time   time.Duration
	Memory int64 // bytes
	Rows   int   // of a result
}

// settings are sent with every statement. readonly = 2 lets a statement set formats and limits, and write nothing.
func (b *Bounds) settings() clickhouse.Settings {
	return clickhouse.Settings{"readonly": 2, "max_execution_time": max(int(b.Time.Seconds()), 1),
		"timeout_overflow_mode": "throw",
		"max_memory_usage":      b.Memory, "max_result_rows": b.Rows, "result_overflow_mode": "throw"}
}

// Select runs a query of somebody else's and appends its rows to dest, a pointer to a slice of structs with ch tags.
// Values reach ClickHouse beside the statement, as the parameters {name:Type} that it names.
func (s *Store) Select(ctx context.Context, dest any, sql string, values map[string]string) error {
	args := make([]any, 0, len(values))
	for name, value := range values {
		args = append(args, clickhouse.Named(name, value))
	}
	return s.retry(ctx, func(ctx context.Context) error { return s.conn.Select(ctx, dest, sql, args...) })
}
