package run

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/batch/batchtest"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/tasks"
	"github.com/txflow/txflow/tasks/validate"
)

// history keeps what is recorded of a run; it fails as often as is said.
type history struct {
	fail    func(n int) error // of the nth record
	records []ledger.RunRecord
	tasks   []string
}

func (h *history) RecordRun(ctx context.Context, r ledger.RunRecord) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	h.records = append(h.records, r)
	if h.fail == nil {
		return nil
	}
	return h.fail(len(h.records))
}

func (h *history) RecordTask(_ context.Context, m *batch.Manifest) error {
	h.tasks = append(h.tasks, m.Task+" "+m.Status)
	return nil
}

// quiet observes nothing but which tasks began and ended.
type quiet struct{ open []string }

func (q *quiet) Begin(task string, _ int64) { q.open = append(q.open, task) }
func (q *quiet) Done(string, int64)         {}
func (q *quiet) End(task string) {
	q.open = slices.DeleteFunc(q.open,
		func(s string) bool { return s == task })
}

func runner(h *history) (*Runner, *quiet) {
	memory, seen := &batchtest.Memory{}, &quiet{}
	return &Runner{Env: tasks.Env{Artifacts: memory, Tracer: noop.NewTracerProvider().Tracer(""),
		Log: slog.New(slog.DiscardHandler), RunID: "r", Source: "bank", Try: 1, Layout: batch.Layout{Root: "out"}},
		Sources: memory, Recorder: h, Observer: seen}, seen
}

// TestAFailedRunIsRecorded has a file that is not there: the history has the run as failed, with the reason, also when
// the run was cancelled meanwhile; every task that began has ended.
func TestAFailedRunIsRecorded(t *testing.T) {
	t.Parallel()
	for name, cancelled := range map[string]bool{"missing file": false, "cancelled": true} {
		ctx, cancel := context.WithCancel(t.Context())
		h := &history{fail: func(int) error {
			if cancelled {
				cancel()
			}
			return nil
		}}
		r, seen := runner(h)
		record, err := r.Run(ctx, Config{Validate: validate.Config{Files: []string{"missing.csv"}}})
		cancel()
		last := h.records[len(h.records)-1]
		if err == nil || record.Status != "failed" || last.Status != "failed" || last.Error != err.Error() ||
			!last.LeaseUntil.IsZero() || last.FinishedAt.IsZero() || h.records[0].Status != "running" || len(seen.open) > 0 {
			t.Errorf("%s: %v\n%+v\n%v", name, err, h.records, seen.open)
		}
	}
}

// TestARunWithoutAHistoryDoesNotBegin fails before any task does.
func TestARunWithoutAHistoryDoesNotBegin(t *testing.T) {
	t.Parallel()
	unavailable := fault.Fail(fault.ExitUnavailable, errors.New("no ClickHouse"))
	h := &history{fail: func(int) error { return unavailable }}
	r, seen := runner(h)
	if _, err := r.Run(t.Context(), Config{}); !errors.Is(err, unavailable) || len(h.records) != 1 || len(h.tasks) != 0 ||
		len(seen.open) != 0 {
		t.Errorf("%v: %d records, tasks %v", err, len(h.records), h.tasks)
	}
}
