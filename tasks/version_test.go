package tasks_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/tasks/classify"
	"github.com/txflow/txflow/tasks/compare"
	"github.com/txflow/txflow/tasks/load"
	"github.com/txflow/txflow/tasks/split"
	"github.com/txflow/txflow/tasks/validate"
)

// prepare validates, splits and classifies a.csv with contents of a time.
func (w *world) prepare(t *testing.T, contents batch.Contents) *batch.Chunks {
	t.Helper()
	m, err := validate.Run(t.Context(), w.env(), w, validate.Config{Files: []string{"a.csv"}, Workers: 1,
		MaxRejectRatio: 1, TempDir: t.TempDir(),
		Options: source.Options{Rules: transaction.DefaultRules(time.Now())}, Contents: contents})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := split.Run(t.Context(), w.env(), split.Config{Validated: m, MaxChunks: 3, MinRows: 10,
		SegmentRows: 7}); err != nil {
		t.Fatal(err)
	}
	chunks := w.chunks(t)
	if _, err := classify.Run(t.Context(), w.env(), w, classify.Config{Chunks: chunks, Index: -1, API: "k", BatchRows: 3,
		Concurrency: 2}); err != nil {
		t.Fatal(err)
	}
	return chunks
}

func id(sourceID int) transaction.ID {
	return transaction.DeriveID("", fmt.Appendf(nil, "%d", sourceID))
}

// Rows, rejects and refusals are as new as the file says, not as the answers; rejects were judged when the run began,
// whatever has become of the manifest of validate.
func TestRowsAreAsNewAsTheirFile(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.Put("a.csv", []byte(header+rows(1, 40)+"bad\n"))
	w.refuse["9"] = true
	asOf, judged := time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	chunks := w.prepare(t, batch.Contents{AsOf: asOf, JudgedAt: judged})
	w.Put(w.env().Layout.Manifest("validate", -1), []byte(`{"task":"validate","status":"failed"}`))
	if _, err := load.Run(t.Context(), w.env(), w, load.Config{Chunks: chunks, Index: -1, BlockRows: 10,
		Inserts: 2}); err != nil {
		t.Fatal(err)
	}
	if len(w.stored) != 39 || len(w.deadLetters) != 2 {
		t.Fatalf("%d rows, %d dead letters", len(w.stored), len(w.deadLetters))
	}
	for _, r := range w.stored {
		if r.Version != asOf.UnixMicro() {
			t.Errorf("%s has the version %d", r.Transaction.SourceID, r.Version)
		}
	}
	for _, l := range w.deadLetters {
		if l.Version != asOf.UnixMicro() || l.Outcome == ledger.OutcomeRejected && !l.At.Equal(judged) {
			t.Errorf("the dead letter %+v", l)
		}
	}
}

// Rows that are reclassified keep the version under which they are stored. Those with other contents change nothing,
// and those that are not stored are as new as the run.
func TestReclassificationKeepsVersions(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.Put("a.csv", []byte(header+rows(1, 40)))
	asOf := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	chunks := w.prepare(t, batch.Contents{AsOf: asOf, Reclassify: true})
	all := load.Config{Chunks: chunks, Index: -1, BlockRows: 10, Inserts: 2}
	if _, err := load.Run(t.Context(), w.env(), w, all); fault.ExitCode(err) != fault.ExitData {
		t.Errorf("load before compare: %v", err)
	}
	w.stored = map[transaction.ID]ledger.Classified{}
	fresh := w.prepare(t, batch.Contents{AsOf: asOf}) // as these rows would be stored
	if _, err := load.Run(t.Context(), w.env(), w, load.Config{Chunks: fresh, Index: -1, BlockRows: 10,
		Inserts: 2}); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 40; n++ {
		r := w.stored[id(n)]
		r.Version = int64(1_000_000 + n)
		switch n % 10 {
		case 0:
			delete(w.stored, id(n))
			continue
		case 5:
			r.ContentHash++ // a correction
		}
		w.stored[id(n)] = r
	}
	chunks = w.prepare(t, batch.Contents{AsOf: asOf, Reclassify: true})
	all.Chunks = chunks
	_, report, err := compare.Run(t.Context(), w.env(), w, compare.Config{Chunks: chunks, BlockRows: 10, MaxChanged: 1,
		MaxNew: -1})
	if err != nil || report.Replaced != 32 || report.Newer != 4 || report.New != 4 || report.Contents != 0 {
		t.Fatalf("%v, %+v", err, report)
	}
	w.stored = map[transaction.ID]ledger.Classified{}
	if _, err := load.Run(t.Context(), w.env(), w, all); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 40; n++ {
		want := int64(1_000_000 + n)
		switch n % 10 {
		case 0:
			want = asOf.UnixMicro()
		case 5:
			want = batch.NeverReplaces
		}
		if got := w.stored[id(n)].Version; got != want {
			t.Errorf("row %d has the version %d, want %d", n, got, want)
		}
	}
}

// What is stored with newer contents is not replaced, whoever classified it when.
func TestCompareCountsWhatReplacesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.Put("a.csv", []byte(header+rows(1, 40)))
	asOf := time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC)
	chunks := w.prepare(t, batch.Contents{AsOf: asOf})
	if _, err := load.Run(t.Context(), w.env(), w, load.Config{Chunks: chunks, Index: -1, BlockRows: 10,
		Inserts: 2}); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 10; n++ {
		r := w.stored[id(n)]
		r.Version += int64(n - 5) // 4 older, 1 as new, 5 newer
		r.ContentHash++
		w.stored[id(n)] = r
	}
	_, report, err := compare.Run(t.Context(), w.env(), w, compare.Config{Chunks: chunks, BlockRows: 10, MaxChanged: 1,
		MaxNew: -1})
	if err != nil || report.Replaced != 35 || report.Newer != 5 || report.Contents != 5 || report.Known != 40 {
		t.Errorf("%v, %+v", err, report)
	}
}

// version is that of a stored row, as the table has it.
func version(r *ledger.Classified) int64 {
	if r.Version == 0 {
		return r.Call.AnsweredAt.UnixMicro()
	}
	return r.Version
}
