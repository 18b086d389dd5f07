package store

import (
	"context"
	"embed"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/txflow/txflow/internal/sqlfile"
)

//go:embed sql
var sqlFiles embed.FS

// statements are the files below sql, by their paths.
var statements = sqlfile.MustLoad(sqlFiles, "sql")

// named are the parameters of a statement: a name and its value after another.
func named(pairs ...string) []any {
	args := make([]any, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		args = append(args, clickhouse.Named(pairs[i], pairs[i+1]))
	}
	return args
}

// micros is a time as statements take it, in microseconds since 1970; "" for the zero time, which bounds nothing.
func micros(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMicro(), 10)
}

// zeroOne is a condition as statements take it.
func zeroOne(is bool) string { return strconv.Itoa(int(flag(is))) }

func itoa(n int) string { return strconv.Itoa(n) }

// row scans the only row of the statement of a file.
func (s *Store) row(ctx context.Context, name string, args []any, dest ...any) error {
	return s.retry(ctx, func(ctx context.Context) error {
		return s.conn.QueryRow(ctx, statements.Text(name), args...).Scan(dest...)
	})
}
