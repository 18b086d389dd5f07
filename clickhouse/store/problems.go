package store

import (
	"context"
	"fmt"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/transaction"
)

// problem is a comparison of a run's ledger with the tables: a statement that yields id, origin, position and the
// number of all rows it found.
type problem struct {
	kind   ledger.FindingKind
	detail string
	name   string // of the statement
}

var problems = []problem{
	{ledger.FindingMissing, lacksRow, "ledger/missing"},
	{ledger.FindingChanged, otherContents, "ledger/changed"},
	{ledger.FindingInvented, "transactions has a row of this run that the ledger does not call stored",
		"ledger/invented"},
	{ledger.FindingDoubled, "the ledger calls this id stored more than once", "ledger/doubled"},
	{ledger.FindingNoDeadLetter, lacksDeadLetter, "ledger/no_dead_letter"},
}

const (
	lacksRow        = "transactions lacks the row that the ledger calls stored, or has an older version of it"
	otherContents   = "transactions has another category or content than the ledger, under the same version"
	lacksDeadLetter = "dead_letters lacks the row"
)

// What a comparison reads of transactions.
//
// A run's rows can only be in parts that were written, merged or mutated since its first ledger entry was recorded, by
// the clock of the same server; and a row found there with the ledger's version or a newer one is stored, whatever
// other parts hold. So recentParts proves that nothing is wrong, at a cost that follows the run and not the table.
// Parts may change their names while it reads, and clocks may jump: what it finds counts only if allParts finds it,
// too.
var (
	allParts    = "1"
	recentParts = statements.Piece("ledger/recent")
)

// Joins and groups that outgrow memory go through the server's disk.
var problemSettings = clickhouse.Settings{"join_algorithm": "full_sorting_merge",
	"max_bytes_before_external_sort":     256 << 20,
	"max_bytes_before_external_group_by": 256 << 20}

// Problems compares a run's ledger with transactions and dead_letters and returns what does not fit, with the first of
// each kind.
func (s *Store) Problems(ctx context.Context, pipeline, runID string, limit int) (ledger.Findings, error) {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(problemSettings))
	c := comparison{store: s, pipeline: pipeline, runID: runID, limit: limit, parts: recentParts}
	found, err := c.problems(ctx)
	if err == nil && found.Total() == 0 {
		return found, nil
	}
	if err != nil && !denied[Code(err)] { // a reader without a grant on system.parts reads everything
		return found, err
	}
	c.parts = allParts
	return c.problems(ctx)
}

// comparison is one comparison of a run's ledger with the tables.
type comparison struct {
	store           *Store
	pipeline, runID string
	limit           int
	parts           string // which parts of transactions are read
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

func (c *comparison) query(ctx context.Context, name string, more ...string) (driver.Rows, error) {
	return c.store.query(ctx, statements.With(name, "parts", c.parts),
		named(append(more, "pipeline", c.pipeline, "run", c.runID)...)...)
}

func (c *comparison) agree(ctx context.Context) (agree bool, err error) {
	rows, err := c.query(ctx, "ledger/agreement")
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
	rows, err := c.query(ctx, p.name, "limit", itoa(max(c.limit, 1)))
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
		n = int64(all)
		first = append(first, f)
	}
	return first, n, c.store.explain(rows.Err())
}
