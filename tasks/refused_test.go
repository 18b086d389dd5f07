package tasks_test

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/tasks/classify"
	"github.com/txflow/txflow/tasks/load"
	"github.com/txflow/txflow/tasks/split"
	"github.com/txflow/txflow/tasks/validate"
)

// counting counts a world's refusals as the ML API's client does.
type counting struct {
	*world
	refusals *prediction.Refusals
}

func (p counting) Predict(ctx context.Context, rows []transaction.Transaction) (prediction.Result, error) {
	r, err := p.world.Predict(ctx, rows)
	for i := range r.Items {
		refusal := r.Items[i].Refusal
		if refusal == nil {
			p.refusals.Classified(1)
			continue
		}
		at, tripped := p.refusals.Refused()
		if tripped {
			return prediction.Result{}, fault.Failf(fault.ExitTryAgain, "it refuses too many")
		}
		refusal.At = at
	}
	return r, err
}

// TestWhoRefusesEverythingLeavesNoDeadLetters has the API refuse every row from the 60th on. Those before the trip are
// in a segment that was answered: it is asked again as well.
func TestWhoRefusesEverythingLeavesNoDeadLetters(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.Put("a.csv", []byte(header+rows(1, 400)))
	if _, err := w.run(t, "a.csv"); err != nil {
		t.Fatal(err)
	}
	validated, err := batch.ReadManifest(bytes.NewReader(w.Get("mem/out/r1/validate.json")), validate.Name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := split.Run(t.Context(), w.env(), split.Config{Validated: validated, MaxChunks: 1, MinRows: 10,
		SegmentRows: 7}); err != nil {
		t.Fatal(err)
	}
	chunks := w.chunks(t)
	for i := 60; i <= 400; i++ {
		w.refuse[strconv.Itoa(i)] = true
	}
	classifyWith := func(share float64) (*batch.Manifest, error) {
		r := prediction.NewRefusals(share)
		return classify.Run(t.Context(), w.env(), counting{w, r}, classify.Config{Chunks: chunks, Index: -1, API: "other",
			BatchRows: 1, Concurrency: 1, Refusals: r})
	}
	if _, err := classifyWith(0.5); fault.ExitCode(err) != fault.ExitTryAgain {
		t.Fatalf("exit code %d: %v", fault.ExitCode(err), err)
	}
	parts := 0
	for _, url := range w.URLs() {
		if strings.Contains(url, "/parts/other/") {
			parts++
			if content := w.Get(url); bytes.Contains(content, []byte("refusals")) {
				t.Errorf("%s has refusals: %s", url, content)
			}
		}
	}
	if parts < 5 {
		t.Errorf("%d parts are recorded; what was answered before the refusals is to be kept", parts)
	}
	clear(w.refuse)
	m, err := classifyWith(0.5)
	if err != nil || m.Counts.Predicted != 400 || m.Counts.DeadLettered != 0 {
		t.Errorf("when it is well again: %+v %v", m.Counts, err)
	}
}

// TestAPartWithFewRefusalsIsRecorded keeps those of the last rows, too, when no more rows follow.
func TestAPartWithFewRefusalsIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.refuse["3"], w.refuse["120"] = true, true
	w.Put("a.csv", []byte(header+rows(1, 120)))
	if _, err := w.run(t, "a.csv"); err != nil {
		t.Fatal(err)
	}
	chunks, r := w.chunks(t), prediction.NewRefusals(0.5)
	m, err := classify.Run(t.Context(), w.env(), counting{w, r}, classify.Config{Chunks: chunks, Index: -1, API: "k3",
		BatchRows: 7, Concurrency: 2, Refusals: r})
	if err != nil || m.Counts != (ledger.Counts{In: 120, Predicted: 118, DeadLettered: 2}) {
		t.Fatalf("%+v %v", m.Counts, err)
	}
	if m, err = load.Run(t.Context(), w.env(), w, load.Config{Chunks: chunks, Index: -1, BlockRows: 10,
		Inserts: 2}); err != nil || m.Counts.DeadLettered != 2 {
		t.Errorf("load: %+v %v", m.Counts, err)
	}
}

// TestAFileThatIsRefusedEntirelyFails stores the dead letters first.
func TestAFileThatIsRefusedEntirelyFails(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for _, id := range []string{"1", "2", "3"} {
		w.refuse[id] = true
	}
	w.Put("a.csv", []byte(header+rows(1, 3)))
	_, err := w.run(t, "a.csv")
	if fault.ExitCode(err) != fault.ExitData || !strings.Contains(err.Error(), "refused all 3 rows") ||
		fault.Hint(err) == "" || len(w.deadLetters) != 3 {
		t.Errorf("exit code %d, %d dead letters: %v", fault.ExitCode(err), len(w.deadLetters), err)
	}
}
