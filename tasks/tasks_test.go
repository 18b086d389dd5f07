package tasks_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/tasks/load"
	"github.com/txflow/txflow/tasks/split"
	"github.com/txflow/txflow/tasks/validate"
)

func TestEveryRowEndsInExactlyOneOutcome(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.Put("a.csv", []byte(header+rows(1, 50)+rows(7, 1)+"7;other;-1,00;2023-01-01 "+
		"00:00:00;;transfer;debit\nbad\n51;x;0;2023-01-01 00:00:00;;transfer;debit\n"))
	w.Put("b.csv", []byte("side;operation_type;merchant;timestamp;amount;description;id\n"+
		"credit;refund;EDF;2023-01-01T00:00:00Z;12,5;\"é\t\\\";100\n"+
		strings.Join(reorder(rows(3, 1)), "")))
	w.refuse["9"] = true
	m, err := w.run(t, "a.csv", "b.csv")
	if err != nil {
		t.Fatal(err)
	}
	if want := (ledger.Counts{In: 56, Accepted: 51, Rejected: 3, Duplicates: 2}); m.Counts != want {
		t.Errorf("validate counts %+v, want %+v", m.Counts, want)
	}
	if len(w.stored) != 50 || len(w.deadLetters) != 4 || len(w.ledger) != 56 || w.resolved != 56 {
		t.Errorf("%d stored, %d dead letters, %d in the ledger", len(w.stored), len(w.deadLetters), len(w.ledger))
	}
	got := w.stored[transaction.DeriveID("", []byte("100"))].Transaction
	if got.Description != "é\t\\" || got.Merchant != "EDF" || got.Amount != 125000 || got.Side != transaction.Credit {
		t.Errorf("the text did not survive: %+v", got)
	}
	r, err := w.reconcile(t)
	if want := (ledger.Counts{In: 56, Accepted: 51, Rejected: 3, Duplicates: 2, Stored: 50,
		DeadLettered: 1}); err != nil || r.Counts != want {
		t.Errorf("reconcile: %v, %+v, want %+v", err, r.Counts, want)
	}
	conflict := w.deadLetters[fmt.Sprintf("a.csv:%08d", 104)]
	if conflict.Code != transaction.CodeConflict || !strings.HasPrefix(string(conflict.Raw), "7;other") ||
		conflict.ID == nil {
		t.Errorf("the conflict is %+v", conflict)
	}
}

// reorder turns rows of the usual columns into the order of b.csv.
func reorder(text string) []string {
	f := strings.Split(strings.TrimSuffix(text, "\n"), ";")
	slices.Reverse(f)
	return []string{strings.Join(f, ";"), "\n"}
}

func TestSameInputSameChunks(t *testing.T) {
	t.Parallel()
	var last []byte
	for range 2 {
		w := newWorld()
		w.Put("a.csv", []byte(header+rows(1, 100)))
		if _, err := w.run(t, "a.csv"); err != nil {
			t.Fatal(err)
		}
		chunks := w.chunks(t)
		text, _ := json.Marshal(chunks.Chunks)
		if last != nil && !bytes.Equal(text, last) {
			t.Errorf("other chunks:\n%s\n%s", last, text)
		}
		if last = text; len(chunks.Chunks) != 4 {
			t.Errorf("%d chunks, want the cap of 4", len(chunks.Chunks))
		}
	}
}

func TestClassifyGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.Put("a.csv", []byte(header+rows(1, 100)))
	unavailable := fault.Failf(fault.ExitTryAgain, "unavailable")
	w.fail = func(call int) error {
		if call > 20 {
			return unavailable
		}
		return nil
	}
	if _, err := w.run(t, "a.csv"); !errors.Is(err, unavailable) || fault.ExitCode(err) != fault.ExitTryAgain {
		t.Fatalf("got %v, want the API's outage", err)
	}
	recorded := 0
	for _, url := range w.URLs() {
		if strings.Contains(url, "/parts/") {
			part, err := batch.ParsePart(w.Get(url))
			if err != nil {
				t.Fatal(err)
			}
			recorded += len(part.Categories)
		}
	}
	w.fail, w.asked = nil, 0
	if _, err := w.run(t, "a.csv"); err != nil {
		t.Fatal(err)
	}
	if recorded == 0 || w.asked != 100-recorded {
		t.Errorf("%d rows were recorded and %d asked again, of 100", recorded, w.asked)
	}
	if _, err := w.reconcile(t); err != nil {
		t.Error(err)
	}
}

