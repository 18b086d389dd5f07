package reconcile

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
)

func entry(line uint64, outcome ledger.Outcome) ledger.Entry {
	return ledger.Entry{Position: line, ID: transaction.ID{15: byte(line)}, ContentHash: line, Outcome: outcome}
}

func valid(line uint64) sourceRow {
	return sourceRow{line: line, id: transaction.ID{15: byte(line)}, hash: line, valid: true}
}

// walk compares rows with entries; an entry for line 0 is an error of the ledger.
func walk(rows []sourceRow, entries []ledger.Entry) (found ledger.Findings, counts ledger.Counts, err error) {
	found.Limit = 100
	next, stop := iter.Pull2(func(yield func(ledger.Entry, error) bool) {
		for _, e := range entries {
			var err error
			if e.Position == 0 {
				err = errors.New("the ledger is unavailable")
			}
			if !yield(e, err) {
				return
			}
		}
	})
	defer stop()
	c := comparison{file: "f", next: next, found: &found, counts: &counts}
	for i := range rows {
		if err := c.row(&rows[i]); err != nil {
			return found, counts, err
		}
	}
	return found, counts, c.rest()
}

func TestEachRowHasOneEntry(t *testing.T) {
	t.Parallel()
	stored := func(lines ...uint64) (all []ledger.Entry) {
		for _, line := range lines {
			all = append(all, entry(line, ledger.OutcomeStored))
		}
		return all
	}
	other := entry(3, ledger.OutcomeStored)
	other.ContentHash++
	all := []sourceRow{valid(2), valid(3), valid(4)}
	for name, c := range map[string]struct {
		rows    []sourceRow
		entries []ledger.Entry
		want    string
	}{
		"all are there":          {all, stored(2, 3, 4), "[]"},
		"an empty file":          {nil, nil, "[]"},
		"the first is missing":   {all, stored(3, 4), "[unaccounted 2]"},
		"one is missing":         {all, stored(2, 4), "[unaccounted 3]"},
		"the last is missing":    {all, stored(2, 3), "[unaccounted 4]"},
		"all are missing":        {all, nil, "[unaccounted 2 unaccounted 3 unaccounted 4]"},
		"one before the first":   {all, stored(1, 2, 3, 4), "[invented 1]"},
		"one in between":         {[]sourceRow{valid(2), valid(4)}, stored(2, 3, 4), "[invented 3]"},
		"two after the last":     {all, stored(2, 3, 4, 5, 6), "[invented 5 invented 6]"},
		"entries without a file": {nil, stored(2), "[invented 2]"},
		"twice":                  {all, stored(2, 3, 3, 4), "[invented 3]"},
		"other contents": {all, []ledger.Entry{entry(2, ledger.OutcomeStored), other,
			entry(4, ledger.OutcomeStored)}, "[other_row 3]"},
		"a bad row is stored":    {[]sourceRow{{line: 2}}, stored(2), "[other_row 2]"},
		"a bad row is rejected":  {[]sourceRow{{line: 2}}, []ledger.Entry{entry(2, ledger.OutcomeRejected)}, "[]"},
		"a conflict is rejected": {[]sourceRow{valid(2)}, []ledger.Entry{entry(2, ledger.OutcomeRejected)}, "[]"},
		"another conflict is rejected": {[]sourceRow{valid(3)},
			[]ledger.Entry{{Position: 3, Outcome: ledger.OutcomeRejected}}, "[other_row 3]"},
	} {
		found, _, err := walk(slices.Clone(c.rows), c.entries)
		got := []string{}
		for _, f := range found.First {
			got = append(got, fmt.Sprint(f.Kind, " ", f.Position))
		}
		if err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("%s: got %v, want %s (%v)", name, got, c.want, err)
		}
	}
}

func TestOutcomesAreCounted(t *testing.T) {
	t.Parallel()
	_, counts, err := walk([]sourceRow{valid(2), valid(3), valid(4), {line: 5}},
		[]ledger.Entry{entry(2, ledger.OutcomeStored),
			entry(3, ledger.OutcomeDeadLetter), entry(4, ledger.OutcomeDuplicate), entry(5, ledger.OutcomeRejected)})
	if want := (ledger.Counts{Accepted: 2, Stored: 1, DeadLettered: 1, Duplicates: 1, Rejected: 1}); err != nil ||
		counts != want {
		t.Errorf("got %+v, want %+v (%v)", counts, want, err)
	}
}

func TestALedgerThatEndsEarlyIsNoFinding(t *testing.T) {
	t.Parallel()
	for name, entries := range map[string][]ledger.Entry{"at once": {{}}, "in between": {entry(2, ledger.OutcomeStored),
		{}}} {
		if found, _, err := walk([]sourceRow{valid(2), valid(3)}, entries); err == nil || found.Total() != 0 {
			t.Errorf("%s: %v, %+v", name, err, found)
		}
	}
	if _, _, err := walk(nil, []ledger.Entry{entry(2, ledger.OutcomeStored), {}}); err == nil {
		t.Error("an error after the last row is lost")
	}
}
