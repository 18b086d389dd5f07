package store

import (
	"context"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// MarkDeadLetters gives open dead letters another state, by adding a row, which a redelivery of the dead letter does
// not undo. Its time is later than the one of the row that it replaces, whoever's clock that is from: the later time is
// what counts. Marked again, nothing changes. Bytes bounds the memory of a statement.
func (s *Store) MarkDeadLetters(ctx context.Context, deadLetters []ledger.DeadLetterState, state string) error {
	for keys := range keyLists(deadLetters) {
		err := s.retry(ctx, func(ctx context.Context) error {
			return s.conn.Exec(ctx, `INSERT INTO dead_letters SELECT * REPLACE (CAST(`+literal(state)+
				`, toTypeName(state)) AS state,
greatest(now64(6, 'UTC'), updated_at + toIntervalMicrosecond(1)) AS updated_at)
FROM (SELECT * FROM dead_letters FINAL WHERE (`+keys+`) AND state = 'open')`)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// resolvePage is how many dead letters are closed before the next are looked for.
const resolvePage = 10_000

// openOf are the open dead letters of a source that have an id.
const openOf = `dead_letters FINAL WHERE state = 'open' AND source = {source:String} AND id != toUUID('00000000-0000-0000-0000-000000000000')`

// resolved are those of them whose id is stored with newer contents, or with equally new ones that were classified
// later. The run that a file's dead letter is from does not count, since its row may be about another row with the same
// id. For the same reason an id_conflict, whose id was stored all along, counts as stored only where its own contents
// were.
var resolved = `SELECT ` + deadLetterKey + `, bytes
FROM (SELECT ` + deadLetterKey +
	`, id, run_id, pipeline, code, content_hash, version, updated_at, ` + messageSize + ` AS bytes FROM ` + openOf +
	`) AS open
INNER JOIN
(
    SELECT id, last.1 AS stored_by, last.2 AS stored_content, last.3 AS stored_version, last.4 AS classified_at FROM
    (
        SELECT id, argMax((run_id, content_hash, version, classified_at), row_version) AS last
        FROM transactions
        WHERE id IN (SELECT id FROM ` + openOf + `)
        GROUP BY id
    )
) AS stored USING id
WHERE (stored_version, classified_at) > (version, updated_at) AND (stored_by != run_id OR pipeline = 'stream') AND (code != 'id_conflict' OR stored_content = content_hash)
ORDER BY ` + deadLetterKey + ` LIMIT ` + itoa(resolvePage)

// ResolveDeadLetters closes the open dead letters of a source whose id is stored with newer contents, or with equally
// new ones that were classified after the dead letter was judged: by a run of the corrected file, or by another
// message. Done again it changes nothing.
func (s *Store) ResolveDeadLetters(ctx context.Context, source string) error {
	return s.resolve(ctx, resolved, source)
}

func (s *Store) resolve(ctx context.Context, query, source string) error {
	for {
		deadLetters, err := s.deadLettersOf(ctx, query, clickhouse.Named("source", source))
		if err != nil || len(deadLetters) == 0 {
			return err
		}
		if err := s.MarkDeadLetters(ctx, deadLetters, ledger.StateResolved); err != nil {
			return err
		}
		if len(deadLetters) < resolvePage {
			return nil
		}
	}
}

// resolvedEvents are the open dead letters of events whose id is in gold. An id_conflict, whose id was there all
// along, is not one.
var resolvedEvents = `SELECT ` + deadLetterKey + `, ` + messageSize + ` FROM dead_letters FINAL
WHERE state = 'open' AND pipeline = 'events' AND code != 'id_conflict' AND ({source:String} = '' OR source = {source:String})
    AND id != toUUID('00000000-0000-0000-0000-000000000000') AND id IN (SELECT event_id FROM events)
ORDER BY ` + deadLetterKey + ` LIMIT ` + itoa(resolvePage)

// ResolveEventDeadLetters closes the open dead letters of events that are in gold: they were sent again, corrected.
// source is the name of a token; "" for all.
func (s *Store) ResolveEventDeadLetters(ctx context.Context, source string) error {
	return s.resolve(ctx, resolvedEvents, source)
}

// lettersOf reads keys and sizes.
func (s *Store) deadLettersOf(ctx context.Context, sql string, args ...any) (out []ledger.DeadLetterState, err error) {
	rows, err := s.query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var l ledger.DeadLetterState
		var bytes uint64
		if err := rows.Scan(&l.Origin.Origin, &l.Origin.Digest, &l.Origin.Partition, &l.Origin.Position, &bytes); err != nil {
			return nil, err
		}
		l.Bytes = int(bytes) //nolint:gosec // a message's size
		out = append(out, l)
	}
	return out, s.explain(rows.Err())
}
