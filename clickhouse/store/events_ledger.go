package store

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// EventLedger returns the entries of a range of events.raw, by their offsets. Entries that were delivered again, and
// are the same, are one; so are several judgements of a message that store the same. One that is erased is nothing
// else.
func (s *Store) EventLedger(ctx context.Context, r ledger.StreamRange) (out []ledger.StreamEntry, err error) {
	err = s.each(ctx, statements.Text("events/ledger"), streamArgs(&r), func(rows driver.Rows) error {
		var e ledger.StreamEntry
		var offset uint64
		if err := rows.Scan(&offset, (*uuid.UUID)(&e.ID), &e.ContentHash, (*string)(&e.Outcome), (*string)(&e.Code),
			&e.Variants); err != nil {
			return err
		}
		e.Offset = int64(offset) // Kafka's offsets are signed
		out = append(out, e)
		return nil
	})
	return out, err
}

// EventDeadLetters returns the offsets of a range of events.raw that have a dead letter, whatever its state.
func (s *Store) EventDeadLetters(ctx context.Context, r ledger.StreamRange) (map[int64]bool, error) {
	offsets := map[int64]bool{}
	err := s.each(ctx, statements.Text("events/dead_letter_offsets"), streamArgs(&r), func(rows driver.Rows) error {
		var offset uint64
		if err := rows.Scan(&offset); err != nil {
			return err
		}
		offsets[int64(offset)] = true // Kafka's offsets are signed
		return nil
	})
	return offsets, err
}

// EventClaims calls visit with each message of these ids that the ledger calls stored, or erased, in a log
// (CLUSTER_ID/TOPIC_ID). Of one that is erased the hash of the contents is 0.
func (s *Store) EventClaims(ctx context.Context, log string, ids []event.ID,
	visit func(id event.ID, partition int32, position, contentHash uint64)) error {
	return s.eventRows(ctx, "events/claims", named("log", log), ids, visit)
}

// EventsStored calls visit for each of the ids that gold has, with the message of events.raw that it is from.
func (s *Store) EventsStored(ctx context.Context, ids []event.ID,
	visit func(id event.ID, partition int32, position, contentHash uint64)) error {
	return s.eventRows(ctx, "events/stored", nil, ids, visit)
}

func (s *Store) eventRows(ctx context.Context, name string, args []any, ids []event.ID,
	visit func(id event.ID, partition int32, position, contentHash uint64)) error {
	for some := range slices.Chunk(ids, idsOfQuery) {
		rows, err := s.query(ctx, statements.With(name, "ids", idList(some)), args...)
		if err != nil {
			return err
		}
		for rows.Next() {
			var id uuid.UUID
			var partition int32
			var position, hash uint64
			if err := rows.Scan(&id, &partition, &position, &hash); err != nil {
				_ = rows.Close()
				return err
			}
			visit(event.ID(id), partition, position, hash)
		}
		err = rows.Err()
		_ = rows.Close() // it was only read
		if err != nil {
			return s.explain(err)
		}
	}
	return nil
}
