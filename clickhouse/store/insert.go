package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/batch"
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

// Inserts are of one block each. ClickHouse's deduplication of inserted blocks is off: the tables' keys see to that, and a
// block that is loaded again to mend what was lost must not be dropped for having been seen. Nor is a block collapsed by
// its key while it comes in: merges and FINAL do that, and it is more than half of an insert's time.
var insertSettings = clickhouse.Settings{"insert_deduplicate": 0, "max_partitions_per_insert_block": 0, "async_insert": 0, "optimize_on_insert": 0}

const microTimestamp = "DateTime64(6, 'UTC')"

var classifiedColumns = columns{
	{Name: "id", Type: "UUID"}, {Name: "source", Type: "String"}, {Name: "source_id", Type: "String"}, {Name: "description", Type: "String"},
	{Name: "amount_e4", Type: "Int64"}, {Name: "timestamp_us", Type: "Int64"}, {Name: "merchant", Type: "String"}, {Name: "merchant_null", Type: "UInt8"},
	{Name: "operation_type", Type: "String"}, {Name: "side", Type: "UInt8"}, {Name: "category", Type: "String"}, {Name: "model_version", Type: "String"},
	{Name: "classified_us", Type: "Int64"}, {Name: "pipeline", Type: "String"}, {Name: "run_id", Type: "String"}, {Name: "task_try", Type: "UInt16"},
	{Name: "origin", Type: "String"}, {Name: "origin_digest", Type: "String"}, {Name: "partition", Type: "Int32"}, {Name: "position", Type: "UInt64"},
	{Name: "chunk", Type: "String"}, {Name: "content_hash", Type: "UInt64"}, {Name: "attempt", Type: "UInt16"}, {Name: "trace_id", Type: "String"},
	{Name: "span_id", Type: "String"}, {Name: "sampled", Type: "UInt8"}, {Name: "origin_trace_id", Type: "String"},
}

var classifiedInsert = classifiedColumns.statement("incoming_classified")

// InsertClassified stores rows and their ledger entries: one block, one insert. It waits out an outage.
func (s *Store) InsertClassified(ctx context.Context, info batch.RunInfo, rows []batch.Classified) error {
	return s.insert(ctx, classifiedInsert, classifiedColumns, classifiedBlock(info, rows))
}

// classifiedBlock lays rows out by column, in the order of classifiedColumns.
func classifiedBlock(info batch.RunInfo, rows []batch.Classified) []any {
	n := len(rows)
	id, sourceID, description := make([]uuid.UUID, n), make([]string, n), make([]string, n)
	amount, timestamp, merchant, merchantNull := make([]int64, n), make([]int64, n), make([]string, n), make([]uint8, n)
	operation, side, category, model := make([]string, n), make([]uint8, n), make([]string, n), make([]string, n)
	classifiedAt, origin, digest := make([]int64, n), make([]string, n), make([]string, n)
	partition, position, hash := make([]int32, n), make([]uint64, n), make([]uint64, n)
	attempt, traceID, spanID, sampled := make([]uint16, n), make([]string, n), make([]string, n), make([]uint8, n)
	for i := range rows {
		r := &rows[i]
		t, call := &r.Transaction, r.Call
		id[i], sourceID[i], description[i] = uuid.UUID(t.ID), t.SourceID, t.Description
		amount[i], timestamp[i], merchant[i], merchantNull[i] = int64(t.Amount), t.Timestamp.UnixMicro(), t.Merchant, flag(!t.HasMerchant)
		operation[i], side[i], category[i], model[i] = t.OperationType, uint8(t.Side), r.Category.String(), call.Model
		classifiedAt[i], origin[i], digest[i] = call.AnsweredAt.UnixMicro(), r.Origin.Origin, r.Origin.Digest
		partition[i], position[i], hash[i] = r.Origin.Partition, r.Origin.Position, r.ContentHash
		attempt[i], traceID[i], spanID[i], sampled[i] = uint16(min(call.Attempt, 1<<16-1)), call.TraceID, call.SpanID, flag(call.Sampled) //nolint:gosec // bounded
	}
	return []any{id, repeated(info.Source, n), sourceID, description, amount, timestamp, merchant, merchantNull, operation, side, category, model,
		classifiedAt, repeated(info.Pipeline, n), repeated(info.RunID, n), repeated(uint16(info.TaskTry), n), origin, digest, partition, position, //nolint:gosec // small
		repeated(info.Chunk, n), hash, attempt, traceID, spanID, sampled, repeated(info.OriginTraceID, n)}
}

