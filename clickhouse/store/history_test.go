package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/transaction"
)

func TestLineage(t *testing.T) {
	db := open(t)
	row := classified(2, 123456, "Rent", nil)
	must(t, db.InsertClassified(t.Context(), info, pieces(row)))
	must(t, db.RecordTask(t.Context(), &batch.Manifest{Task: "load", Status: "done", RunID: "run-1", Try: 1,
		StartedAt: answered}))
	l, err := db.Lineage(t.Context(), row.Transaction.ID)
	must(t, err)
	if !l.Found() || !strings.Contains(string(l.Transaction), `"amount":"12.3456"`) ||
		!strings.Contains(string(l.Transaction), `"position":2`) ||
		len(l.Tasks) != 1 || len(l.Outcomes) != 1 || len(l.DeadLetters) != 0 {
		t.Errorf("%s %s %s", l.Transaction, l.Tasks, l.Outcomes)
	}
	if l, err = db.Lineage(t.Context(), transaction.DeriveID("s", []byte("nobody"))); err != nil || l.Found() {
		t.Error(l, err)
	}
	if id, err := db.FirstOf(t.Context(), "run-1"); err != nil || id == nil || *id != row.Transaction.ID {
		t.Error(id, err)
	}
	if id, err := db.FirstOf(t.Context(), "run-0"); err != nil || id != nil {
		t.Error(id, err)
	}
}

func TestRunsHistory(t *testing.T) {
	db := open(t)
	r := ledger.RunRecord{RunID: "r1", Pipeline: "batch", Source: "s", Status: "running", Files: 2,
		StartedAt: answered.Truncate(time.Millisecond)}
	must(t, db.RecordRun(t.Context(), r))
	r.Status, r.Counts, r.FinishedAt = "done", ledger.Counts{In: 9, Stored: 7, Rejected: 1, Duplicates: 1},
		r.StartedAt.Add(time.Second)
	must(t, db.RecordRun(t.Context(), r))
	must(t, db.RecordRun(t.Context(), ledger.RunRecord{RunID: "r2", StartedAt: answered.Add(time.Hour)}))
	runs, err := db.Runs(t.Context(), 10)
	must(t, err)
	if len(runs) != 2 || runs[0].RunID != "r2" || runs[1].Counts != r.Counts || !runs[1].FinishedAt.Equal(r.FinishedAt) ||
		!runs[0].FinishedAt.IsZero() {
		t.Errorf("%+v", runs)
	}
}
