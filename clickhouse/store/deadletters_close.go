package store

import (
	"context"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// MarkDeadLetters gives open dead letters another state, by adding a row, which a redelivery of the dead letter does
// not undo. Marked again, nothing changes. Bytes bounds the memory of a statement.
func (s *Store) MarkDeadLetters(ctx context.Context, deadLetters []ledger.DeadLetterState, state string) error {
	for keys := range keyLists(deadLetters) {
		err := s.retry(ctx, func(ctx context.Context) error {
			return s.conn.Exec(ctx, statements.With("dead_letters/mark", "keys", keys), named("state", state)...)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// resolvePage is how many dead letters are closed before the next are looked for.
const resolvePage = 10_000

// ResolveDeadLetters closes the open dead letters of a source whose id is stored with newer contents, or with equally
// new ones that were classified after the dead letter was judged: by a run of the corrected file, or by another
// message. Done again it changes nothing.
func (s *Store) ResolveDeadLetters(ctx context.Context, source string) error {
	return s.resolve(ctx, "dead_letters/resolved", source)
}

func (s *Store) resolve(ctx context.Context, name, source string) error {
	for {
		deadLetters, err := s.deadLettersOf(ctx, statements.Text(name), named("source", source, "limit",
			itoa(resolvePage))...)
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

// ResolveEventDeadLetters closes the open dead letters of events that are in gold: they were sent again, corrected.
// source is the name of a token; "" for all.
func (s *Store) ResolveEventDeadLetters(ctx context.Context, source string) error {
	return s.resolve(ctx, "dead_letters/resolved_events", source)
}

// deadLettersOf reads keys and sizes.
func (s *Store) deadLettersOf(ctx context.Context, sql string, args ...any) (out []ledger.DeadLetterState, err error) {
	err = s.each(ctx, sql, args, func(rows driver.Rows) error {
		var l ledger.DeadLetterState
		var bytes uint64
		if err := rows.Scan(&l.Origin.Origin, &l.Origin.Digest, &l.Origin.Partition, &l.Origin.Position, &bytes); err != nil {
			return err
		}
		l.Bytes = int(bytes)
		out = append(out, l)
		return nil
	})
	return out, err
}
