package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/txflow/txflow/internal/batch"
)

// letterKey is what tells dead letters apart, in the order of the table.
const letterKey = "origin, origin_digest, partition, position"

// Letters returns dead letters in the order of where they came from.
func (s *Store) Letters(ctx context.Context, q batch.LetterQuery) (out []batch.Letter, err error) {
	where, args := letterConditions(&q)
	limit := ""
	if q.Limit > 0 {
		limit = " LIMIT " + itoa(q.Limit)
	}
	rows, err := s.query(ctx, `SELECT origin, origin_digest, partition, position, pipeline, source, source_id, toString(id), toString(outcome), column, code,
message, toString(state), replays, raw, trace_id, first_seen, updated_at FROM dead_letters FINAL WHERE `+where+` ORDER BY `+letterKey+limit, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var l batch.Letter
		var replays uint16
		var raw string
		if err := rows.Scan(&l.Origin.Origin, &l.Origin.Digest, &l.Origin.Partition, &l.Origin.Position, &l.Pipeline, &l.Source, &l.SourceID, &l.ID, &l.Outcome,
			&l.Column, &l.Code, &l.Message, &l.State, &replays, &raw, &l.TraceID, &l.FirstSeen, &l.UpdatedAt); err != nil {
			return nil, err
		}
		l.Replays, l.Raw = int(replays), []byte(raw)
		out = append(out, l)
	}
	return out, s.explain(rows.Err())
}

// CountLetters counts dead letters by reason and state, the most first.
func (s *Store) CountLetters(ctx context.Context, q batch.LetterQuery) (out []batch.LetterCount, err error) {
	where, args := letterConditions(&q)
	rows, err := s.query(ctx, `SELECT pipeline, source, code, column, toString(state), count() AS rows, min(first_seen) FROM dead_letters FINAL WHERE `+where+`
GROUP BY pipeline, source, code, column, state ORDER BY rows DESC, pipeline, source, code, column, state`, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var c batch.LetterCount
		if err := rows.Scan(&c.Pipeline, &c.Source, &c.Code, &c.Column, &c.State, &c.Rows, &c.Oldest); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, s.explain(rows.Err())
}

// MarkLetters gives open dead letters another state. It says so by adding a row, which a redelivery of the letter does not
// undo. Marked again, nothing changes.
func (s *Store) MarkLetters(ctx context.Context, letters []batch.Letter, state string) error {
	if len(letters) == 0 {
		return nil
	}
	keys := make([]string, len(letters))
	for i := range letters {
		keys[i] = keyOf(&letters[i].Origin)
	}
	return s.retry(ctx, func(ctx context.Context) error {
		return s.conn.Exec(ctx, `INSERT INTO dead_letters SELECT * REPLACE (CAST(`+literal(state)+`, toTypeName(state)) AS state, now64(6, 'UTC') AS updated_at)
FROM (SELECT * FROM dead_letters FINAL WHERE (`+letterKey+`) IN (`+strings.Join(keys, ", ")+`) AND state = 'open')`)
	})
}

// ResolveLetters closes the open letters of a source whose id was stored after they were judged: by a run of the mended
// file, or by another message. The run that a file's letter is from does not count, since its letter may be about another
// row with the same id. Done again it changes nothing.
func (s *Store) ResolveLetters(ctx context.Context, source string) error {
	return s.retry(ctx, func(ctx context.Context) error {
		return s.conn.Exec(ctx, `INSERT INTO dead_letters
WITH open AS (SELECT * FROM dead_letters FINAL WHERE state = 'open' AND source = {source:String} AND id != toUUID('00000000-0000-0000-0000-000000000000'))
SELECT open.* REPLACE (CAST('resolved', toTypeName(state)) AS state, now64(6, 'UTC') AS updated_at)
FROM open INNER JOIN (SELECT id, run_id AS stored_by, classified_at FROM transactions FINAL WHERE id IN (SELECT id FROM open)) AS stored USING id
WHERE classified_at > open.updated_at AND (stored_by != open.run_id OR open.pipeline = 'stream')`, clickhouse.Named("source", source))
	})
}

func keyOf(at *batch.Origin) string {
	return fmt.Sprintf("(%s, %s, %d, %d)", literal(at.Origin), literal(at.Digest), at.Partition, at.Position)
}

func letterConditions(q *batch.LetterQuery) (string, []any) {
	where, args := []string{"1"}, []any{}
	equal := func(column, value string) {
		if value != "" {
			where, args = append(where, column+" = {"+column+":String}"), append(args, clickhouse.Named(column, value))
		}
	}
	equal("pipeline", q.Pipeline)
	equal("origin", q.Origin)
	equal("code", q.Code)
	equal("source", q.Source)
	if q.State != "" {
		where, args = append(where, "toString(state) = {state:String}"), append(args, clickhouse.Named("state", q.State))
	}
	if q.ID != "" {
		where, args = append(where, "(source_id = {id:String} OR toString(id) = {id:String})"), append(args, clickhouse.Named("id", q.ID))
	}
	moment := func(condition, name string, t time.Time) {
		if !t.IsZero() {
			where = append(where, condition+" parseDateTime64BestEffort({"+name+":String}, 6, 'UTC')")
			args = append(args, clickhouse.Named(name, t.UTC().Format(time.RFC3339Nano)))
		}
	}
	moment("first_seen >=", "since", q.Since)
	moment("first_seen <", "until", q.Until)
	if q.At != nil {
		where = append(where, fmt.Sprintf("(origin, partition, position) = (%s, %d, %d)", literal(q.At.Origin), q.At.Partition, q.At.Position))
	}
	if q.After != nil {
		where = append(where, "("+letterKey+") > "+keyOf(q.After))
	}
	if q.Replays > 0 {
		where = append(where, "replays < "+itoa(q.Replays))
	}
	return strings.Join(where, " AND "), args
}

// literal writes a text as SQL does.
func literal(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
