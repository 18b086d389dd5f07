package tasks_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/prediction"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/tasks"
	"github.com/txflow/txflow/tasks/classify"
	"github.com/txflow/txflow/tasks/compare"
)

// Stored implements compare.Store.
func (w *world) Stored(_ context.Context, ids []transaction.ID, visit func(transaction.ID, ledger.Stored)) error {
	for _, id := range ids {
		if r, ok := w.stored[id]; ok {
			visit(id, ledger.Stored{Category: r.Category.String(), Model: r.Call.Model, ContentHash: r.ContentHash,
				Version: version(&r), ClassifiedAt: r.Call.AnsweredAt})
		}
	}
	return nil
}

// nextModel answers like the world's API, but every row of an odd amount with the next category.
type nextModel struct{ *world }

func (n nextModel) Predict(ctx context.Context, rows []transaction.Transaction) (prediction.Result, error) {
	r, err := n.world.Predict(ctx, rows)
	for i := range r.Calls {
		r.Calls[i].Model, r.Calls[i].AnsweredAt = "v2", time.Now()
	}
	for i := range r.Items {
		if rows[i].Amount/10000%2 != 0 && r.Items[i].Refusal == nil {
			r.Items[i].Category = transaction.DefaultCategories.At((int(rows[i].ID[0]) + 1) % transaction.CategoryCount)
		}
	}
	return r, err
}

func TestCompareTellsWhatLoadWouldChange(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.Put("a.csv", []byte(header+rows(1, 40)))
	if _, err := w.run(t, "a.csv"); err != nil {
		t.Fatal(err)
	}
	for _, isNew := range []string{"37", "38", "39", "40"} {
		delete(w.stored, transaction.DeriveID("", []byte(isNew)))
	}
	first := transaction.DeriveID("", []byte("1"))
	newer := w.stored[first] // it was reclassified since
	newer.Call = &prediction.Call{Model: "v3", AnsweredAt: time.Now().Add(time.Hour)}
	w.stored[first] = newer
	w.refuse["2"] = true
	chunks := w.chunks(t)
	if _, err := classify.Run(t.Context(), w.env(), nextModel{w}, classify.Config{Chunks: chunks, Index: -1, API: "k2",
		BatchRows: 3, Concurrency: 2}); err != nil {
		t.Fatal(err)
	}
	m, report, err := compare.Run(t.Context(), w.env(), w, compare.Config{Chunks: chunks, BlockRows: 10, Examples: 3,
		MaxChanged: 0.6, MaxNew: -1})
	if err != nil {
		t.Fatal(err)
	}
	// Of 40 rows one is refused; 35 of the rest are known, of which 17 (3 to 35) are odd and not newer.
	if report.Rows != 39 || report.Refused != 1 || report.New != 4 || report.Known != 35 || report.Newer != 1 ||
		report.Changed != 17 || len(report.Examples) != 3 {
		t.Errorf("%+v", report)
	}
	changed, added := int64(0), int64(0)
	for i, c := range report.Changes {
		if c.From == "" { // new rows are changes, and come first
			if added += c.Rows; i > 0 && report.Changes[i-1].From != "" {
				t.Errorf("a new row after a stored one: %v", report.Changes)
			}
			continue
		}
		from, ok1 := transaction.ParseCategory(c.From)
		to, ok2 := transaction.ParseCategory(c.To)
		if changed += c.Rows; !ok1 || !ok2 || from == to {
			t.Errorf("a change %+v", c)
		}
	}
	if changed != 17 || added != 4 || len(report.Models) != 2 ||
		report.Models[0] != (batch.Change{From: "v1", To: "v2", Rows: 34}) ||
		report.Models[1] != (batch.Change{From: "v3", To: "v2", Rows: 1}) {
		t.Errorf("changes %v, models %v", report.Changes, report.Models)
	}
	if m.ChangedShare == nil || *m.ChangedShare != (17.0+4)/39 || m.Comparison == nil || m.Comparison.New != 4 ||
		m.Counts != (ledger.Counts{In: 40, Predicted: 39, DeadLettered: 1}) {
		t.Errorf("manifest %+v", m)
	}
	var kept compare.Report
	if err := json.Unmarshal(w.Get(w.env().Layout.Comparison()), &kept); err != nil || kept.Changed != 17 {
		t.Errorf("the artifact: %v, %+v", err, kept)
	}
	m, _, err = compare.Run(t.Context(), w.env(), w, compare.Config{Chunks: chunks, BlockRows: 10, MaxChanged: 0.5,
		MaxNew: -1})
	if fault.ExitCode(err) != fault.ExitData || !strings.Contains(err.Error(), "change 17 stored rows and add 4") ||
		len(m.Outputs) != 1 || m.ChangedShare == nil {
		t.Errorf("over the limit: %v, %+v", err, m)
	}
	m, _, err = compare.Run(t.Context(), w.env(), w, compare.Config{Chunks: chunks, BlockRows: 10, MaxChanged: 1,
		MaxNew: 3})
	if fault.ExitCode(err) != fault.ExitData || !strings.Contains(err.Error(), "4 of 39 rows are not stored yet") ||
		len(m.Outputs) != 1 {
		t.Errorf("new rows that nobody asked for: %v, %+v", err, m)
	}
}

func TestATaskLinksToWhatCausedIt(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	w := newWorld()
	env := w.env()
	env.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("")
	cause := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	env.Links = []trace.Link{{SpanContext: cause}}
	if _, err := tasks.Do(t.Context(), env, "x", -1,
		func(context.Context, *batch.Manifest) error { return nil }); err != nil {
		t.Fatal(err)
	}
	links := spans.Ended()[0].Links()
	if len(links) != 1 || links[0].SpanContext.TraceID() != cause.TraceID() || spans.Ended()[0].Parent().IsValid() {
		t.Errorf("links %v", links)
	}
}
