package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/ledger"
)

// ofPerson selects rows of events by their person, and by when they were published: before a time in microseconds
// since 1970.
func ofPerson(p event.Person, before int64) (condition string, args []any) {
	var all []string
	for _, c := range [...]struct{ column, name, value string }{
		{"new_context_user_id", "user", p.User}, {"new_context_account_id", "account", p.Account}} {
		if c.value != "" {
			all = append(all, c.column+" = {"+c.name+":String}")
			args = append(args, clickhouse.Named(c.name, c.value))
		}
	}
	all = append(all, "published_at < fromUnixTimestamp64Micro(toInt64("+itoa(int(before))+"), 'UTC')")
	return strings.Join(all, " AND "), args
}

// CountEvents counts events of a person in gold: ids.
func (s *Store) CountEvents(ctx context.Context, p event.Person, before int64) (n uint64, err error) {
	where, args := ofPerson(p, before)
	err = s.retry(ctx, func(ctx context.Context) error {
		return s.conn.QueryRow(ctx, `SELECT uniqExact(event_id) FROM events WHERE `+where, args...).Scan(&n)
	})
	return n, err
}

// NoteEvents notes the events of a person in gold as erased: their ids where the row that counts is the person's; else
// the place of the row.
func (s *Store) NoteEvents(ctx context.Context, e *ledger.Erasure, p event.Person) error {
	where, args := ofPerson(p, e.Before)
	args = append(args, clickhouse.Named("erasure", e.ID))
	counts, _ := ofPerson(p, e.Before)
	for of, column := range map[string]string{"new_context_user_id": "last.1", "new_context_account_id": "last.2",
		"published_at": "last.3"} {
		counts = strings.ReplaceAll(counts, of, column)
	}
	err := s.exec(ctx, `INSERT INTO erased_events (event_id, token, erasure) SELECT event_id, last.4, {erasure:UUID} FROM
(
    SELECT event_id, argMax((new_context_user_id, new_context_account_id, published_at, token), row_version) AS last
    FROM events WHERE event_id IN (SELECT event_id FROM events WHERE `+where+`) GROUP BY event_id
)
WHERE `+counts, args...)
	if err != nil {
		return err
	}
	return s.exec(ctx, `INSERT INTO erased_messages (origin, origin_digest, partition, position, erased_from, event_id, erasure)
SELECT DISTINCT origin, origin_digest, partition, position, 'events', event_id, {erasure:UUID} FROM events
WHERE `+where+` AND event_id NOT IN (SELECT event_id FROM erased_events WHERE erasure = {erasure:UUID})`, args...)
}

const rawMessageSQL = `SELECT origin, partition, position, toUnixTimestamp64Milli(recorded_at),
    arrayFirst(h -> h.name = 'txflow-version', headers).value, toString(id), value FROM events_bronze WHERE `

// readRaw visits messages of events_bronze; one may come twice.
func (s *Store) readRaw(ctx context.Context, which string, visit func(*ledger.RawMessage) error,
	args ...any) error {
	rows, err := s.query(ctx, rawMessageSQL+which, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var m ledger.RawMessage
		var value string
		if err := rows.Scan(&m.Origin, &m.Partition, &m.Position, &m.RecordedMS, &m.Version, &m.ID, &value); err != nil {
			return err
		}
		m.Value = []byte(value)
		if err := visit(&m); err != nil {
			return err
		}
	}
	return s.explain(rows.Err())
}

// ReadRawOfEvents visits the messages that have ids of a person's events in gold, or of those that an erasure noted.
func (s *Store) ReadRawOfEvents(ctx context.Context, e *ledger.Erasure, p event.Person,
	visit func(*ledger.RawMessage) error) error {
	where, args := ofPerson(p, e.Before)
	return s.readRaw(ctx, `id IN (SELECT event_id FROM events WHERE `+where+
		` UNION DISTINCT SELECT event_id FROM erased_events WHERE erasure = {erasure:UUID}
UNION DISTINCT SELECT event_id FROM erased_messages WHERE erasure = {erasure:UUID} AND erased_from = 'events')`, visit,
		append(args, clickhouse.Named("erasure", e.ID))...)
}

// ReadRawOfIDs visits the messages that have one of some ids.
func (s *Store) ReadRawOfIDs(ctx context.Context, ids []event.ID, visit func(*ledger.RawMessage) error) error {
	for some := range slices.Chunk(ids, idsOfQuery) {
		list := make([]byte, 0, len(some)*len("00000000-0000-0000-0000-000000000000,"))
		for _, id := range some {
			list = append(id.Append(list), ',')
		}
		err := s.readRaw(ctx, "id IN (SELECT toUUID(arrayJoin(splitByChar(',', '"+
			string(list[:len(list)-1])+"'))))", visit)
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
	rows, err := s.query(ctx, `SELECT origin, partition, min(position), max(position) FROM events_bronze GROUP BY origin, partition ORDER BY origin, partition`)
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
			some := fmt.Sprintf("origin = %s AND partition = %d AND position BETWEEN %d AND %d", literal(p.origin), p.partition,
				from, to)
			err := s.readRaw(ctx, some+
				` AND (id, partition, position) NOT IN
    (SELECT event_id, partition, position FROM events WHERE event_id IN (SELECT id FROM events_bronze WHERE `+some+`))`,
				visit)
			if err != nil {
				return err
			}
			observe(int64(to - from + 1)) //nolint:gosec // bounded
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
	return s.exec(ctx, `INSERT INTO erased_messages (origin, origin_digest, partition, position, erased_from, event_id, erasure)
SELECT DISTINCT origin, origin_digest, partition, position, 'dead_letters', id, {erasure:UUID} FROM dead_letters
WHERE pipeline = 'events' AND (origin, partition, position, id) IN
    (SELECT origin, partition, position, event_id FROM erased_messages WHERE erasure = {erasure:UUID} AND erased_from = 'events_bronze')`,
		clickhouse.Named("erasure", e.ID))
}
