package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/ledger"
)

const eventsLedger = `outcomes WHERE pipeline = 'events' AND origin = {topic:String} AND partition = {partition:Int32}
AND position >= {from:UInt64} AND position < {to:UInt64} AND log_id = {log:String}`

// EventLedger returns the entries of a range of events.raw, by their offsets. Entries that were delivered again, and
// are the same, are one; so are several judgements of a message that store the same. One that is erased is nothing
// else.
func (s *Store) EventLedger(ctx context.Context, r ledger.StreamRange) (out []ledger.StreamEntry, err error) {
	rows, err := s.query(ctx, `SELECT position, any(id), any(content_hash), if(countIf(outcome = 'erased') > 0, 'erased', toString(any(outcome))), any(code),
    if(countIf(outcome = 'erased') > 0, toUInt64(1), uniqExact((id, content_hash, outcome, code)))
FROM `+eventsLedger+` GROUP BY position ORDER BY position`, streamArgs(&r)...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	for rows.Next() {
		var e ledger.StreamEntry
		var offset uint64
		if err := rows.Scan(&offset, (*uuid.UUID)(&e.ID), &e.ContentHash, (*string)(&e.Outcome), (*string)(&e.Code),
			&e.Variants); err != nil {
			return nil, err
		}
		e.Offset = int64(offset) //nolint:gosec // Kafka's offsets are signed
		out = append(out, e)
	}
	return out, s.explain(rows.Err())
}

// EventDeadLetters returns the offsets of a range of events.raw that have a dead letter, whatever its state.
func (s *Store) EventDeadLetters(ctx context.Context, r ledger.StreamRange) (map[int64]bool, error) {
	rows, err := s.query(ctx, `SELECT DISTINCT position FROM dead_letters WHERE origin = {topic:String} AND origin_digest = {log:String}
AND partition = {partition:Int32} AND position >= {from:UInt64} AND position < {to:UInt64}`, streamArgs(&r)...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // it was only read
	offsets := map[int64]bool{}
	for rows.Next() {
		var offset uint64
		if err := rows.Scan(&offset); err != nil {
			return nil, err
		}
		offsets[int64(offset)] = true //nolint:gosec // Kafka's offsets are signed
	}
	return offsets, s.explain(rows.Err())
}

// EventClaims calls visit with each message of these ids that the ledger calls stored, or erased, in a log
// (CLUSTER_ID/TOPIC_ID). Of one that is erased the hash of the contents is 0.
func (s *Store) EventClaims(ctx context.Context, log string, ids []event.ID,
	visit func(id event.ID, partition int32, position, contentHash uint64)) error {
	return s.eventRows(ctx, `SELECT DISTINCT id, partition, position, content_hash FROM outcomes
WHERE pipeline = 'events' AND outcome IN ('stored', 'erased') AND log_id = `+literal(log)+` AND id IN (%s)`, ids, visit)
}

// EventsStored calls visit for each of the ids that gold has, with the message of events.raw that it is from.
func (s *Store) EventsStored(ctx context.Context, ids []event.ID,
	visit func(id event.ID, partition int32, position, contentHash uint64)) error {
	return s.eventRows(ctx, `SELECT event_id, last.1, last.2, last.3 FROM
(SELECT event_id, argMax((partition, position, content_hash), row_version) AS last FROM events WHERE event_id IN (%s) GROUP BY event_id)`,
		ids, visit)
}

func (s *Store) eventRows(ctx context.Context, query string, ids []event.ID,
	visit func(id event.ID, partition int32, position, contentHash uint64)) error {
	for some := range slices.Chunk(ids, idsOfQuery) {
		list := make([]byte, 0, len(some)*len("00000000-0000-0000-0000-000000000000,"))
		for _, id := range some {
			list = append(id.Append(list), ',')
		}
		rows, err := s.query(ctx, fmt.Sprintf(query, "SELECT toUUID(arrayJoin(splitByChar(',', '"+string(list[:len(list)-1])+
			"')))"))
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
