package store

import (
	"context"
	"fmt"
	"strconv"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/transaction"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

func streamArgs(r *ledger.StreamRange, more ...string) []any {
	return named(append(more, "group", r.Group, "topic", r.Topic, "log", r.Log, "partition", itoa(int(r.Partition)),
		"from", strconv.FormatInt(r.From, 10), "to", strconv.FormatInt(r.To, 10))...)
}

// StreamLedger returns the entries of a range, by their offsets. Entries that were delivered again, and are the same,
// are one.
func (s *Store) StreamLedger(ctx context.Context, r ledger.StreamRange) (out []ledger.StreamEntry, err error) {
	err = s.each(ctx, statements.Text("stream/entries"), streamArgs(&r), func(rows driver.Rows) error {
		var e ledger.StreamEntry
		var offset uint64
		if err := rows.Scan(&offset, (*uuid.UUID)(&e.ID), &e.ContentHash, (*string)(&e.Outcome), (*string)(&e.Code),
			&e.Source, &e.Variants); err != nil {
			return err
		}
		e.Offset = int64(offset) // Kafka's offsets are signed
		out = append(out, e)
		return nil
	})
	return out, err
}

// They read only what the ids and offsets of the range name.
var streamProblems = []problem{
	{ledger.FindingMissing, lacksRow, "stream/missing"},
	{ledger.FindingChanged, otherContents, "stream/changed"},
	{ledger.FindingNoDeadLetter, lacksDeadLetter, "stream/no_dead_letter"},
}

// StreamProblems compares the entries of a range with transactions and dead_letters and returns what does not fit, with
// the first of each kind.
func (s *Store) StreamProblems(ctx context.Context, r ledger.StreamRange, limit int) (ledger.Findings, error) {
	found := ledger.Findings{Limit: limit}
	for _, p := range streamProblems {
		if err := s.streamProblem(ctx, p, &r, &found); err != nil {
			return found, fmt.Errorf("compare the ledger with the tables (%s): %w", p.kind, err)
		}
	}
	return found, nil
}

func (s *Store) streamProblem(ctx context.Context, p problem, r *ledger.StreamRange, found *ledger.Findings) error {
	var first []ledger.Finding
	var all uint64
	args := streamArgs(r, "limit", itoa(max(found.Limit, 1)))
	err := s.each(ctx, statements.Text(p.name), args, func(rows driver.Rows) error {
		f := ledger.Finding{Kind: p.kind, Detail: p.detail}
		var id uuid.UUID
		if err := rows.Scan(&id, &f.Origin, &f.Position, &all); err != nil {
			return err
		}
		if f.Origin = fmt.Sprintf("%s/%d", f.Origin, r.Partition); id != uuid.Nil {
			f.ID = transaction.ID(id).String()
		}
		first = append(first, f)
		return nil
	})
	found.Add(int64(all), first...)
	return err
}
