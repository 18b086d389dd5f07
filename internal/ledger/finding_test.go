package ledger_test

import (
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
)

func TestFindingsKeepTheFirstOfEachKindAndCountAll(t *testing.T) {
	t.Parallel()
	missing := ledger.Finding{Kind: ledger.FindingMissing, ID: "7", Origin: "a.csv", Position: 3, Detail: "why"}
	doubled := ledger.Finding{Kind: ledger.FindingDoubled, ID: "8"}
	found := &ledger.Findings{Limit: 2}
	found.Add(0, missing)
	found.Add(5)
	if found.Total() != 0 {
		t.Fatalf("nothing was found: %+v", found)
	}
	found.Add(5, missing, missing, missing)
	found.Add(1, missing)
	found.Add(1, doubled)
	if len(found.First) != 3 || found.Counts[ledger.FindingMissing] != 6 || found.Total() != 7 {
		t.Errorf("%+v", found)
	}
	all := &ledger.Findings{Limit: 1}
	all.Merge(found)
	if len(all.First) != 2 || all.Total() != 7 {
		t.Errorf("merged: %+v", all)
	}
	err := all.Err("run r")
	if fault.ExitCode(err) != fault.ExitData || !strings.HasPrefix(err.Error(), "run r: 7 mismatches\n  ") ||
		!strings.Contains(err.Error(), "missing id 7 at a.csv:3 (why)") || !strings.HasSuffix(err.Error(), "and 5 more") {
		t.Error(err)
	}
}

func TestOnlyTheStateDoesNotFilterDeadLetters(t *testing.T) {
	t.Parallel()
	if (&ledger.DeadLetterQuery{State: ledger.StateOpen, Limit: 3, Raw: true}).Filtered() {
		t.Error("the state alone restricts nothing")
	}
	zero := 0
	for name, q := range map[string]ledger.DeadLetterQuery{"code": {Code: "x"}, "id": {ID: "x"},
		"replays": {Replays: &zero}, "at": {At: &ledger.Origin{}}} {
		if !q.Filtered() {
			t.Errorf("%s does not filter", name)
		}
	}
}
