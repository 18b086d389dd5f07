package tasks_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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
		item := prediction.Item{Category: transaction.DefaultCategories.At(int(rows[i].ID[0]) % transaction.CategoryCount)}
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
		RunID: "r1", Try: 1, Layout: batch.NewLayout("mem/out", "r1")}
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
