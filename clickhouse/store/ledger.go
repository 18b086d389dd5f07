package store

import (
	"context"
	"fmt"
	"iter"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/transaction"
)

// Ledger yields the entries of a run for one file, or one partition of a topic, in the order of their positions.
func (s *Store) Ledger(ctx context.Context, pipeline, runID, origin string, partition int32) iter.Seq2[batch.LedgerRow, error] {
	return func(yield func(batch.LedgerRow, error) bool) {
		rows, err := s.query(ctx, `SELECT position, id, content_hash, toString(outcome) FROM outcomes FINAL
WHERE pipeline = {pipeline:String} AND run_id = {run:String} AND origin = {origin:String} AND partition = {partition:Int32}
ORDER BY position`,
			clickhouse.Named("pipeline", pipeline), clickhouse.Named("run", runID), clickhouse.Named("origin", origin),
			clickhouse.Named("partition", fmt.Sprint(partition)))
		if err != nil {
			yield(batch.LedgerRow{}, err)
			return
		}
		defer func() { _ = rows.Close() }() // it was only read
		for rows.Next() {
			var row batch.LedgerRow
			if err := rows.Scan(&row.Position, (*uuid.UUID)(&row.ID), &row.ContentHash, (*string)(&row.Outcome)); err != nil {
				yield(row, err)
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(batch.LedgerRow{}, s.explain(err))
		}
	}
}

// query reads with the outage waited out: a read may be made again until its first row is there.
func (s *Store) query(ctx context.Context, sql string, args ...any) (rows driver.Rows, err error) {
	err = s.retry(ctx, func(ctx context.Context) error {
		rows, err = s.conn.Query(ctx, sql, args...)
		return err
	})
	return rows, err
}

// problem is a comparison of a run's ledger with the tables: a query that yields id, origin, position and the number of
// all rows it found.
type problem struct {
	kind   batch.FindingKind
	detail string
	sql    string
}

// The run's ledger, as all comparisons below read it.
const ledgerOfRun = `outcomes FINAL WHERE pipeline = {pipeline:String} AND run_id = {run:String}`

var problems = []problem{
	{batch.FindingMissing, "transactions lacks the row that the ledger calls stored, or has an older version of it", `
SELECT l.id, l.origin, l.position, count() OVER ()
FROM (SELECT id, origin, position, version, classified_at FROM ` + ledgerOfRun + ` AND outcome = 'stored') AS l
LEFT JOIN (SELECT id, version, classified_at FROM transactions FINAL) AS t ON l.id = t.id
WHERE (t.version, t.classified_at) < (l.version, l.classified_at)`},
	{batch.FindingChanged, "transactions has another category or content than the ledger, under the same version", `
SELECT l.id, l.origin, l.position, count() OVER ()
FROM (SELECT id, origin, position, version, classified_at, category, content_hash FROM ` + ledgerOfRun + ` AND outcome = 'stored') AS l
INNER JOIN (SELECT id, version, classified_at, category, content_hash FROM transactions FINAL) AS t ON l.id = t.id
WHERE (t.version, t.classified_at) = (l.version, l.classified_at) AND (t.category != l.category OR t.content_hash != l.content_hash)`},
	{batch.FindingInvented, "transactions has a row of this run that the ledger does not call stored", `
SELECT t.id, t.origin, t.position, count() OVER ()
FROM (SELECT id, origin, position FROM transactions FINAL WHERE pipeline = {pipeline:String} AND run_id = {run:String}) AS t
LEFT JOIN (SELECT id, 1 AS there FROM ` + ledgerOfRun + ` AND outcome = 'stored') AS l ON t.id = l.id
WHERE l.there = 0`},
	{batch.FindingDoubled, "the ledger calls this id stored more than once", `
SELECT id, any(origin), max(position), count() OVER () FROM ` + ledgerOfRun + ` AND outcome = 'stored' GROUP BY id HAVING count() > 1`},
	{batch.FindingNoLetter, "dead_letters lacks the row", `
SELECT l.id, l.origin, l.position, count() OVER ()
FROM (SELECT id, origin, origin_digest, partition, position FROM ` + ledgerOfRun + ` AND outcome IN ('rejected', 'dead_letter')) AS l
LEFT JOIN (SELECT origin, origin_digest, partition, position, 1 AS there FROM dead_letters FINAL) AS d
ON l.origin = d.origin AND l.origin_digest = d.origin_digest AND l.partition = d.partition AND l.position = d.position
WHERE d.there = 0`},
}

// Joins and groups that outgrow memory go through the server's disk.
var problemSettings = clickhouse.Settings{"join_algorithm": "full_sorting_merge", "max_bytes_before_external_sort": 256 << 20,
	"max_bytes_before_external_group_by": 256 << 20}

// Both sides of a run in one reading each: how many rows, and two independent sums over their contents. Where they are
// the same nothing is missing, changed, invented or doubled, and the joins can be spared. They differ too, rightly, once
// a later run has classified some of the rows anew.
const agreement = `
SELECT l.rows = t.rows AND l.sum = t.sum AND l.bits = t.bits
FROM (SELECT count() AS rows, sum(cityHash64` + state + `) AS sum, groupBitXor(sipHash64` + state + `) AS bits
    FROM ` + ledgerOfRun + ` AND outcome = 'stored') AS l,
(SELECT count() AS rows, sum(cityHash64` + state + `) AS sum, groupBitXor(sipHash64` + state + `) AS bits
    FROM transactions FINAL WHERE pipeline = {pipeline:String} AND run_id = {run:String}) AS t`

// What ledger and transactions must agree on, row by row.
const state = "(id, version, classified_at, category, content_hash)"

// Problems compares a run's ledger with transactions and dead_letters and returns what does not fit, with the first of
// each kind.
func (s *Store) Problems(ctx context.Context, pipeline, runID string, limit int) (batch.Findings, error) {
	found := batch.Findings{Limit: limit}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(problemSettings))
	agree, err := s.agree(ctx, pipeline, runID)
	if err != nil {
		return found, fmt.Errorf("compare the ledger with transactions: %w", err)
	}
	for _, p := range problems {
		if agree && p.kind != batch.FindingNoLetter {
			continue
		}
		first, n, err := s.problem(ctx, p, pipeline, runID, max(limit, 1))
		if err != nil {
			return found, fmt.Errorf("compare the ledger with the tables (%s): %w", p.kind, err)
		}
		found.Add(n, first...)
	}
	return found, nil
}

