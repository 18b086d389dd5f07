package reconcile

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/events"
)

// place is where a message is in events.raw.
type place struct {
	partition int32
	position  uint64
}

// claim is a message that was stored, by the ledger; without a hash it is erased since.
type claim struct {
	position    uint64
	contentHash uint64
}

// facts are what ClickHouse says of the messages of a range.
type facts struct {
	entries map[int64]ledger.StreamEntry
	claims  map[event.ID]claim // of each id the one with the lowest offset of this partition
	gold    map[event.ID]place
	dead    map[int64]bool
}

func (r *run) facts(ctx context.Context, part ledger.StreamRange, messages []delivered) (*facts, error) {
	f := &facts{entries: map[int64]ledger.StreamEntry{}, claims: map[event.ID]claim{}, gold: map[event.ID]place{}}
	entries, err := r.tables.EventLedger(ctx, part)
	if err != nil {
		return nil, err
	}
	for i := range entries {
		f.entries[entries[i].Offset] = entries[i]
	}
	var ids []event.ID
	for i := range messages {
		if messages[i].readable {
			ids = append(ids, messages[i].id)
		}
	}
	claims := func(id event.ID, partition int32, position, hash uint64) {
		if has, ok := f.claims[id]; partition == part.Partition &&
			(!ok || position < has.position || position == has.position && hash == 0) {
			f.claims[id] = claim{position, hash}
		}
	}
	err = r.tables.EventClaims(ctx, part.Log, ids, claims)
	if err != nil {
		return nil, err
	}
	err = r.tables.EventsStored(ctx, ids, func(id event.ID, partition int32, position, _ uint64) {
		f.gold[id] = place{partition, position}
	})
	if err != nil {
		return nil, err
	}
	f.dead, err = r.tables.EventDeadLetters(ctx, part)
	return f, err
}

// compare looks for each message of a range: in gold, as a duplicate, or among the dead letters.
func (r *run) compare(ctx context.Context, part ledger.StreamRange, messages []delivered) error {
	f, err := r.facts(ctx, part, messages)
	if err != nil {
		return err
	}
	r.counts.In += int64(len(messages))
	for i := range messages {
		m := &messages[i]
		e, accounted := f.entries[m.offset]
		delete(f.entries, m.offset)
		switch {
		case !accounted && m.readable && f.repeats(m):
			r.counts.Duplicates++
		case !accounted:
			if err := r.unaccounted(ctx, &part, m); err != nil {
				return err
			}
		case e.Outcome == ledger.OutcomeErased:
			r.erased(&part, m, f)
		case e.Variants > 1:
			r.add(&part, ledger.FindingDoubled, event.ID(e.ID), m.offset,
				"the ledger has several entries for this message that differ")
		case e.Outcome == ledger.OutcomeStored:
			r.stored(&part, m, &e, f)
		default:
			r.counts.DeadLettered++
			if !f.dead[m.offset] {
				r.add(&part, ledger.FindingNoDeadLetter, event.ID(e.ID), m.offset, "dead_letters lacks the message")
			}
		}
	}
	for _, e := range f.entries {
		if e.Code != transaction.CodeDeleted {
			r.add(&part, ledger.FindingInvented, event.ID(e.ID), e.Offset,
				"the ledger has an entry for an offset that holds no message")
		}
	}
	return nil
}

// erased is a message whose person is forgotten: gold must not have it.
func (r *run) erased(part *ledger.StreamRange, m *delivered, f *facts) {
	at, there := f.gold[m.id]
	if there && at.partition == part.Partition && at.position == uint64(m.offset) {
		r.add(part, ledger.FindingOther, m.id, m.offset, "events has an event that the ledger calls erased")
		return
	}
	r.counts.Erased++
}

// repeats reports whether a message says again what one at a lower offset of its partition said, which is stored, or
// was before it was erased.
func (f *facts) repeats(m *delivered) bool {
	c, ok := f.claims[m.id]
	return ok && c.position < uint64(m.offset) && (c.contentHash == m.hash || c.contentHash == 0)
}

func (r *run) stored(part *ledger.StreamRange, m *delivered, e *ledger.StreamEntry, f *facts) {
	at, there := f.gold[m.id]
	switch {
	case !m.readable || event.ID(e.ID) != m.id || e.ContentHash != m.hash:
		r.add(part, ledger.FindingOther, event.ID(e.ID), m.offset,
			"the message has another id or content than its entry in the ledger")
	case !there:
		r.add(part, ledger.FindingMissing, m.id, m.offset, "events lacks the event that the ledger calls stored")
	case at.partition == part.Partition && at.position == uint64(m.offset):
		r.counts.Stored++
	default: // it came again when nobody remembered the first, which gold has
		r.counts.Duplicates++
	}
}

// unaccounted is a message of which nothing is known. That is right if ClickHouse could not read its result, which is
// a dead letter of its own then.
func (r *run) unaccounted(ctx context.Context, part *ledger.StreamRange, m *delivered) error {
	if r.unreadable == nil {
		if err := r.readUnreadable(ctx); err != nil {
			return err
		}
	}
	if r.unreadable[place{part.Partition, uint64(m.offset)}] {
		r.counts.DeadLettered++
		return nil
	}
	r.add(part, ledger.FindingUnaccounted, m.id, m.offset, "it is neither in gold, nor a duplicate, nor a dead letter")
	return nil
}

// readUnreadable reads which messages have results that ClickHouse could not read.
func (r *run) readUnreadable(ctx context.Context) error {
	r.unreadable = map[place]bool{}
	for _, topic := range []string{events.Silver, events.DeadLetters} {
		deadLetters, err := r.tables.DeadLetters(ctx, ledger.DeadLetterQuery{Origin: topic, Code: "unreadable", Raw: true})
		if err != nil {
			return err
		}
		for i := range deadLetters {
			var of struct{ Partition, Position json.Number } // earlier releases wrote them as texts
			if json.Unmarshal(deadLetters[i].Raw, &of) != nil {
				continue
			}
			partition, err := strconv.ParseInt(of.Partition.String(), 10, 32)
			position, err2 := strconv.ParseUint(of.Position.String(), 10, 64)
			if err == nil && err2 == nil {
				r.unreadable[place{int32(partition), position}] = true
			}
		}
	}
	return nil
}
