package store

import (
	"context"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
)

// EraseLedger notes in the ledger what became of the events and messages of an erasure. Done again it adds nothing.
func (s *Store) EraseLedger(ctx context.Context, e *ledger.Erasure) error {
	for _, name := range []string{"erasure/ledger_events", "erasure/ledger_messages"} {
		if err := s.exec(ctx, name, "erasure", e.ID); err != nil {
			return err
		}
	}
	return nil
}

// EraseRows deletes what an erasure noted, and waits until ClickHouse has written the parts without it. Observe is
// called before each table, and as parts are done.
func (s *Store) EraseRows(ctx context.Context, e *ledger.Erasure, observe func(table string, parts int64)) error {
	for _, d := range []struct{ table, count, erase string }{
		{TableEvents, "erasure/count_in_events", "erasure/delete_from_events"},
		{tableArrivals, "erasure/count_in_events", "erasure/delete_from_events"}, // they have the columns to find them by
		{tableEntries, "erasure/count_in_events", "erasure/delete_from_events"},
		{TableBronze, "erasure/count_in_events_bronze", "erasure/delete_from_events_bronze"},
		{TableDeadLetters, "erasure/count_in_dead_letters", "erasure/delete_from_dead_letters"},
	} {
		observe(d.table, -1)
		var rows uint64
		of := func(name string) string {
			return statements.With(name, "table", d.table)
		}
		err := s.retry(ctx, func(ctx context.Context) error {
			return s.conn.QueryRow(ctx, of(d.count), named("erasure", e.ID)...).Scan(&rows)
		})
		if err == nil && rows > 0 {
			err = s.retry(ctx, func(ctx context.Context) error {
				return s.conn.Exec(ctx, of(d.erase), named("erasure", e.ID)...)
			})
		}
		if err == nil { // one that was killed may have left a deletion under way
			err = s.mutated(ctx, d.table, e.ID, observe)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mutated waits until the deletions of an erasure are done.
func (s *Store) mutated(ctx context.Context, table, erasure string, observe func(table string, parts int64)) error {
	for {
		var left, parts uint64
		var failed string
		err := s.row(ctx, "server/mutations", named("table", table, "erasure", erasure), &left, &parts, &failed)
		switch {
		case err != nil || left == 0:
			return err
		case failed != "":
			first, _, _ := strings.Cut(failed, "\n")
			return fault.WithHint(fault.Failf(fault.ExitTryAgain, "%s can not delete from %s: %s", s, table, first),
				"it tries again by itself; the same command waits for it")
		}
		observe(table, int64(parts))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(mutationPoll):
		}
	}
}

// ErasedCounts returns how many events, and messages by table, an erasure has taken out, in whatever run.
func (s *Store) ErasedCounts(ctx context.Context, e *ledger.Erasure) (counts map[string]uint64, err error) {
	var events, messages, deadLetters uint64
	err = s.row(ctx, "erasure/counts", named("erasure", e.ID), &events, &messages, &deadLetters)
	return map[string]uint64{TableEvents: events, TableBronze: messages, TableDeadLetters: deadLetters}, err
}

// OldParts is how long ClickHouse keeps the files of parts that a deletion replaced.
func (s *Store) OldParts(ctx context.Context) (time.Duration, error) {
	var seconds uint64
	err := s.retry(ctx, func(ctx context.Context) error {
		return s.conn.QueryRow(ctx,
			`SELECT toUInt64OrZero(value) FROM system.merge_tree_settings WHERE name = 'old_parts_lifetime'`).Scan(&seconds)
	})
	return time.Duration(seconds) * time.Second, err
}
