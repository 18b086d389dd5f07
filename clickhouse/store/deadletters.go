package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"
)

// deadLetterKey identifies a dead letter; it is the order of the table.
const deadLetterKey = "origin, origin_digest, partition, position"

// messageSize is what the message of a dead letter takes, with its key and headers.
const messageSize = "length(raw) + length(ifNull(key, '')) + arraySum(h -> length(h.name) + length(ifNull(h.value, '')), headers)"

// messageOf is the message of a dead letter, as type message reads it.
const messageOf = "raw, key, headers.name, headers.value"

// message is what is read of messageOf.
type message struct {
	raw    string
	key    *string
	names  []string
	values []*string
}

func (m *message) fields() []any { return []any{&m.raw, &m.key, &m.names, &m.values} }

// into gives a dead letter its message.
func (m *message) into(l *ledger.DeadLetterState) {
	l.Raw, l.Key, l.Headers = []byte(m.raw), bytesOf(m.key), make([]ledger.Header, len(m.names))
	for i := range m.names {
		l.Headers[i] = ledger.Header{Name: m.names[i], Value: bytesOf(m.values[i])}
	}
}

// bytesOf is nil for NULL, and not nil for no bytes.
func bytesOf(text *string) []byte {
	if text == nil {
		return nil
	}
	return []byte(*text)
}

// DeadLetters returns dead letters in the order of their origins. Their messages are read only where the query asks for
// them: they are nearly all of the table's bytes.
func (s *Store) DeadLetters(ctx context.Context, q ledger.DeadLetterQuery) (out []ledger.DeadLetterState, err error) {
	where, args := deadLetterConditions(&q)
	limit := ""
	if q.Limit > 0 {
		limit = " LIMIT " + itoa(q.Limit)
	}
	more, size := "", "toUInt64(0), toUInt64(0)"
	if q.Raw {
		more = ", " + messageOf
	}
	if q.Sizes || q.Raw {
		size = "length(raw), " + messageSize
	}
	rows, err := s.query(ctx, `SELECT `+deadLetterKey+`, pipeline, source, source_id, toString(id), toString(outcome), column, code,
message, toString(state), replays, `+size+
		`, trace_id, toUnixTimestamp64Micro(version), traceparent, first_seen, updated_at`+more+`
FROM dead_letters FINAL WHERE `+where+` ORDER BY `+deadLetterKey+limit, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var l ledger.DeadLetterState
		var replays uint16
		var m message
		var raw, bytes uint64
		fields := []any{&l.Origin.Origin, &l.Origin.Digest, &l.Origin.Partition, &l.Origin.Position, &l.Pipeline,
			&l.Source, &l.SourceID, &l.ID, &l.Outcome, &l.Column, &l.Code, &l.Message, &l.State, &replays, &raw, &bytes,
			&l.TraceID,
			&l.Version, &l.Parent, &l.FirstSeen, &l.UpdatedAt}
		if q.Raw {
			fields = append(fields, m.fields()...)
		}
		if err := rows.Scan(fields...); err != nil {
			return nil, err
		}
		l.Replays, l.RawBytes, l.Bytes = int(replays), int(raw), int(bytes) //nolint:gosec // a message's size
		if q.Raw {
			m.into(&l)
		}
		out = append(out, l)
	}
	return out, s.explain(rows.Err())
}

// DeadLetterMessages reads the messages of dead letters into their Raw, Key and Headers. By Bytes the caller decides
// how many that may be at once.
func (s *Store) DeadLetterMessages(ctx context.Context, deadLetters []ledger.DeadLetterState) error {
	byKey := make(map[ledger.Origin]*ledger.DeadLetterState, len(deadLetters))
	for i := range deadLetters {
		byKey[deadLetters[i].Origin] = &deadLetters[i]
	}
	for keys := range keyLists(deadLetters) {
		rows, err := s.query(ctx, `SELECT `+deadLetterKey+`, `+messageOf+` FROM dead_letters FINAL WHERE `+keys)
		if err != nil {
			return err
		}
		for rows.Next() {
			var at ledger.Origin
			var m message
			fields := append([]any{&at.Origin, &at.Digest, &at.Partition, &at.Position}, m.fields()...)
			if err := rows.Scan(fields...); err != nil {
				return errors.Join(err, rows.Close())
			}
			if l := byKey[at]; l != nil {
				m.into(l)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return s.explain(err)
		}
	}
	return nil
}

// DeadLetterEnds returns the last position of each origin, digest and partition among the dead letters that a query
// selects. What arrives later in a topic has a higher one, whatever the clocks of those who write it say.
func (s *Store) DeadLetterEnds(ctx context.Context, q ledger.DeadLetterQuery) (map[ledger.Origin]uint64, error) {
	where, args := deadLetterConditions(&q)
	rows, err := s.query(ctx, `SELECT origin, origin_digest, partition, max(position) FROM dead_letters FINAL WHERE `+
		where+`
GROUP BY origin, origin_digest, partition`, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	ends := map[ledger.Origin]uint64{}
	for rows.Next() {
		var at ledger.Origin
		var last uint64
		if err := rows.Scan(&at.Origin, &at.Digest, &at.Partition, &last); err != nil {
			return nil, err
		}
		ends[at] = last
	}
	return ends, s.explain(rows.Err())
}

// CountDeadLetters counts dead letters by reason and state, the largest number first.
func (s *Store) CountDeadLetters(ctx context.Context, q ledger.DeadLetterQuery) (out []ledger.DeadLetterCount,
	err error) {
	where, args := deadLetterConditions(&q)
	rows, err := s.query(ctx, `SELECT pipeline, source, code, column, toString(state), count() AS rows, min(first_seen) FROM dead_letters FINAL WHERE `+where+`
GROUP BY pipeline, source, code, column, state ORDER BY rows DESC, pipeline, source, code, column, state`, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var c ledger.DeadLetterCount
		if err := rows.Scan(&c.Pipeline, &c.Source, &c.Code, &c.Column, &c.State, &c.Rows, &c.Oldest); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, s.explain(rows.Err())
}

func deadLetterConditions(q *ledger.DeadLetterQuery) (string, []any) {
	where, args := []string{"1"}, []any{}
	bind := func(condition, name, value string) {
		if value != "" {
			where, args = append(where, condition), append(args, clickhouse.Named(name, value))
		}
	}
	bind("pipeline = {pipeline:String}", "pipeline", q.Pipeline)
	bind("origin = {origin:String}", "origin", q.Origin)
	bind("code = {code:String}", "code", q.Code)
	bind("source = {source:String}", "source", q.Source)
	bind("toString(state) = {state:String}", "state", q.State)
	if id, err := uuid.Parse(q.ID); err == nil { // an id of a source that is a UUID is the id itself; the table has an index of it
		bind("id = {id:UUID}", "id", id.String())
	} else {
		bind("source_id = {id:String}", "id", q.ID)
	}
	moment := func(condition, name string, t time.Time) {
		if !t.IsZero() {
			bind(condition+" parseDateTime64BestEffort({"+name+":String}, 6, 'UTC')", name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	moment("first_seen >=", "since", q.Since)
	moment("first_seen <", "until", q.Until)
	if q.At != nil {
		where = append(where, fmt.Sprintf("origin = %s AND partition = %d AND position = %d", literal(q.At.Origin),
			q.At.Partition, q.At.Position))
	}
	if q.After != nil {
		where = append(where, afterKey(q.After))
	}
	if q.Replays != nil {
		where = append(where, "replays < "+itoa(max(*q.Replays, 0)))
	}
	return strings.Join(where, " AND "), args
}

// literal writes a text as SQL does.
func literal(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
