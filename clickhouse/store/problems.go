package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/transaction"
)

// problem is a comparison of a run's ledger with the tables: a query that yields id, origin, position and the number of
// all rows it found. It reads transactions as {{transactions}}.
type problem struct {
	kind   ledger.FindingKind
	detail string
	sql    string
}

// The run's ledger, as all comparisons below read it.
const ledgerOfRun = `outcomes FINAL WHERE pipeline = {pipeline:String} AND run_id = {run:String}`

var problems = []problem{
	{ledger.FindingMissing, "transactions lacks the row that the ledger calls stored, or has an older version of it", `
SELECT l.id, l.origin, l.position, count() OVER ()
FROM (SELECT id, origin, position, version, classified_at FROM ` + ledgerOfRun + ` AND outcome = 'stored') AS l
LEFT JOIN (SELECT id, version, classified_at FROM {{transactions}}) AS t ON l.id = t.id
WHERE (t.version, t.classified_at) < (l.version, l.classified_at)`},
	{ledger.FindingChanged, "transactions has another category or content than the ledger, under the same version", `
SELECT l.id, l.origin, l.position, count() OVER ()
FROM (SELECT id, origin, position, version, classified_at, category, content_hash FROM ` + ledgerOfRun +
		` AND outcome = 'stored') AS l
INNER JOIN (SELECT id, version, classified_at, category, content_hash FROM {{transactions}}) AS t ON l.id = t.id
WHERE (t.version, t.classified_at) = (l.version, l.classified_at) AND (t.category != l.category OR t.content_hash != l.content_hash)`},
	{ledger.FindingInvented, "transactions has a row of this run that the ledger does not call stored", `
SELECT t.id, t.origin, t.position, count() OVER ()
FROM (SELECT id, origin, position FROM {{transactions}} AND pipeline = {pipeline:String} AND run_id = {run:String}) AS t
LEFT JOIN (SELECT id, 1 AS there FROM ` + ledgerOfRun + ` AND outcome = 'stored') AS l ON t.id = l.id
WHERE l.there = 0`},
	{ledger.FindingDoubled, "the ledger calls this id stored more than once", `
SELECT id, any(origin), max(position), count() OVER () FROM ` + ledgerOfRun + ` AND outcome = 'stored'
GROUP BY id HAVING count() > 1`},
	{ledger.FindingNoDeadLetter, "dead_letters lacks the row", `
WITH l AS (SELECT id, origin, origin_digest, partition, position FROM ` + ledgerOfRun +
		` AND outcome IN ('rejected', 'dead_letter'))
SELECT l.id, l.origin, l.position, count() OVER ()
FROM l LEFT JOIN (SELECT origin, origin_digest, partition, position, 1 AS there FROM dead_letters FINAL
    WHERE (origin, origin_digest) IN (SELECT origin, origin_digest FROM l)) AS d
ON l.origin = d.origin AND l.origin_digest = d.origin_digest AND l.partition = d.partition AND l.position = d.position
WHERE d.there = 0`},
}

// Both sides of a run in one reading each: how many rows, and two independent sums over their contents. Where they are
// the same nothing is missing, changed, invented or doubled, and the joins can be spared. They differ too, rightly,
// once a later run has replaced some of the rows.
const agreement = `
SELECT l.rows = t.rows AND l.sum = t.sum AND l.bits = t.bits
FROM (SELECT count() AS rows, sum(cityHash64` + state + `) AS sum, groupBitXor(sipHash64` + state + `) AS bits
    FROM ` + ledgerOfRun + ` AND outcome = 'stored') AS l,
(SELECT count() AS rows, sum(cityHash64` + state + `) AS sum, groupBitXor(sipHash64` + state + `) AS bits
    FROM {{transactions}} AND pipeline = {pipeline:String} AND run_id = {run:String}) AS t`

// What ledger and transactions must agree on, row by row.
const state = "(id, version, classified_at, category, content_hash)"

// What a comparison reads for {{transactions}}.
//
// A run's rows can only be in parts that were written, merged or mutated since its first ledger entry was recorded, by
// the clock of the same server; and a row found there with the ledger's version or a newer one is stored, whatever
// other parts hold. So recentParts proves that nothing is wrong, at a cost that follows the run and not the table.
// Parts may change their names while it reads, and clocks may jump: what it finds counts only if allParts finds it,
// too.
const (
	allParts    = `transactions FINAL WHERE 1`
	recentParts = `transactions FINAL WHERE _part IN (
    SELECT name FROM system.parts WHERE database = currentDatabase() AND table = 'transactions' AND active AND modification_time >= (
        SELECT min(recorded_at) - toIntervalMinute(1) FROM outcomes WHERE pipeline = {pipeline:String} AND run_id = {run:String}))`
)

// Joins and groups that outgrow memory go through the server's disk.
var problemSettings = clickhouse.Settings{"join_algorithm": "full_sorting_merge",
	"max_bytes_before_external_sort":     256 << 20,
	"max_bytes_before_external_group_by": 256 << 20}

// Problems compares a run's ledger with transactions and dead_letters and returns what does not fit, with the first of
// each kind.
func (s *Store) Problems(ctx context.Context, pipeline, runID string, limit int) (ledger.Findings, error) {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(problemSettings))
	c := comparison{store: s, pipeline: pipeline, runID: runID, limit: limit, transactions: recentParts}
	found, err := c.problems(ctx)
	if err == nil && found.Total() == 0 {
		return found, nil
	}
	if err != nil && Code(err) != codeAccessDenied { // a reader without a grant on system.parts reads everything
		return found, err
	}
	c.transactions = allParts
	return c.problems(ctx)
}

// comparison is one comparison of a run's ledger with the tables.
type comparison struct {
	store           *Store
	pipeline, runID string
	limit           int
	transactions    string // what is read for {{transactions}}
}

func (c *comparison) problems(ctx context.Context) (ledger.Findings, error) {
	found := ledger.Findings{Limit: c.limit}
	agree, err := c.agree(ctx)
	if err != nil {
		return found, fmt.Errorf("compare the ledger with transactions: %w", err)
	}
	for _, p := range problems {
		if agree && p.kind != ledger.FindingNoDeadLetter {
			continue
		}
		first, n, err := c.problem(ctx, p)
		if err != nil {
			return found, fmt.Errorf("compare the ledger with the tables (%s): %w", p.kind, err)
		}
		found.Add(n, first...)
	}
	return found, nil
}

func (c *comparison) sql(template string) string {
	return strings.ReplaceAll(template, "{{transactions}}", c.transactions)
}

func (c *comparison) arguments() []any {
	return []any{clickhouse.Named("pipeline", c.pipeline), clickhouse.Named("run", c.runID)}
}

func (c *comparison) agree(ctx context.Context) (agree bool, err error) {
	rows, err := c.store.query(ctx, c.sql(agreement), c.arguments()...)
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
	return same == 1, c.store.explain(rows.Err())
}

func (c *comparison) problem(ctx context.Context, p problem) (first []ledger.Finding, n int64, err error) {
	rows, err := c.store.query(ctx, c.sql(p.sql)+fmt.Sprintf(" LIMIT %d", max(c.limit, 1)), c.arguments()...)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var id uuid.UUID
		var all uint64
		f := ledger.Finding{Kind: p.kind, Detail: p.detail}
		if err := rows.Scan(&id, &f.Origin, &f.Position, &all); err != nil {
			return nil, 0, err
		}
		if id != uuid.Nil {
			f.ID = transaction.ID(id).String()
		}
		n = int64(all) //nolint:gosec // a count
		first = append(first, f)
	}
	return first, n, c.store.explain(rows.Err())
}
