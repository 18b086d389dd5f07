package store

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/fault"
)

// entriesOverlap is how much of event_arrivals is looked at again, for inserts that were under way.
const entriesOverlap = 10 * time.Minute

// EnterEvents brings event_entries up to date with events, and returns what a look finds there that the last did not.
// What it reads depends on what came in since the last look; the first look of a process, and one after something was
// deleted from events, compare all.
func (s *Store) EnterEvents(ctx context.Context, last event.RollupLook) (look event.RollupLook, err error) {
	var now int64
	// Deletions first: one that ends meanwhile is seen by the next look.
	if err = s.row(ctx, "event_entries/deletions", nil, &now, &look.Deletions); err != nil {
		return look, err
	}
	since := min(last.At.UnixMicro(), now) - entriesOverlap.Microseconds()
	look.At = time.UnixMicro(max(now, last.At.UnixMicro()+1))
	look.Compared = last.Compared
	if last.Compared.IsZero() || look.Deletions != last.Deletions {
		look.All, look.Compared = true, look.At
		err = s.compareEntries(ctx, look.At)
	} else {
		// What was deleted is in event_arrivals for a while.
		err = s.enterArrived(ctx, look.At, since, look.At.Sub(look.Compared) <= 2*entriesOverlap)
	}
	if err == nil {
		err = s.takeOutReplaced(ctx, &look)
	}
	return look, err
}

// enterArrived enters the rows that came in, where they count more than what is entered. One that is not in events any
// more is left out, where that is to be verified.
func (s *Store) enterArrived(ctx context.Context, look time.Time, since int64, verify bool) error {
	return s.enter(ctx, "event_entries/enter_arrived",
		named("look", micros(look), "since", strconv.FormatInt(since, 10), "verify", zeroOne(verify)))
}

// enter runs a statement once: the server may have done what failed. After an error the next look compares all.
func (s *Store) enter(ctx context.Context, name string, args []any) error {
	return s.explain(s.conn.Exec(ctx, statements.Text(name), args...))
}

// compareEntries makes event_entries what events says, all of it.
func (s *Store) compareEntries(ctx context.Context, look time.Time) error {
	var entries uint64
	if err := s.row(ctx, "event_entries/count", nil, &entries); err != nil {
		return err
	}
	if entries > 0 {
		all, err := s.deleteSuperfluous(ctx)
		if err != nil {
			return err
		}
		if all {
			entries = 0
		}
	}
	return s.enter(ctx, "event_entries/enter_missing", named("look", micros(look), "every", zeroOne(entries == 0)))
}

// deleteSuperfluous deletes entries of rows that events does not have: by their events, or all entries where there are
// too many for one statement.
func (s *Store) deleteSuperfluous(ctx context.Context) (all bool, err error) {
	var ids []string
	err = s.row(ctx, "event_entries/superfluous", named("limit", itoa(idsOfQuery+1)), &ids)
	switch {
	case err != nil || len(ids) == 0:
		return false, err
	case len(ids) > idsOfQuery:
		return true, s.deleteEntries(ctx, statements.Text("event_entries/delete_all"))
	}
	quoted := "'" + strings.Join(ids, "','") + "'"
	return false, s.deleteEntries(ctx, statements.With("event_entries/delete_ids", "ids", quoted))
}

// takeOutReplaced deletes the entries of rows that count no longer since another row of their event does.
func (s *Store) takeOutReplaced(ctx context.Context, look *event.RollupLook) error {
	at := named("look", micros(look.At))
	err := s.row(ctx, "event_entries/entered", at, &look.Entered)
	if err != nil || look.Entered == 0 || look.All { // all have no others
		return err
	}
	var replaced uint64
	if err = s.row(ctx, "event_entries/replaced", at, &replaced); err != nil || replaced == 0 {
		return err
	}
	look.All = true // also keys that only the replaced rows have
	return s.deleteEntries(ctx, statements.Text("event_entries/delete_replaced"), at...)
}

// deleteEntries deletes entries, and waits for it.
func (s *Store) deleteEntries(ctx context.Context, sql string, args ...any) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"mutations_sync": 2}))
	err := s.retry(ctx, func(ctx context.Context) error { return s.conn.Exec(ctx, sql, args...) })
	if denied[Code(err)] {
		return fault.WithHint(err, "this user needs GRANT ALTER DELETE ON event_entries")
	}
	return err
}
