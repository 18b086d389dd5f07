package store

import (
	"context"
	"strconv"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Erasures returns those of all persons, the one that was requested first first.
func (s *Store) Erasures(ctx context.Context) ([]ledger.Erasure, error) {
	return s.erasures(ctx, "")
}

// Erasure returns that of a person by the hash; nil for none.
func (s *Store) Erasure(ctx context.Context, hash string) (*ledger.Erasure, error) {
	if hash == "" { // which stands for all
		return nil, nil
	}
	all, err := s.erasures(ctx, hash)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

func (s *Store) erasures(ctx context.Context, hash string) (out []ledger.Erasure, err error) {
	err = s.each(ctx, statements.Text("erasure/states"), named("hash", hash), func(rows driver.Rows) error {
		var e ledger.Erasure
		var done uint8
		if err := rows.Scan(&e.Hash, &e.Scope, &e.KeyID, &e.Before, &e.ID, &done, &e.Requested); err != nil {
			return err
		}
		e.Done = done == 1
		out = append(out, e)
		return nil
	})
	return out, err
}

// PutErasure keeps the state of an erasure; the last one counts.
func (s *Store) PutErasure(ctx context.Context, e *ledger.Erasure) error {
	state := "pending"
	if e.Done {
		state = "done"
	}
	return s.exec(ctx, "erasure/put", "hash", e.Hash, "scope", e.Scope, "key", e.KeyID, "erasure", e.ID, "state", state,
		"at", strconv.FormatInt(e.Before, 10), "requested", strconv.FormatInt(e.Requested.UnixMicro(), 10))
}

// exec runs the statement of a file, which may be run again, with its parameters.
func (s *Store) exec(ctx context.Context, name string, pairs ...string) error {
	return s.retry(ctx, func(ctx context.Context) error {
		return s.conn.Exec(ctx, statements.Text(name), named(pairs...)...)
	})
}

// Tables that events are erased from.
const (
	TableEvents      = "events"
	TableBronze      = "events_bronze"
	TableDeadLetters = "dead_letters"

	// What was made of events.
	tableArrivals = "event_arrivals"
	tableEntries  = "event_entries"
)

// MayErase is an error for a user who must not delete rows.
func (s *Store) MayErase(ctx context.Context) error {
	for _, table := range []string{TableEvents, TableBronze, TableDeadLetters, tableArrivals, tableEntries} {
		var may uint8
		err := s.retry(ctx, func(ctx context.Context) error {
			return s.conn.QueryRow(ctx, `CHECK GRANT ALTER DELETE ON `+table).Scan(&may)
		})
		if err != nil {
			return err
		}
		if may == 0 {
			return fault.WithHint(fault.Failf(fault.ExitUnavailable,
				"%s does not let this user delete rows of %s: it lacks ALTER DELETE", s, table),
				"run it as a user that has it, like the one that migrates: CLICKHOUSE_USER and CLICKHOUSE_PASSWORD")
		}
	}
	return nil
}

// mutationPoll is how often a deletion is looked at.
const mutationPoll = 100 * time.Millisecond