// TestSharedIDsAreSaid: ids that other sources have, too, are counted and no finding.
func TestSharedIDsAreSaid(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.Put("a.csv", []byte(header+rows(1, 3)))
	if _, err := w.run(t, "a.csv"); err != nil {
		t.Fatal(err)
	}
	w.shared = 3
	m, err := w.reconcile(t)
	if err != nil || m.Counts.OtherSources != 3 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestReconcileCanFail(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		break_ func(*world)
		want   ledger.FindingKind
	}{
		"a row is gone": {func(w *world) { delete(w.stored, transaction.DeriveID("", []byte("5"))) },
			ledger.FindingMissing},
		"an entry is gone": {func(w *world) { delete(w.ledger, "a.csv:00000010") }, ledger.FindingUnaccounted},
		"an entry is invented": {func(w *world) { w.ledger["a.csv:00000011"] = ledger.Entry{Position: 11} },
			ledger.FindingInvented},
		"invented at the end": {func(w *world) { w.ledger["a.csv:09999999"] = ledger.Entry{Position: 9999999} },
			ledger.FindingInvented},
		"an entry is of others": {func(w *world) {
			e := w.ledger["a.csv:00000010"]
			e.ContentHash++
			w.ledger["a.csv:00000010"] = e
		}, ledger.FindingOther},
	} {
		w := newWorld()
		w.Put("a.csv", []byte(header+rows(1, 30)))
		if _, err := w.run(t, "a.csv"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.reconcile(t); err != nil {
			t.Fatalf("%s: before: %v", name, err)
		}
		tt.break_(w)
		_, err := w.reconcile(t)
		if fault.ExitCode(err) != fault.ExitData || !strings.Contains(err.Error(), string(tt.want)) {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
	w := newWorld()
	w.Put("a.csv", []byte(header+rows(1, 30)))
	if _, err := w.run(t, "a.csv"); err != nil {
		t.Fatal(err)
	}
	w.Put("a.csv", []byte(header+rows(1, 31)))
	if _, err := w.reconcile(t); fault.ExitCode(err) != fault.ExitData || !strings.Contains(err.Error(), "not the file") {
		t.Errorf("a changed file: %v", err)
	}
}

func TestDamageIsNamed(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"/chunks/", "accepted.tsv", "/parts/"} {
		w := newWorld()
		w.Put("a.csv", []byte(header+rows(1, 30)))
		if _, err := w.run(t, "a.csv"); err != nil {
			t.Fatal(err)
		}
		for _, url := range w.URLs() {
			if strings.Contains(url, kind) {
				w.Put(url, bytes.Replace(w.Get(url), []byte("e"), []byte("X"), 1))
			}
		}
		var err error
		if kind == "accepted.tsv" {
			var m *batch.Manifest
			if m, err = batch.ReadManifest(bytes.NewReader(w.Get(w.env().Layout.Manifest("validate", -1))),
				"validate"); err == nil {
				_, err = split.Run(t.Context(), w.env(), split.Config{Validated: m, MaxChunks: 1, MinRows: 1, SegmentRows: 10})
			}
		} else {
			_, err = load.Run(t.Context(), w.env(), w, load.Config{Chunks: w.chunks(t), Index: -1, BlockRows: 10, Inserts: 2})
		}
		if fault.ExitCode(err) != fault.ExitData || !strings.Contains(err.Error(), kind) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestGateShowsTheFirstRejects(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.Put("a.csv", []byte(header+rows(1, 2)+"3;SECRET;x;2023-01-01 00:00:00;;transfer;debit\n"))
	m, err := validate.Run(t.Context(), w.env(), w, validate.Config{Files: []string{"a.csv"}, Workers: 1,
		MaxRejectRatio: 0.1, TempDir: t.TempDir(), Options: source.Options{Rules: transaction.DefaultRules(time.Now())}})
	if fault.ExitCode(err) != fault.ExitData || !strings.Contains(err.Error(), "a.csv:6: amount: amount_format") ||
		strings.Contains(err.Error(), "SECRET") {
		t.Errorf("got %v", err)
	}
	if m.Status != "failed" || m.ExitCode != fault.ExitData || len(m.Outputs) != 5 {
		t.Errorf("the manifest is %+v", m)
	}
}
