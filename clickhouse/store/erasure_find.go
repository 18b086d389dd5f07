package store

import (
	"context"
	"slices"
	"strconv"

	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// ofPerson are the parameters of sql/erasure/of_person.part.sql: before is in microseconds since 1970.
func ofPerson(p event.Person, before int64, more ...string) []string {
	return append(more, "user", p.User, "account", p.Account, "before", strconv.FormatInt(before, 10))
}

// CountEvents counts events of a person in gold: ids.
func (s *Store) CountEvents(ctx context.Context, p event.Person, before int64) (n uint64, err error) {
	return n, s.row(ctx, "erasure/count_events", named(ofPerson(p, before)...), &n)
}

// NoteEvents notes the events of a person in gold as erased: their ids where the row that counts is the person's; else
// the place of the row.
func (s *Store) NoteEvents(ctx context.Context, e *ledger.Erasure, p event.Person) error {
	for _, name := range []string{"erasure/note_events", "erasure/note_rows"} {
		if err := s.exec(ctx, name, ofPerson(p, e.Before, "erasure", e.ID)...); err != nil {
			return err
		}
	}
	return nil
}

// readRaw visits messages of events_bronze; one may come twice.
func (s *Store) readRaw(ctx context.Context, sql string, args []any, visit func(*ledger.RawMessage) error) error {
	return s.each(ctx, sql, args, func(rows driver.Rows) error {
		var m ledger.RawMessage
		var value string
		if err := rows.Scan(&m.Origin, &m.Partition, &m.Position, &m.RecordedMS, &m.Version, &m.ID, &value); err != nil {
			return err
		}
		m.Value = []byte(value)
		if err := visit(&m); err != nil {
			return err
		}
		return nil
	})
}

// ReadRawOfEvents visits the messages that have ids of a person's events in gold, or of those that an erasure noted.
func (s *Store) ReadRawOfEvents(ctx context.Context, e *ledger.Erasure, p event.Person,
	visit func(*ledger.RawMessage) error) error {
	return s.readRaw(ctx, statements.Text("erasure/raw_of_events"), named(ofPerson(p, e.Before, "erasure", e.ID)...),
		visit)
}

// ReadRawOfIDs visits the messages that have one of some ids.
func (s *Store) ReadRawOfIDs(ctx context.Context, ids []event.ID, visit func(*ledger.RawMessage) error) error {
	for some := range slices.Chunk(ids, idsOfQuery) {
		err := s.readRaw(ctx, statements.With("erasure/raw_of_ids", "ids", idList(some)), nil, visit)
		if err != nil {
			return err
		}
	}
	return nil
}

// rawRange is how many offsets are looked at in one query for messages that are not in gold.
const rawRange = 1_000_000

// ReadRawOutsideGold visits the messages that no row of gold is from: what refine has not read, what it rejected, what
// came again, and what was deleted. Observe is called with the number of offsets that were looked at since the last
// time.
func (s *Store) ReadRawOutsideGold(ctx context.Context, visit func(*ledger.RawMessage) error,
	observe func(offsets int64)) error {
	rows, err := s.query(ctx, statements.Text("erasure/raw_ranges"))
	if err != nil {
		return err
	}
	type part struct {
		origin      string
		partition   int32
		first, last uint64
	}
	var parts []part
	for rows.Next() {
		var p part
		if err := rows.Scan(&p.origin, &p.partition, &p.first, &p.last); err != nil {
			_ = rows.Close()
			return err
		}
		parts = append(parts, p)
	}
	err = rows.Err()
	_ = rows.Close() // it was only read
	if err != nil {
		return s.explain(err)
	}
	for _, p := range parts {
		for from := p.first; from <= p.last; from += rawRange {
			to := min(from+rawRange-1, p.last)
			err := s.readRaw(ctx, statements.Text("erasure/raw_outside_gold"), named("origin", p.origin,
				"partition", itoa(int(p.partition)), "from", strconv.FormatUint(from, 10),
				"to", strconv.FormatUint(to, 10)), visit)
			if err != nil {
				return err
			}
			observe(int64(to - from + 1))
		}
	}
	return nil
}

var erasedColumns = columns{
	{Name: "origin", Type: "LowCardinality(String)"}, {Name: "origin_digest", Type: "String"},
	{Name: "partition", Type: "Int32"}, {Name: "position", Type: "UInt64"},
	{Name: "erased_from", Type: "LowCardinality(String)"}, {Name: "event_id", Type: "UUID"},
	{Name: "erasure", Type: "UUID"},
}

var erasedInsert = erasedColumns.statement("erased_messages")

// NoteMessages notes messages as erased.
func (s *Store) NoteMessages(ctx context.Context, e *ledger.Erasure, messages []ledger.ErasedMessage) error {
	erasure, err := uuid.Parse(e.ID)
	if err != nil || len(messages) == 0 {
		return err
	}
	return s.insertRows(ctx, erasedInsert, erasedColumns, len(messages), func(i int) []any {
		m := &messages[i]
		id, _ := uuid.Parse(m.EventID) // the zero one for none
		return []any{m.Origin.Origin, m.Origin.Digest, m.Origin.Partition, m.Origin.Position, m.From, id, erasure}
	})
}

// NoteDeadLettersOfRaw notes the dead letters of messages that are noted in events_bronze: those that do not hold their
// message are found in no other way.
func (s *Store) NoteDeadLettersOfRaw(ctx context.Context, e *ledger.Erasure) error {
	return s.exec(ctx, "erasure/note_dead_letters", "erasure", e.ID)
}