var deadLetterColumns = columns{
	{Name: "pipeline", Type: "String"}, {Name: "run_id", Type: "String"}, {Name: "source", Type: "String"}, {Name: "origin", Type: "String"},
	{Name: "origin_digest", Type: "String"}, {Name: "partition", Type: "Int32"}, {Name: "position", Type: "UInt64"}, {Name: "id", Type: "UUID"},
	{Name: "source_id", Type: "String"}, {Name: "content_hash", Type: "UInt64"}, {Name: "outcome", Type: "String"}, {Name: "column", Type: "String"},
	{Name: "code", Type: "String"}, {Name: "message", Type: "String"}, {Name: "raw", Type: "String"}, {Name: "attempt", Type: "UInt16"},
	{Name: "model_version", Type: "String"}, {Name: "trace_id", Type: "String"}, {Name: "span_id", Type: "String"}, {Name: "at", Type: microTimestamp},
}

var deadLetterInsert = deadLetterColumns.statement("incoming_dead_letters")

// InsertDeadLetters stores dead letters and their ledger entries: one block, one insert.
func (s *Store) InsertDeadLetters(ctx context.Context, info batch.RunInfo, rows []batch.DeadLetter) error {
	return s.insertRows(ctx, deadLetterInsert, deadLetterColumns, len(rows), func(i int) []any {
		r := &rows[i]
		var id uuid.UUID
		if r.ID != nil {
			id = uuid.UUID(*r.ID)
		}
		var attempt uint16
		var model, traceID, spanID string
		if c := r.Call; c != nil {
			attempt, model, traceID, spanID = uint16(min(c.Attempt, 1<<16-1)), c.Model, c.TraceID, c.SpanID //nolint:gosec // bounded
		}
		return []any{info.Pipeline, info.RunID, info.Source, r.Origin.Origin, r.Origin.Digest, r.Origin.Partition, r.Origin.Position, id,
			r.SourceID, r.ContentHash, string(r.Outcome), r.Column, string(r.Code), r.Message, r.Raw, attempt, model, traceID, spanID, r.At.UTC()}
	})
}

var duplicateColumns = columns{
	{Name: "pipeline", Type: "String"}, {Name: "run_id", Type: "String"}, {Name: "origin", Type: "String"}, {Name: "partition", Type: "Int32"},
	{Name: "position", Type: "UInt64"}, {Name: "source", Type: "String"}, {Name: "origin_digest", Type: "String"}, {Name: "id", Type: "UUID"},
	{Name: "content_hash", Type: "UInt64"}, {Name: "outcome", Type: "String"}, {Name: "first_origin", Type: "String"}, {Name: "first_position", Type: "UInt64"},
}

var duplicateInsert = duplicateColumns.statement("outcomes")

// InsertDuplicates stores the ledger entries of rows that repeat others.
func (s *Store) InsertDuplicates(ctx context.Context, info batch.RunInfo, rows []batch.Duplicate) error {
	return s.insertRows(ctx, duplicateInsert, duplicateColumns, len(rows), func(i int) []any {
		r := &rows[i]
		return []any{info.Pipeline, info.RunID, r.Origin.Origin, r.Origin.Partition, r.Origin.Position, info.Source, r.Origin.Digest,
			uuid.UUID(r.ID), r.ContentHash, string(batch.OutcomeDuplicate), r.FirstOrigin, r.FirstPosition}
	})
}

// insert sends one block by columns.
func (s *Store) insert(ctx context.Context, sql string, cols columns, block []any) error {
	return s.send(ctx, sql, cols, func(b driver.Batch) error {
		for i, column := range block {
			if err := b.Column(i).Append(column); err != nil {
				return fmt.Errorf("column %s: %w", cols[i].Name, err)
			}
		}
		return nil
	})
}

// insertRows sends one block by rows, for what is seldom.
func (s *Store) insertRows(ctx context.Context, sql string, cols columns, n int, row func(int) []any) error {
	return s.send(ctx, sql, cols, func(b driver.Batch) error {
		for i := range n {
			if err := b.Append(row(i)...); err != nil {
				return fmt.Errorf("row %d: %w", i, err)
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
			return batch.Fail(batch.ExitFault, err)
		}
		return b.Send()
	})
}

func repeated[T any](v T, n int) []T {
	s := make([]T, n)
	for i := range s {
		s[i] = v
	}
	return s
}

func flag(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
