package tasks_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/batch/batchtest"
	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/tasks"
	"github.com/txflow/txflow/tasks/classify"
	"github.com/txflow/txflow/tasks/load"
	"github.com/txflow/txflow/tasks/reconcile"
	"github.com/txflow/txflow/tasks/split"
	"github.com/txflow/txflow/tasks/validate"
)

// world is all that a run touches, in memory.
type world struct {
	batchtest.Memory
	mu          sync.Mutex
	asked       int // rows asked of the API
	calls       int // calls of the API
	fail        func(call int) error
	refuse      map[string]bool // source ids that the API refuses
	stored      map[transaction.ID]ledger.Classified
	ledger      map[string]ledger.Entry // by origin and line
	deadLetters map[string]ledger.DeadLetter
	shared      int64 // ids that other sources have, too
	superseded  int64
	resolved    int // entries of the ledger when dead letters were resolved last
}

func newWorld() *world {
	return &world{refuse: map[string]bool{}, stored: map[transaction.ID]ledger.Classified{},
		ledger:      map[string]ledger.Entry{},
		deadLetters: map[string]ledger.DeadLetter{}}
}

func (w *world) Predict(_ context.Context, rows []transaction.Transaction) (prediction.Result, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if w.fail != nil {
		if err := w.fail(w.calls); err != nil {
			return prediction.Result{}, err
		}
	}
	w.asked += len(rows)
	r := prediction.Result{Calls: []prediction.Call{{Model: "v1", Attempt: 1, TraceID: fmt.Sprintf("%032d", w.calls),
		AnsweredAt: time.Unix(int64(w.calls), 0).UTC()}}}
	for i := range rows {
		item := prediction.Item{Category: transaction.CategoryAt(int(rows[i].ID[0]) % transaction.CategoryCount)}
		if w.refuse[rows[i].SourceID] {
			item = prediction.Item{Refusal: &prediction.Refusal{Status: 422, Message: "no"}}
		}
		r.Items = append(r.Items, item)
	}
	return r, nil
}

func at(o ledger.Origin) string { return fmt.Sprintf("%s:%08d", o.Origin, o.Position) }

func (w *world) InsertClassified(_ context.Context, _ ledger.RunInfo,
	rows iter.Seq2[[]ledger.Classified, error]) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for piece, err := range rows {
		if err != nil {
			return err
		}
		for _, r := range piece {
			w.stored[r.Transaction.ID] = r
			w.ledger[at(r.Origin)] = ledger.Entry{Position: r.Origin.Position, ID: r.Transaction.ID, ContentHash: r.ContentHash,
				Outcome: ledger.OutcomeStored}
		}
	}
	return nil
}

func (w *world) InsertDeadLetters(_ context.Context, _ ledger.RunInfo, rows []ledger.DeadLetter) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range rows {
		entry := ledger.Entry{Position: r.Origin.Position, ContentHash: r.ContentHash, Outcome: r.Outcome}
		if r.ID != nil {
			entry.ID = *r.ID
		}
		r.Raw = slices.Clone(r.Raw)
		w.deadLetters[at(r.Origin)], w.ledger[at(r.Origin)] = r, entry
	}
	return nil
}

func (w *world) ResolveDeadLetters(context.Context, string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resolved = len(w.ledger)
	return nil
}

func (w *world) InsertDuplicates(_ context.Context, _ ledger.RunInfo, rows []ledger.Duplicate) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range rows {
		w.ledger[at(r.Origin)] = ledger.Entry{Position: r.Origin.Position, ID: r.ID, ContentHash: r.ContentHash,
			Outcome: ledger.OutcomeDuplicate}
	}
	return nil
}

func (w *world) Ledger(_ context.Context, _, _, origin string, _ int32) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		var keys []string
		for k := range w.ledger {
			if strings.HasPrefix(k, origin+":") {
				keys = append(keys, k)
			}
		}
		slices.Sort(keys)
		for _, k := range keys {
			if !yield(w.ledger[k], nil) {
				return
			}
		}
	}
}

