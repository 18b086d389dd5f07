package store

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/google/uuid"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// message is what is read of the message of a dead letter: raw, key, headers.name, headers.value.
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
	limit := q.Limit
	if limit <= 0 {
		limit = math.MaxInt
	}
	args := deadLetterArgs(&q, "limit", itoa(limit), "raw", zeroOne(q.Raw), "sizes", zeroOne(q.Raw || q.Sizes))
	err = s.each(ctx, statements.Text("dead_letters/list"), args, func(rows driver.Rows) error {
		var l ledger.DeadLetterState
		var replays uint16
		var m message
		var raw, bytes uint64
		fields := []any{&l.Origin.Origin, &l.Origin.Digest, &l.Origin.Partition, &l.Origin.Position, &l.Pipeline,
			&l.Source, &l.SourceID, &l.ID, &l.Outcome, &l.Column, &l.Code, &l.Message, &l.State, &replays, &raw, &bytes,
			&l.TraceID, &l.Version, &l.Parent, &l.FirstSeen, &l.UpdatedAt}
		if err := rows.Scan(append(fields, m.fields()...)...); err != nil {
			return err
		}
		l.Replays, l.RawBytes, l.Bytes = int(replays), int(raw), int(bytes)
		if q.Raw {
			m.into(&l)
		}
		out = append(out, l)
		return nil
	})
	return out, err
}

// DeadLetterMessages reads the messages of dead letters into their Raw, Key and Headers. By Bytes the caller decides
// how many that may be at once.
func (s *Store) DeadLetterMessages(ctx context.Context, deadLetters []ledger.DeadLetterState) error {
	byKey := make(map[ledger.Origin]*ledger.DeadLetterState, len(deadLetters))
	for i := range deadLetters {
		byKey[deadLetters[i].Origin] = &deadLetters[i]
	}
	for keys := range keyLists(deadLetters) {
		rows, err := s.query(ctx, statements.With("dead_letters/messages", "keys", keys))
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
	ends := map[ledger.Origin]uint64{}
	err := s.each(ctx, statements.Text("dead_letters/ends"), deadLetterArgs(&q), func(rows driver.Rows) error {
		var at ledger.Origin
		var last uint64
		if err := rows.Scan(&at.Origin, &at.Digest, &at.Partition, &last); err != nil {
			return err
		}
		ends[at] = last
		return nil
	})
	return ends, err
}

// CountDeadLetters counts dead letters by reason and state, the largest number first.
func (s *Store) CountDeadLetters(ctx context.Context, q ledger.DeadLetterQuery) (out []ledger.DeadLetterCount,
	err error) {
	err = s.each(ctx, statements.Text("dead_letters/counts"), deadLetterArgs(&q), func(rows driver.Rows) error {
		var c ledger.DeadLetterCount
		if err := rows.Scan(&c.Pipeline, &c.Source, &c.Code, &c.Column, &c.State, &c.Rows, &c.Oldest); err != nil {
			return err
		}
		out = append(out, c)
		return nil
	})
	return out, err
}

// deadLetterArgs are the parameters of sql/dead_letters/selected.part.sql.
func deadLetterArgs(q *ledger.DeadLetterQuery, more ...string) []any {
	id, sourceID, replays := "", q.ID, ""
	if parsed, err := uuid.Parse(q.ID); err == nil { // an id of a source that is a UUID is the id itself
		id, sourceID = parsed.String(), ""
	}
	if q.Replays != nil {
		replays = itoa(max(*q.Replays, 0))
	}
	var at, after ledger.Origin
	if q.At != nil {
		at = *q.At
	}
	if q.After != nil {
		after = *q.After
	}
	return named(append(more, "pipeline", q.Pipeline, "origin", q.Origin, "code", q.Code, "source", q.Source,
		"state", q.State, "id", id, "source_id", sourceID, "since", micros(q.Since), "until", micros(q.Until),
		"replays", replays,
		"at", zeroOne(q.At != nil), "at_origin", at.Origin, "at_partition", itoa(int(at.Partition)),
		"at_position", strconv.FormatUint(at.Position, 10),
		"after", zeroOne(q.After != nil), "after_origin", after.Origin, "after_digest", after.Digest,
		"after_partition", itoa(int(after.Partition)), "after_position", strconv.FormatUint(after.Position, 10))...)
}

// literal writes a text as SQL does.
func literal(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
