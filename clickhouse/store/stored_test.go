package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
)

func TestStoredIsTheCurrentState(t *testing.T) {
	db := open(t)
	later := answered.Add(time.Hour)
	must(t, db.InsertClassified(t.Context(), info, pieces(classified(1, 10, "Rent", nil), classified(2, 10, "Food", nil))))
	must(t, db.InsertClassified(t.Context(), info, pieces(classified(2, 10, "Travel", func(r *ledger.Classified) {
		r.Call, r.Version = &prediction.Call{Model: "m2", AnsweredAt: later}, later.UnixMicro()+7
		r.Transaction.Timestamp = r.Transaction.Timestamp.AddDate(-2, 0, 0) // into another partition
	}))))
	ids := make([]transaction.ID, 50_000) // more than a statement may hold by default
	for i := range ids {
		ids[i] = transaction.DeriveID("s", fmt.Append(nil, i+1))
	}
	got := map[transaction.ID]ledger.Stored{}
	must(t, db.Stored(t.Context(), ids, func(id transaction.ID, is ledger.Stored) { got[id] = is }))
	want := map[transaction.ID]ledger.Stored{ids[0]: {Category: "Rent", Model: "m1", ContentHash: 1,
		Version: answered.UnixMicro(), ClassifiedAt: answered}, ids[1]: {Category: "Travel", Model: "m2", ContentHash: 2,
		Version: later.UnixMicro() + 7, ClassifiedAt: later}}
	if len(got) != len(want) || got[ids[0]] != want[ids[0]] || got[ids[1]] != want[ids[1]] {
		t.Errorf("got %v, want %v", got, want)
	}
	must(t, db.Stored(t.Context(), nil, func(transaction.ID, ledger.Stored) { t.Error("nothing was asked for") }))
}

func TestTraceIDsOfARun(t *testing.T) {
	db := open(t)
	at := func(minute int) time.Time { return time.Date(2024, 6, 1, 12, minute, 0, 0, time.UTC) }
	must(t, db.RecordTask(t.Context(), &batch.Manifest{RunID: "r", Task: "split", TraceID: "second", StartedAt: at(2)}))
	must(t, db.RecordTask(t.Context(), &batch.Manifest{RunID: "r", Task: "validate", TraceID: "first", StartedAt: at(1)}))
	must(t, db.RecordTask(t.Context(), &batch.Manifest{RunID: "other", Task: "validate", TraceID: "other",
		StartedAt: at(0)}))
	must(t, db.RecordTask(t.Context(), &batch.Manifest{RunID: "untraced", Task: "validate", StartedAt: at(0)}))
	must(t, db.RecordRun(t.Context(), ledger.RunRecord{RunID: "r", TraceID: "second", StartedAt: at(2)}))
	for run, want := range map[string]string{"r": "first second|true", "untraced": "|true", "nobody": "|false"} {
		ids, known, err := db.TraceIDs(t.Context(), run)
		must(t, err)
		if got := fmt.Sprintf("%s|%t", strings.Join(ids, " "), known); got != want {
			t.Errorf("%s: got %q, want %q", run, got, want)
		}
	}
}