func (s *Store) agree(ctx context.Context, pipeline, runID string) (agree bool, err error) {
	rows, err := s.query(ctx, agreement, clickhouse.Named("pipeline", pipeline), clickhouse.Named("run", runID))
	if err != nil {
		return false, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	var same uint8
	for rows.Next() {
		if err := rows.Scan(&same); err != nil {
			return false, err
		}
	}
	return same == 1, s.explain(rows.Err())
}

func (s *Store) problem(ctx context.Context, p problem, pipeline, runID string, limit int) (first []batch.Finding, n int64, err error) {
	rows, err := s.query(ctx, p.sql+fmt.Sprintf(" LIMIT %d", limit), clickhouse.Named("pipeline", pipeline), clickhouse.Named("run", runID))
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var id uuid.UUID
		var all uint64
		f := batch.Finding{Kind: p.kind, Detail: p.detail}
		if err := rows.Scan(&id, &f.Origin, &f.Position, &all); err != nil {
			return nil, 0, err
		}
		if id != uuid.Nil {
			f.ID = transaction.ID(id).String()
		}
		n = int64(all) //nolint:gosec // a count
		first = append(first, f)
	}
	return first, n, s.explain(rows.Err())
}

// CountOutcomes counts the entries of a run in the ledger by outcome.
func (s *Store) CountOutcomes(ctx context.Context, pipeline, runID string) (map[batch.Outcome]int64, error) {
	rows, err := s.query(ctx, "SELECT toString(outcome), count() FROM "+ledgerOfRun+" GROUP BY outcome", clickhouse.Named("pipeline", pipeline), clickhouse.Named("run", runID))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	counts := map[batch.Outcome]int64{}
	for rows.Next() {
		var outcome string
		var n uint64
		if err := rows.Scan(&outcome, &n); err != nil {
			return nil, err
		}
		counts[batch.Outcome(outcome)] = int64(n) //nolint:gosec // a count
	}
	return counts, s.explain(rows.Err())
}
