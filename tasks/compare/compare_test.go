package compare

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
)

// TestConfigIsChecked names the flag.
func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for flag, c := range map[string]Config{"--max-changed": {MaxChanged: 1.01}, "--examples": {Examples: 10_001}} {
		if err := c.Validate(); fault.ExitCode(err) != fault.ExitUsage || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
	if err := (&Config{MaxChanged: 1, Examples: 10_000}).Validate(); err != nil {
		t.Error(err)
	}
}

// TestSorted has new rows first, then the most frequent change, and equal ones by name: the same report each time.
func TestSorted(t *testing.T) {
	t.Parallel()
	got := fmt.Sprint(sorted(map[pair]int64{{"b", "c"}: 2, {"a", "c"}: 2, {"a", "b"}: 5, {"", "z"}: 1, {"a", "a"}: 2}))
	if want := "[{ z 1} {a b 5} {a a 2} {a c 2} {b c 2}]"; got != want {
		t.Errorf("sorted: %s, want %s", got, want)
	}
}

// TestKnown decides what a stored row means for a new answer: it is newer, the same, of other contents, or of another
// category; a reclassified row keeps the version of what is stored, and never replaces other contents.
func TestKnown(t *testing.T) {
	t.Parallel()
	at := time.UnixMicro(1000)
	food, _ := transaction.ParseCategory("Food")
	for name, c := range map[string]struct {
		was        ledger.Stored
		reclassify bool
		want       string // newer, replaced, contents, changed; the kept version
	}{
		"the same": {ledger.Stored{Category: "Food", Version: 5, ContentHash: 1, ClassifiedAt: at}, false,
			"0 1 0 0 [0]"},
		"another category": {ledger.Stored{Category: "Rent", Version: 5, ContentHash: 1}, false, "0 1 0 1 [0]"},
		"other contents":   {ledger.Stored{Category: "Food", Version: 5, ContentHash: 2}, false, "0 1 1 0 [0]"},
		"newer contents":   {ledger.Stored{Category: "Rent", Version: 6, ContentHash: 2}, false, "1 0 0 0 [0]"},
		"as new, classified later": {ledger.Stored{Category: "Rent", Version: 5, ContentHash: 1, ClassifiedAt: at.Add(1)},
			false, "1 0 0 0 [0]"},
		"reclassified": {ledger.Stored{Category: "Rent", Version: 99, ContentHash: 1}, true, "0 1 0 1 [99]"},
		"reclassified, other contents": {ledger.Stored{Category: "Rent", Version: 99, ContentHash: 2}, true,
			fmt.Sprintf("1 0 0 0 [%d]", batch.NeverReplaces)},
	} {
		c2 := &comparison{cfg: Config{Chunks: &batch.Chunks{Contents: batch.Contents{Reclassify: c.reclassify}}},
			report:  &Report{},
			keep:    make([]int64, 1),
			changes: map[pair]int64{}, models: map[pair]int64{}}
		c2.known(transaction.ID{}, answer{category: food, at: at, version: 5, hash: 1}, c.was)
		r := c2.report
		if got := fmt.Sprint(r.Newer, r.Replaced, r.Contents, r.Changed, c2.keep); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
