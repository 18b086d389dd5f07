package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/deadletter"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/stream/transactions/message"
)

// world is a topic, the tables and the note of how far it is verified, in memory.
type world struct {
	topic       Topic
	messages    map[int32]map[int64]string
	entries     map[int32][]ledger.StreamEntry
	deadLetters []ledger.DeadLetterState
	recorded    map[int32]int64
	asked       []ledger.StreamRange
}

func (w *world) Topic(context.Context) (Topic, error) { return w.topic, nil }

func (w *world) Read(_ context.Context, partition int32, from, to int64, visit func(int64, []byte) error) error {
	for _, offset := range slices.Sorted(maps.Keys(w.messages[partition])) {
		if offset >= from && offset < to {
			if err := visit(offset, []byte(w.messages[partition][offset])); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) Record(_ context.Context, verified map[int32]int64) error {
	w.recorded = verified
	return nil
}

func (w *world) StreamLedger(_ context.Context, r ledger.StreamRange) (out []ledger.StreamEntry, err error) {
	w.asked = append(w.asked, r)
	for _, e := range w.entries[r.Partition] {
		if e.Offset >= r.From && e.Offset < r.To {
			out = append(out, e)
		}
	}
	return out, nil
}

func (w *world) StreamProblems(context.Context, ledger.StreamRange, int) (ledger.Findings, error) {
	return ledger.Findings{}, nil
}

func (w *world) DeadLetters(_ context.Context, q ledger.DeadLetterQuery) (out []ledger.DeadLetterState, err error) {
	for _, l := range w.deadLetters {
		if l.Origin.Origin == q.Origin && l.Code == q.Code && (q.State == "" || l.State == q.State) {
			out = append(out, l)
		}
	}
	return out, nil
}

func (w *world) MarkDeadLetters(_ context.Context, deadLetters []ledger.DeadLetterState, state string) error {
	for i := range w.deadLetters {
		if slices.ContainsFunc(deadLetters,
			func(l ledger.DeadLetterState) bool { return l.Origin == w.deadLetters[i].Origin }) {
			w.deadLetters[i].State = state
		}
	}
	return nil
}

func raw(id int) string {
	return fmt.Sprintf(`{"id":"%d","amount":"-1.5","timestamp":"2024-01-31 `+
		`12:00:00","operation_type":"card","side":"debit"}`, id)
}

func entry(offset int64, value string) ledger.StreamEntry {
	var p message.Parsed
	parser := message.Parser{Rules: transaction.DefaultRules(time.Now())}
	parser.Rules.Source = "s"
	e := ledger.StreamEntry{Offset: offset, Source: "s", Variants: 1, Outcome: ledger.OutcomeStored}
	if v := parser.Parse([]byte(value), &p); v.Code != transaction.CodeOK {
		e.Outcome, e.Code = ledger.OutcomeRejected, v.Code
		return e
	}
	e.ID, e.ContentHash = p.Transaction.ID, p.ContentHash
	return e
}

// fine is a world that adds up: two partitions, a bad message, and a marker at offset 3.
func fine() *world {
	w := &world{topic: Topic{Log: "c/t", Partitions: []Partition{{0, 0, 8, -1}, {1, 2, 6, 4}, {2, 0, -1, -1}}},
		messages: map[int32]map[int64]string{0: {}, 1: {}}, entries: map[int32][]ledger.StreamEntry{}}
	for partition, p := range w.topic.Partitions[:2] {
		for offset := p.Begin; offset < p.Committed+2; offset++ { // two more wait
			value := raw(partition*100 + int(offset))
			if offset == 3 {
				continue
			}
			if offset == 5 {
				value = "[]"
			}
			w.messages[p.Number][offset] = value
			if offset < p.Committed {
				w.entries[p.Number] = append(w.entries[p.Number], entry(offset, value))
			}
		}
	}
	return w
}

func (w *world) run(t *testing.T, accept bool) (ledger.Counts, string) {
	t.Helper()
	w.recorded = nil
	counts, found, err := Run(t.Context(), w, w,
		Config{Group: "g", Limit: 9, AcceptGap: accept, Read: func(context.Context) error { return nil }}, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range found.First {
		lines = append(lines, f.String())
	}
	if (len(lines) == 0) != (w.recorded != nil) {
		t.Errorf("recorded %v with findings %q", w.recorded, lines)
	}
	return counts, strings.Join(lines, "\n")
}

func TestAddsUp(t *testing.T) {
	t.Parallel()
	w := fine()
	counts, found := w.run(t, false)
	if found != "" || counts.In != 9 || counts.Stored != 7 || counts.Rejected != 2 ||
		!maps.Equal(w.recorded, map[int32]int64{0: 8, 1: 6}) {
		t.Errorf("%+v %q, recorded %v", counts, found, w.recorded)
	}
	if w.asked[1].From != 4 || w.asked[1].To != 6 { // after what is verified
		t.Errorf("%+v", w.asked)
	}
}

// TestFindings breaks one thing at a time.
func TestFindings(t *testing.T) {
	t.Parallel()
	for want, harm := range map[string]func(*world){
		"unaccounted at transactions.raw/0:4": func(w *world) { w.entries[0] = slices.Delete(w.entries[0], 3, 4) },
		"unaccounted at transactions.raw/0:7": func(w *world) { w.entries[0] = w.entries[0][:6] },
		"invented at transactions.raw/0:3": func(w *world) {
			w.entries[0] = slices.Insert(w.entries[0], 3, ledger.StreamEntry{Offset: 3, Variants: 1})
		},
		"doubled ":                              func(w *world) { w.entries[0][2].Variants = 2 },
		"another id than":                       func(w *world) { w.entries[0][2].ID[0]++ },
		"another content than":                  func(w *world) { w.entries[0][2].ContentHash++ },
		"breaks the rule message_format":        func(w *world) { w.entries[1][2].Outcome = ledger.OutcomeStored },
		"gap at transactions.raw/0:8":           func(w *world) { w.topic.Partitions[0].Begin = 20 },
		"gap at transactions.raw/1:4 (4 to 4: ": func(w *world) { w.topic.Partitions[1].Begin = 5 },
		"gap at transactions.raw/1:4 (4 to 4: retention deleted these offsets before they were read": func(w *world) {
			w.topic.Partitions[1].Begin, w.deadLetters = 5, []ledger.DeadLetterState{gapAt(4, 5)} // recorded, it is one gap
			w.deadLetters[0].Origin.Partition, w.deadLetters[0].Origin.Digest = 1, "c/t"
			w.messages[1], w.entries[1] = map[int64]string{5: "[]"}, w.entries[1][2:]
		},
		"gap at transactions.raw/0:20 (20 to 29": func(w *world) { w.deadLetters = append(w.deadLetters, gapAt(20, 30)) },
	} {
		w := fine()
		harm(w)
		if _, found := w.run(t, false); strings.Count(found, want) != 1 || strings.Contains(found, "\n") {
			t.Errorf("want %q, found %q", want, found)
		}
	}
}

func gapAt(first, next int64) ledger.DeadLetterState {
	return ledger.DeadLetterState{Origin: ledger.Origin{Origin: topics.Raw, Position: uint64(first)},
		Code: string(transaction.CodeDeleted), State: ledger.StateOpen,
		Raw: deadletter.AppendGap(nil, first, next)}
}

// TestGapIsAccepted has a recorded gap with its entry in the ledger, which is none of a message.
func TestGapIsAccepted(t *testing.T) {
	t.Parallel()
	w := fine()
	w.deadLetters = []ledger.DeadLetterState{gapAt(3, 4)}
	w.entries[0] = slices.Insert(w.entries[0], 3, ledger.StreamEntry{Offset: 3, Variants: 1,
		Outcome: ledger.OutcomeRejected, Code: transaction.CodeDeleted})
	if _, found := w.run(t, false); strings.Count(found, "gap at ") != 1 || strings.Contains(found, "\n") {
		t.Errorf("%q", found)
	}
	for range 2 {
		if _, found := w.run(t, true); found != "" {
			t.Errorf("accepted: %q", found)
		}
		if _, found := w.run(t, false); found != "" {
			t.Errorf("after it was accepted: %q", found)
		}
	}
}

// TestUnreadable has results that ClickHouse could not read: they are dead letters of its own.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	w := fine()
	w.entries[0] = slices.Delete(slices.Delete(w.entries[0], 3, 4), 0, 1) // offsets 4 and 0
	w.deadLetters = []ledger.DeadLetterState{
		{Origin: ledger.Origin{Origin: topics.Classified}, Code: codeUnreadable,
			Raw: []byte(`{"amount":"x","position":4,"call":{"partition":0}}`)},
		{Origin: ledger.Origin{Origin: topics.DeadLetters}, Code: codeUnreadable,
			Raw: []byte(`{"partition":0,"position":0}`)},
		{Origin: ledger.Origin{Origin: topics.Classified}, Code: codeUnreadable, Raw: []byte(`torn`)},
	}
	if counts, found := w.run(t, false); found != "" || counts.DeadLettered != 2 {
		t.Errorf("%+v %q", counts, found)
	}
	// What is no JSON any more still says whose result it is, where that much is left of it.
	w.deadLetters = []ledger.DeadLetterState{
		{Origin: ledger.Origin{Origin: topics.Classified}, Code: codeUnreadable,
			Raw: []byte("\xff{\"description\":\"\\\"position\\\":9\",\"position\":4,\"call\":{\"partition\":0,\"or")},
		{Origin: ledger.Origin{Origin: topics.DeadLetters}, Code: codeUnreadable,
			Raw: []byte(`{"partition":0,"position":0,"id":}`)},
	}
	if counts, found := w.run(t, false); found != "" || counts.DeadLettered != 2 {
		t.Errorf("damaged: %+v %q", counts, found)
	}
	w.deadLetters = []ledger.DeadLetterState{
		{Origin: ledger.Origin{Origin: topics.Classified}, Code: codeUnreadable, Raw: []byte(`torn`)},
		{Origin: ledger.Origin{Origin: topics.Classified}, Code: codeUnreadable,
			Raw: []byte(`"position":4,"partition":99999999999`)},
		{Origin: ledger.Origin{Origin: topics.Classified}, Code: codeUnreadable, Raw: []byte(`{}`)}, // not of offset 0
	}
	if _, found := w.run(t, false); strings.Count(found, "unaccounted") != 2 {
		t.Errorf("%q", found)
	}
}
