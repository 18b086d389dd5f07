package store

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
)

const erasureSQL = `SELECT hash, scope, key_id, toUnixTimestamp64Micro(at), toString(erasure), state = 'done', requested_at FROM tombstones FINAL`

// Erasures returns those of all persons, the one that was requested first first.
func (s *Store) Erasures(ctx context.Context) ([]ledger.Erasure, error) {
	return s.erasures(ctx, erasureSQL+` ORDER BY requested_at`)
}

// Erasure returns that of a person by the hash; nil for none.
func (s *Store) Erasure(ctx context.Context, hash string) (*ledger.Erasure, error) {
	all, err := s.erasures(ctx, erasureSQL+` WHERE hash = {hash:String}`, clickhouse.Named("hash", hash))
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

func (s *Store) erasures(ctx context.Context, sql string, args ...any) (out []ledger.Erasure, err error) {
	rows, err := s.query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var e ledger.Erasure
		var done uint8
		if err := rows.Scan(&e.Hash, &e.Scope, &e.KeyID, &e.Before, &e.ID, &done, &e.Requested); err != nil {
			return nil, err
		}
		e.Done = done == 1
		out = append(out, e)
	}
	return out, s.explain(rows.Err())
}

// PutErasure keeps the state of an erasure; the last one counts.
func (s *Store) PutErasure(ctx context.Context, e *ledger.Erasure) error {
	state := "pending"
	if e.Done {
		state = "done"
	}
	return s.exec(ctx, `INSERT INTO tombstones (hash, scope, key_id, at, erasure, state, requested_at, updated_at)
SELECT {hash:String}, {scope:String}, {key:String}, fromUnixTimestamp64Micro(`+itoa(int(e.Before))+
		`, 'UTC'), {erasure:UUID}, {state:String},
    fromUnixTimestamp64Micro(`+itoa(int(e.Requested.UnixMicro()))+`, 'UTC'),
    greatest(now64(6, 'UTC'), (SELECT max(updated_at) FROM tombstones WHERE hash = {hash:String}) + toIntervalMicrosecond(1))`,
		clickhouse.Named("hash", e.Hash), clickhouse.Named("scope", e.Scope), clickhouse.Named("key", e.KeyID),
		clickhouse.Named("erasure", e.ID), clickhouse.Named("state", state))
}

// exec runs a statement that may be run again.
func (s *Store) exec(ctx context.Context, sql string, args ...any) error {
	return s.retry(ctx, func(ctx context.Context) error { return s.conn.Exec(ctx, sql, args...) })
}

// Tables that events are erased from.
const (
	TableEvents      = "events"
	TableBronze      = "events_bronze"
	TableDeadLetters = "dead_letters"
)

// MayErase is an error for a user who must not delete rows.
func (s *Store) MayErase(ctx context.Context) error {
	for _, table := range []string{TableEvents, TableBronze, TableDeadLetters} {
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
