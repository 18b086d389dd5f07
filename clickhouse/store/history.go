package store

import (
	"context"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/batch"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

const milliTimestamp = "DateTime64(3, 'UTC')"

var runColumns = columns{
	{Name: "run_id", Type: "String"}, {Name: "pipeline", Type: "LowCardinality(String)"}, {Name: "source", Type: "String"},
	{Name: "status", Type: "LowCardinality(String)"}, {Name: "files", Type: "UInt32"}, {Name: "rows_in", Type: "UInt64"},
	{Name: "accepted", Type: "UInt64"}, {Name: "rejected", Type: "UInt64"}, {Name: "duplicates", Type: "UInt64"},
	{Name: "predicted", Type: "UInt64"}, {Name: "dead_lettered", Type: "UInt64"}, {Name: "stored", Type: "UInt64"},
	{Name: "error", Type: "String"}, {Name: "trace_id", Type: "String"}, {Name: "started_at", Type: milliTimestamp},
	{Name: "finished_at", Type: "Nullable(" + milliTimestamp + ")"},
	{Name: "lease_until", Type: "Nullable(" + milliTimestamp + ")"},
}

var runInsert = runColumns.statement("runs")

// RecordRun keeps a run's state; the last one recorded counts.
func (s *Store) RecordRun(ctx context.Context, r ledger.RunRecord) error {
	return s.insertRows(ctx, runInsert, runColumns, 1, func(int) []any {
		var finished, lease *time.Time
		if !r.FinishedAt.IsZero() {
			finished = &r.FinishedAt
		}
		if !r.LeaseUntil.IsZero() {
			lease = &r.LeaseUntil
		}
		row := []any{r.RunID, r.Pipeline, r.Source, r.Status, uint32(r.Files)}
		return append(append(row, countColumns(r.Counts)...), r.Error, r.TraceID, r.StartedAt, finished, lease)
	})
}

func countColumns(c ledger.Counts) []any {
	var all []any
	for _, n := range []int64{c.In, c.Accepted, c.Rejected, c.Duplicates, c.Predicted, c.DeadLettered, c.Stored} {
		all = append(all, uint64(max(n, 0)))
	}
	return all
}

var taskColumns = columns{
	{Name: "run_id", Type: "String"}, {Name: "task", Type: "LowCardinality(String)"}, {Name: "task_index", Type: "Int32"},
	{Name: "try", Type: "UInt16"}, {Name: "status", Type: "LowCardinality(String)"}, {Name: "exit_code", Type: "UInt8"},
	{Name: "rows_in", Type: "UInt64"}, {Name: "accepted", Type: "UInt64"}, {Name: "rejected", Type: "UInt64"},
	{Name: "duplicates", Type: "UInt64"}, {Name: "predicted", Type: "UInt64"}, {Name: "dead_lettered", Type: "UInt64"},
	{Name: "stored", Type: "UInt64"}, {Name: "started_at", Type: milliTimestamp}, {Name: "duration_ms", Type: "UInt64"},
	{Name: "trace_id", Type: "String"}, {Name: "error", Type: "String"}, {Name: "manifest", Type: "String"},
}

var taskInsert = taskColumns.statement("task_runs")

// RecordTask keeps one try of a task, with its manifest.
func (s *Store) RecordTask(ctx context.Context, m *batch.Manifest) error {
	line, err := m.Line()
	if err != nil {
		return err
	}
	return s.insertRows(ctx, taskInsert, taskColumns, 1, func(int) []any {
		index := int32(-1)
		if m.Index != nil {
			index = int32(*m.Index)
		}
		row := []any{m.RunID, m.Task, index, uint16(m.Try), m.Status, uint8(m.ExitCode)}
		return append(append(row, countColumns(m.Counts)...), m.StartedAt, uint64(m.DurationMS), m.TraceID, m.Error,
			string(line))
	})
}

// Runs returns the last runs, the newest first. One that says it is running, and whose lease is over, is interrupted.
func (s *Store) Runs(ctx context.Context, limit int) (runs []ledger.RunRecord, err error) {
	err = s.each(ctx, statements.Text("history/runs"), named("limit", itoa(limit)), func(rows driver.Rows) error {
		var r ledger.RunRecord
		var files uint32
		var n [7]uint64
		var finished *time.Time
		if err := rows.Scan(&r.RunID, &r.Pipeline, &r.Source, &r.Status, &files, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5],
			&n[6], &r.Error, &r.TraceID, &r.StartedAt, &finished); err != nil {
			return err
		}
		r.Files = int(files)
		r.Counts = ledger.Counts{In: int64(n[0]), Accepted: int64(n[1]), Rejected: int64(n[2]), Duplicates: int64(n[3]),
			Predicted: int64(n[4]), DeadLettered: int64(n[5]), Stored: int64(n[6])}
		if finished != nil {
			r.FinishedAt = *finished
		}
		runs = append(runs, r)
		return nil
	})
	return runs, err
}
