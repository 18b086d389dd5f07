package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
)

// columns are a table's columns with their types, in the order in which they are sent. Sending the types along spares a
// DESCRIBE before each insert.
type columns []clickhouse.ColumnNameAndType

// statement is the insert for a table.
func (c columns) statement(table string) string {
	names := make([]string, len(c))
	for i := range c {
		names[i] = c[i].Name
	}
	return fmt.Sprintf("INSERT INTO %s (%s)", table, strings.Join(names, ", "))
}

// Inserts are of one block each. ClickHouse's deduplication of inserted blocks is off: the tables' keys see to that,
// and a block that is loaded again to restore what was lost must not be dropped for having been seen. Nor is a block
// collapsed by its key while it comes in: merges and FINAL do that, and it is more than half of an insert's time.
var insertSettings = clickhouse.Settings{"insert_deduplicate": 0, "max_partitions_per_insert_block": 0,
	"async_insert": 0, "optimize_on_insert": 0}

const microTimestamp = "DateTime64(6, 'UTC')"

var deadLetterColumns = columns{
	{Name: "pipeline", Type: "String"}, {Name: "run_id", Type: "String"}, {Name: "source", Type: "String"},
	{Name: "origin", Type: "String"},
	{Name: "origin_digest", Type: "String"}, {Name: "partition", Type: "Int32"}, {Name: "position", Type: "UInt64"},
	{Name: "id", Type: "UUID"},
	{Name: "source_id", Type: "String"}, {Name: "content_hash", Type: "UInt64"}, {Name: "outcome", Type: "String"},
	{Name: "column", Type: "String"},
	{Name: "code", Type: "String"}, {Name: "message", Type: "String"}, {Name: "raw", Type: "String"},
	{Name: "attempt", Type: "UInt16"},
	{Name: "model_version", Type: "String"}, {Name: "trace_id", Type: "String"}, {Name: "span_id", Type: "String"},
	{Name: "at", Type: microTimestamp},
	{Name: "version_us", Type: "Int64"}, {Name: "first_seen", Type: microTimestamp},
}

var deadLetterInsert = deadLetterColumns.statement("incoming_dead_letters")

// InsertDeadLetters stores dead letters and their ledger entries: one block, one insert. One that an earlier run stored
// keeps the time at which it was first seen.
func (s *Store) InsertDeadLetters(ctx context.Context, info ledger.RunInfo, rows []ledger.DeadLetter) error {
	seen, err := s.firstSeen(ctx, rows)
	if err != nil {
		return err
	}
	return s.insertRows(ctx, deadLetterInsert, deadLetterColumns, len(rows), func(i int) []any {
		r := &rows[i]
		var id uuid.UUID
		if r.ID != nil {
			id = uuid.UUID(*r.ID)
		}
		var attempt uint16
		var model, traceID, spanID string
		if c := r.Call; c != nil {
			attempt, model, traceID, spanID = uint16(min(c.Attempt, 1<<16-1)), c.Model, c.TraceID, c.SpanID
		}
		return []any{info.Pipeline, info.RunID, info.Source, r.Origin.Origin, r.Origin.Digest, r.Origin.Partition,
			r.Origin.Position, id,
			r.SourceID, r.ContentHash, string(r.Outcome), r.Column, string(r.Code), r.Message, r.Raw, attempt, model, traceID,
			spanID, r.At.UTC(), r.Version, seen[r.Origin]}
	})
}

var duplicateColumns = columns{
	{Name: "pipeline", Type: "String"}, {Name: "run_id", Type: "String"}, {Name: "origin", Type: "String"},
	{Name: "partition", Type: "Int32"},
	{Name: "position", Type: "UInt64"}, {Name: "source", Type: "String"}, {Name: "origin_digest", Type: "String"},
	{Name: "id", Type: "UUID"},
	{Name: "content_hash", Type: "UInt64"}, {Name: "outcome", Type: "String"}, {Name: "first_origin", Type: "String"},
	{Name: "first_position", Type: "UInt64"},
}

var duplicateInsert = duplicateColumns.statement("outcomes")

// InsertDuplicates stores the ledger entries of rows that repeat others.
func (s *Store) InsertDuplicates(ctx context.Context, info ledger.RunInfo, rows []ledger.Duplicate) error {
	return s.insertRows(ctx, duplicateInsert, duplicateColumns, len(rows), func(i int) []any {
		r := &rows[i]
		return []any{info.Pipeline, info.RunID, r.Origin.Origin, r.Origin.Partition, r.Origin.Position, info.Source,
			r.Origin.Digest, uuid.UUID(r.ID), r.ContentHash, string(ledger.OutcomeDuplicate), r.FirstOrigin, r.FirstPosition}
	})
}

// insertRows sends one block by rows, for what is seldom.
func (s *Store) insertRows(ctx context.Context, sql string, cols columns, n int, row func(int) []any) error {
	return s.send(ctx, sql, cols, func(b driver.Batch) error {
		for i := range n {
			if err := b.Append(row(i)...); err != nil {
				return fault.Failf(fault.ExitFault, "row %d: %w", i, err)
			}
		}
		return nil
	})
}

func (s *Store) send(ctx context.Context, sql string, cols columns, fill func(driver.Batch) error) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(insertSettings), clickhouse.WithColumnNamesAndTypes(cols))
	return s.retry(ctx, func(ctx context.Context) error {
		b, err := s.conn.PrepareBatch(ctx, sql)
		if err != nil {
			return err
		}
		defer func() { _ = b.Close() }() // after Send it does nothing
		if err := fill(b); err != nil {
			return err
		}
		return b.Send()
	})
}

// inputError says that the rows to insert could not be had: it is none of ClickHouse's.
type inputError struct{ err error }

func (e *inputError) Error() string { return e.err.Error() }
func (e *inputError) Unwrap() error { return e.err }

func flag(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
