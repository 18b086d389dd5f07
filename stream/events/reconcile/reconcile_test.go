package reconcile

import (
	"context"
	"fmt"
	"testing"

	"github.com/txflow/txflow/internal/event"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/reconcile"
)

// world is a topic of one partition and what ClickHouse has of it.
type world struct {
	begin, committed, verified int64
	messages                   [][]byte
	entries                    []ledger.StreamEntry
	gold                       map[event.ID]uint64
	dead                       map[int64]bool
	deadLetters                []ledger.DeadLetterState
	marked                     int
	recorded                   map[int32]int64
}

func (w *world) Topic(context.Context) (reconcile.Topic, error) {
	return reconcile.Topic{Log: "c/t",
		Partitions: []reconcile.Partition{{Begin: w.begin, Committed: w.committed, Verified: w.verified}}}, nil
}

func (w *world) Read(_ context.Context, _ int32, from, to int64, visit func(int64, []byte) error) error {
	for offset := from; offset < to; offset++ {
		if err := visit(offset, w.messages[offset]); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) Record(_ context.Context, verified map[int32]int64) error {
	w.recorded = verified
	return nil
}

func (w *world) EventLedger(_ context.Context, r ledger.StreamRange) (out []ledger.StreamEntry, _ error) {
	for _, e := range w.entries {
		if e.Offset >= r.From && e.Offset < r.To {
			out = append(out, e)
		}
	}
	return out, nil
}

func (w *world) EventClaims(_ context.Context, _ string, ids []event.ID,
	visit func(event.ID, int32, uint64, uint64)) error {
	for _, id := range ids {
		for _, e := range w.entries {
			if event.ID(e.ID) == id && e.Outcome == ledger.OutcomeStored {
				visit(id, 0, uint64(e.Offset), e.ContentHash)
			}
		}
	}
	return nil
}

func (w *world) EventsStored(_ context.Context, ids []event.ID, visit func(event.ID, int32, uint64, uint64)) error {
	for _, id := range ids {
		if at, ok := w.gold[id]; ok {
			visit(id, 0, at, 0)
		}
	}
	return nil
}

func (w *world) EventDeadLetters(context.Context, ledger.StreamRange) (map[int64]bool, error) {
	return w.dead, nil
}

func (w *world) DeadLetters(_ context.Context, q ledger.DeadLetterQuery) (out []ledger.DeadLetterState, _ error) {
	for _, l := range w.deadLetters {
		if l.Code == q.Code && l.Origin.Origin == q.Origin && (q.State == "" || l.State == q.State) {
			out = append(out, l)
		}
	}
	return out, nil
}

func (w *world) MarkDeadLetters(_ context.Context, deadLetters []ledger.DeadLetterState, _ string) error {
	w.marked += len(deadLetters)
	return nil
}

func message(id byte, kind string) (value []byte, e event.Event) {
	e = event.Event{ID: event.ID{15: id}, Type: kind, Form: event.FormSimple}
	return events.AppendRaw([]byte{0, 0, 0, 0, 1}, &e), e
}

// healthy has a stored event, its duplicate, a dead letter, an event that came again when it was forgotten, a result
// that ClickHouse could not read, and deleted offsets that are recorded.
func healthy() *world {
	first, e := message(1, "A")
	conflict, _ := message(1, "B")
	second, s := message(2, "C")
	lost, _ := message(3, "D")
	stored := func(offset int64, e *event.Event) ledger.StreamEntry {
		return ledger.StreamEntry{Offset: offset, ID: transaction.ID(e.ID), ContentHash: e.ContentHash(),
			Outcome: ledger.OutcomeStored, Variants: 1}
	}
	return &world{committed: 7, verified: -1, messages: [][]byte{first, first, conflict, []byte("no Avro"), second, second,
		lost}, entries: []ledger.StreamEntry{stored(0, &e), {Offset: 2, Outcome: ledger.OutcomeDeadLetter, Variants: 1},
		{Offset: 3, Outcome: ledger.OutcomeRejected, Variants: 1}, stored(4, &s), stored(5, &s)},
		gold: map[event.ID]uint64{e.ID: 0, s.ID: 4}, dead: map[int64]bool{2: true, 3: true},
		deadLetters: []ledger.DeadLetterState{{Code: "unreadable", Origin: ledger.Origin{Origin: events.Silver},
			State: ledger.StateOpen, Raw: []byte(`{"partition":0,"position":6}`)}}}
}

// TestEveryBreakIsFound breaks the proof in every way, one at a time.
func TestEveryBreakIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		breaks func(*world)
		want   ledger.FindingKind
	}{
		"nothing": {func(*world) {}, ""},
		"a result as ClickHouse wrote it until it kept messages as they came": {func(w *world) {
			w.deadLetters[0].Raw = []byte(`{"partition":"0","position":"6"}`)
		}, ""},
		"a lost event":                {func(w *world) { w.entries = w.entries[1:] }, ledger.FindingUnaccounted},
		"a lost result":               {func(w *world) { w.deadLetters = nil }, ledger.FindingUnaccounted},
		"a duplicate that says other": {func(w *world) { w.messages[1] = w.messages[2] }, ledger.FindingUnaccounted},
		"a dead letter without a row": {func(w *world) { w.dead[3] = false }, ledger.FindingNoDeadLetter},
		"gold lacks an event":         {func(w *world) { delete(w.gold, event.ID{15: 2}) }, ledger.FindingMissing},
		"two entries that differ":     {func(w *world) { w.entries[0].Variants = 2 }, ledger.FindingDoubled},
		"another content":             {func(w *world) { w.entries[3].ContentHash++ }, ledger.FindingOther},
		"an entry of nothing": {func(w *world) {
			w.committed, w.messages[6] = 7, w.messages[0]
			w.entries = append(w.entries, ledger.StreamEntry{Offset: 6, Variants: 2})
		}, ledger.FindingDoubled},
		"deleted before it was verified": {func(w *world) { w.begin, w.verified = 3, 1 }, ledger.FindingGap},
		"deleted before it was read": {func(w *world) {
			w.deadLetters = append(w.deadLetters, ledger.DeadLetterState{
				Code: string(transaction.CodeDeleted), State: ledger.StateOpen,
				Origin: ledger.Origin{Origin: events.Raw}, Raw: deadletter.AppendGap(nil, 0, 2)})
		}, ledger.FindingGap},
	} {
		w := healthy()
		c.breaks(w)
		cfg := Config{Limit: 5, Read: func(context.Context) error { return nil }}
		counts, found, err := Run(t.Context(), w, w, cfg, func(int) {})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.want == "" {
			if got := fmt.Sprint(counts.In, counts.Stored, counts.Duplicates, counts.DeadLettered); got != "7 2 2 3" ||
				found.Total() > 0 || w.recorded[0] != 7 {
				t.Errorf("%s: in, stored, duplicates, dead letters %s, %+v, recorded %v", name, got, found, w.recorded)
			}
			continue
		}
		if found.Counts[c.want] == 0 || w.recorded != nil || fault.ExitCode(found.Err("x")) != fault.ExitData {
			t.Errorf("%s: %+v, recorded %v", name, found, w.recorded)
		}
		if c.want == ledger.FindingGap {
			cfg.AcceptGap = true
			if _, found, err = Run(t.Context(), w, w, cfg, func(int) {}); err != nil || found.Counts[ledger.FindingGap] > 0 &&
				w.verified < 0 {
				t.Errorf("%s, accepted: %+v, %v", name, found, err)
			}
		}
	}
}
