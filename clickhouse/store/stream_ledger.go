package store

import (
	"context"
	"fmt"
	"strconv"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/transaction"
)

// The entries of a range of offsets. Those of older releases name no log; where an offset has one that does, it counts.
const ledgerOfStream = `outcomes WHERE pipeline = 'stream' AND run_id = {group:String} AND origin = {topic:String} AND partition = {partition:Int32}
AND position >= {from:UInt64} AND position < {to:UInt64} AND log_id IN ({log:String}, '')`

const streamEntries = `
SELECT position, any(id), any(content_hash), toString(any(outcome)), any(code), any(source),
    uniqExact((id, content_hash, outcome, code, category, version, classified_at))
FROM ` + ledgerOfStream + `
GROUP BY position, log_id
ORDER BY position, log_id DESC
LIMIT 1 BY position`

func streamArgs(r *ledger.StreamRange) []any {
	return []any{clickhouse.Named("group", r.Group), clickhouse.Named("topic", r.Topic), clickhouse.Named("log", r.Log),
		clickhouse.Named("partition", fmt.Sprint(r.Partition)), clickhouse.Named("from", strconv.FormatInt(r.From, 10)),
		clickhouse.Named("to", strconv.FormatInt(r.To, 10))}
}

// StreamLedger returns the entries of a range, by their offsets. Entries that were delivered again, and are the same,
// are one.
func (s *Store) StreamLedger(ctx context.Context, r ledger.StreamRange) (out []ledger.StreamEntry, err error) {
	rows, err := s.query(ctx, streamEntries, streamArgs(&r)...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var e ledger.StreamEntry
		var offset uint64
		if err := rows.Scan(&offset, (*uuid.UUID)(&e.ID), &e.ContentHash, (*string)(&e.Outcome), (*string)(&e.Code),
			&e.Source, &e.Variants); err != nil {
			return nil, err
		}
		e.Offset = int64(offset) //nolint:gosec // Kafka's offsets are signed
		out = append(out, e)
	}
	return out, s.explain(rows.Err())
}

// Both compare one range with the tables, reading only what its ids and offsets name. A row that was delivered twice is
// there twice until a merge; the newest counts, as in FINAL.
var streamProblems = []problem{
	{ledger.FindingMissing, "transactions lacks the row that the ledger calls stored, or has an older version of it", `
WITH l AS (SELECT DISTINCT id, position, version, classified_at FROM ` + ledgerOfStream + ` AND outcome = 'stored')
SELECT l.id, {topic:String}, l.position, count() OVER ()
FROM l LEFT JOIN (SELECT id, max((version, classified_at)) AS newest FROM transactions WHERE id IN (SELECT id FROM l) GROUP BY id) AS t ON l.id = t.id
WHERE t.newest < (l.version, l.classified_at)`},
	{ledger.FindingChanged, "transactions has another category or content than the ledger, under the same version", `
WITH l AS (SELECT DISTINCT id, position, version, classified_at, category, content_hash FROM ` + ledgerOfStream +
		` AND outcome = 'stored')
SELECT l.id, {topic:String}, l.position, count() OVER ()
FROM l INNER JOIN (SELECT id, max((version, classified_at)) AS newest, argMax((category, content_hash), (version, classified_at)) AS has
    FROM transactions WHERE id IN (SELECT id FROM l) GROUP BY id) AS t ON l.id = t.id
WHERE t.newest = (l.version, l.classified_at) AND t.has != (l.category, l.content_hash)`},
	{ledger.FindingNoDeadLetter, "dead_letters lacks the row", `
SELECT l.id, {topic:String}, l.position, count() OVER ()
FROM (SELECT DISTINCT id, position, log_id FROM ` + ledgerOfStream + ` AND outcome IN ('rejected', 'dead_letter')) AS l
LEFT JOIN (SELECT DISTINCT origin_digest, position, 1 AS there FROM dead_letters WHERE origin = {topic:String} AND origin_digest IN ({log:String}, '')
    AND partition = {partition:Int32} AND position >= {from:UInt64} AND position < {to:UInt64}) AS d ON l.position = d.position AND l.log_id = d.origin_digest
WHERE d.there = 0`},
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
	rows, err := s.query(ctx, p.sql+fmt.Sprintf(" ORDER BY l.position LIMIT %d", max(found.Limit, 1)), streamArgs(r)...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // it was only read
	var first []ledger.Finding
	var all uint64
	for rows.Next() {
		f := ledger.Finding{Kind: p.kind, Detail: p.detail}
		var id uuid.UUID
		if err := rows.Scan(&id, &f.Origin, &f.Position, &all); err != nil {
			return err
		}
		if f.Origin = fmt.Sprintf("%s/%d", f.Origin, r.Partition); id != uuid.Nil {
			f.ID = transaction.ID(id).String()
		}
		first = append(first, f)
	}
	found.Add(int64(all), first...) //nolint:gosec // a count
	return s.explain(rows.Err())
}