func (w *world) Problems(_ context.Context, _, _ string, limit int) (ledger.Findings, error) {
	found := ledger.Findings{Limit: limit}
	for _, e := range w.ledger {
		if _, ok := w.stored[e.ID]; e.Outcome == ledger.OutcomeStored && !ok {
			found.Add(1, ledger.Finding{Kind: ledger.FindingMissing, ID: e.ID.String()})
		}
	}
	return found, nil
}

func (w *world) OtherSources(context.Context, string, string, string) (int64, []string, error) {
	return w.shared, []string{"crm"}, nil
}

func (w *world) Superseded(context.Context, string, string) (int64, error) { return w.superseded, nil }

func (w *world) env() *tasks.Env {
	return &tasks.Env{Artifacts: w, Tracer: noop.NewTracerProvider().Tracer(""), Log: slog.New(slog.DiscardHandler),
		RunID: "r1", Try: 1,
		Layout: batch.NewLayout("mem/out", "r1")}
}

// run does the tasks up to and without reconcile.
func (w *world) run(t *testing.T, files ...string) (*batch.Manifest, error) {
	t.Helper()
	ctx, env := t.Context(), w.env()
	m, err := validate.Run(ctx, env, w, validate.Config{Files: files, Workers: 2, MaxRejectRatio: 1, TempDir: t.TempDir(),
		Options: source.Options{Rules: transaction.DefaultRules(time.Now())}})
	if err != nil {
		return m, err
	}
	if _, err := split.Run(ctx, env, split.Config{Validated: m, MaxChunks: 4, MinRows: 10, SegmentRows: 7}); err != nil {
		return m, err
	}
	chunks := w.chunks(t)
	if _, err := classify.Run(ctx, env, w, classify.Config{Chunks: chunks, Index: -1, API: "k", BatchRows: 3,
		Concurrency: 2}); err != nil {
		return m, err
	}
	_, err = load.Run(ctx, env, w, load.Config{Chunks: chunks, Index: -1, BlockRows: 20, Inserts: 2})
	return m, err
}

func (w *world) chunks(t *testing.T) *batch.Chunks {
	t.Helper()
	var chunks batch.Chunks
	if err := batch.ReadJSON(t.Context(), w, w.env().Layout.Chunks(), "", &chunks); err != nil {
		t.Fatal(err)
	}
	return &chunks
}

func (w *world) reconcile(t *testing.T) (*batch.Manifest, error) {
	t.Helper()
	var files batch.Files
	if err := batch.ReadJSON(t.Context(), w, w.env().Layout.Files(), "", &files); err != nil {
		t.Fatal(err)
	}
	return reconcile.Run(t.Context(), w.env(), w, w, reconcile.Config{Files: &files, Pipeline: load.Pipeline, Workers: 2,
		Limit: 5})
}

const header = "id;description;amount;timestamp;merchant;operation_type;side\n"

// rows makes n good rows that count from first.
func rows(first, n int) string {
	var b strings.Builder
	for i := first; i < first+n; i++ {
		fmt.Fprintf(&b, "%d;\"row\n%d\";-%d,50;2023-01-01 00:00:00;;transfer;debit\n", i, i, i)
	}
	return b.String()
}

func TestEveryRowEndsInExactlyOneOutcome(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.Put("a.csv", []byte(header+rows(1, 50)+rows(7, 1)+"7;other;-1,00;2023-01-01 00:00:00;;transfer;debit\nbad\n51;x;0;2023-01-01 00:00:00;;transfer;debit\n"))
	w.Put("b.csv", []byte("side;operation_type;merchant;timestamp;amount;description;id\ncredit;refund;EDF;2023-01-01T00:00:00Z;12,5;\"é\t\\\";100\n"+
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
		MaxRejectRatio: 0.1, TempDir: t.TempDir(),
		Options: source.Options{Rules: transaction.DefaultRules(time.Now())}})
	if fault.ExitCode(err) != fault.ExitData || !strings.Contains(err.Error(), "a.csv:6: amount: amount_format") ||
		strings.Contains(err.Error(), "SECRET") {
		t.Errorf("got %v", err)
	}
	if m.Status != "failed" || m.ExitCode != fault.ExitData || len(m.Outputs) != 5 {
		t.Errorf("the manifest is %+v", m)
	}
}
