package forget

import (
	"context"
	"strconv"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/stream/dlq"
	"github.com/txflow/txflow/stream/events"
)

// deadLettersAtOnce are read with their messages.
const deadLettersAtOnce = 500

// find visits the messages of bronze and the dead letters that are of the person; one may come twice.
func (f *Forget) find(ctx context.Context, e *ledger.Erasure, visit func(*ledger.ErasedMessage) error) error {
	match := matcher{person: f.Person, itemBytes: f.ItemBytes}
	raw := func(m *ledger.RawMessage) error { return visit(bronzeOf(m)) }
	f.Progress("looking among raw messages", -1)
	err := f.Tables.ReadRawOfEvents(ctx, e, f.Person, func(m *ledger.RawMessage) error {
		if of, readable := match.raw(m.Value); of || !readable { // its key says whose it is
			return raw(m)
		}
		return nil
	})
	if err != nil {
		return err
	}
	before := func(m *ledger.RawMessage) error {
		if of, _ := match.raw(m.Value); of && publishedOf(m) < e.Before {
			return raw(m)
		}
		return nil
	}
	looked := int64(0)
	err = f.Tables.ReadRawOutsideGold(ctx, before, func(offsets int64) {
		looked += offsets
		f.Progress("looking among raw messages", looked)
	})
	if err != nil {
		return err
	}
	f.Progress("looking among dead letters", -1)
	var ids []event.ID
	query := ledger.DeadLetterQuery{Pipeline: events.Ledger}
	for piece, err := range dlq.Pieces(ctx, f.Tables, query, deadLettersAtOnce) {
		if err != nil {
			return err
		}
		for i := range piece {
			l := &piece[i]
			if !match.deadLetter(l.Origin.Origin, l.Raw) || versionOf(l) >= e.Before {
				continue
			}
			if id, ok := event.ParseID(l.ID); ok && id != (event.ID{}) {
				ids = append(ids, id)
			}
			if err := visit(&ledger.ErasedMessage{Origin: l.Origin, From: fromDeadLetters, EventID: l.ID}); err != nil {
				return err
			}
		}
		looked += int64(len(piece))
		f.Progress("looking among dead letters", looked)
	}
	return f.Tables.ReadRawOfIDs(ctx, ids, before) // of those whose id is another's in gold
}

// bronzeOf is a message of bronze by its place. It has no digest: the record's time tells topics of one name apart.
func bronzeOf(m *ledger.RawMessage) *ledger.ErasedMessage {
	return &ledger.ErasedMessage{From: fromBronze, EventID: m.ID, Origin: ledger.Origin{Origin: m.Origin,
		Digest: strconv.FormatInt(m.RecordedMS, 10), Partition: m.Partition, Position: m.Position}}
}

// publishedOf is when a message was published first, in microseconds since 1970.
func publishedOf(m *ledger.RawMessage) int64 {
	at := m.RecordedMS * 1000
	if origin, err := strconv.ParseInt(m.Version, 10, 64); err == nil && origin > 0 {
		at = min(at, origin)
	}
	return at
}

// versionOf is when what a dead letter holds was published, or came, in microseconds since 1970.
func versionOf(l *ledger.DeadLetterState) int64 {
	if l.Version > 0 {
		return l.Version
	}
	return l.FirstSeen.UnixMicro()
}
