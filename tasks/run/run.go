// Package run does all five tasks on one machine. Chunks are loaded while others are still classified.
package run

import (
	"context"
	"fmt"
	"time"

	"github.com/txflow/txflow/internal/ledger"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/tasks"
	"github.com/txflow/txflow/tasks/classify"
	"github.com/txflow/txflow/tasks/load"
	"github.com/txflow/txflow/tasks/reconcile"
	"github.com/txflow/txflow/tasks/split"
	"github.com/txflow/txflow/tasks/validate"
)

// Recorder keeps the history of runs and of their tasks.
type Recorder interface {
	tasks.Recorder
	RecordRun(ctx context.Context, run ledger.RunRecord) error
}

// Observer is called with the run's progress; it must be safe for concurrent use.
type Observer interface {
	// Begin says that a task starts, with the rows that it will do; 0 where nobody knows yet.
	Begin(task string, rows int64)
	// Done adds rows that a task has done.
	Done(task string, rows int64)
	// End says that a task is through.
	End(task string)
}

// Runner wires the tasks' ports.
type Runner struct {
	Env       tasks.Env // Progress is set by the runner
	Sources   source.Opener
	Predictor classify.Predictor
	Store     load.Store
	Ledger    reconcile.Ledger
	Recorder  Recorder
	Observer  Observer
}

// Config is the tasks' configuration; what one task learns from another is filled in by the runner.
type Config struct {
	Validate  validate.Config
	Split     split.Config
	Classify  classify.Config
	Load      load.Config
	Reconcile reconcile.Config
}

// chunksAtOnce is how many chunks may wait to be loaded: it bounds nothing but how far classify runs ahead.
const chunksAtOnce = 4

// loadsAtOnce lets a chunk be read while another is stored; each inserts a block at a time.
const loadsAtOnce = 2

// Run does all tasks and records the run. The record is returned also when the run failed.
func (r *Runner) Run(ctx context.Context, cfg Config) (ledger.RunRecord, error) {
	record := ledger.RunRecord{RunID: r.Env.RunID, Pipeline: load.Pipeline, Source: r.Env.Source, Status: "running",
		Files: len(cfg.Validate.Files), StartedAt: time.Now().UTC()}
	ctx, span := r.Env.Tracer.Start(ctx, "run "+load.Pipeline, trace.WithLinks(r.Env.Links...),
		trace.WithAttributes(attribute.String("txflow.run_id", r.Env.RunID)))
	defer span.End()
	if sc := span.SpanContext(); sc.IsValid() {
		record.TraceID = sc.TraceID().String()
	}
	record.LeaseUntil = time.Now().UTC().Add(time.Minute)
	if err := r.Recorder.RecordRun(ctx, record); err != nil {
		return record, err
	}
	running := record
	release := tasks.Hold(ctx, &r.Env, func(until time.Time) {
		running.LeaseUntil = until
		if err := r.Recorder.RecordRun(ctx, running); err != nil && ctx.Err() == nil {
			r.Env.Log.WarnContext(ctx, "the history does not say that this run is under way", "error", err)
		}
	})
	counts, err := r.tasks(ctx, cfg)
	release()
	record.LeaseUntil = time.Time{}
	record.Counts, record.FinishedAt, record.Status = counts, time.Now().UTC(), "done"
	if err != nil {
		record.Status, record.Error = "failed", err.Error()
		span.SetStatus(codes.Error, err.Error())
	}
	// A cancelled run is recorded too, if that does not take long.
	recordCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if recordErr := r.Recorder.RecordRun(recordCtx, record); recordErr != nil && err == nil {
		err = fmt.Errorf("record the run: %w", recordErr)
	}
	return record, err
}

func (r *Runner) tasks(ctx context.Context, cfg Config) (ledger.Counts, error) {
	validated, err := r.do(validate.Name, 0, func(env *tasks.Env) (*batch.Manifest, error) {
		return validate.Run(ctx, env, r.Sources, cfg.Validate)
	})
	if err != nil {
		return countsOf(validated), err
	}
	rows := validated.Counts
	cfg.Split.Validated = validated
	divided, err := r.do(split.Name, rows.Accepted, func(env *tasks.Env) (*batch.Manifest, error) {
		return split.Run(ctx, env, cfg.Split)
	})
	if err != nil {
		return rows, err
	}
	index, err := divided.Output(batch.OutputChunks)
	if err != nil {
		return rows, err
	}
	var chunks batch.Chunks
	if err := batch.ReadJSON(ctx, r.Env.Artifacts, index.URL, index.SHA256, &chunks); err != nil {
		return rows, err
	}
	if err := r.chunks(ctx, cfg, &chunks, rows); err != nil {
		return rows, err
	}
	return r.reconcile(ctx, cfg, validated)
}

// chunks classifies chunk by chunk and loads each as soon as it is classified.
func (r *Runner) chunks(ctx context.Context, cfg Config, chunks *batch.Chunks, rows ledger.Counts) error {
	group, ctx := errgroup.WithContext(ctx)
	ready := make(chan int, chunksAtOnce)
	r.Observer.Begin(classify.Name, rows.Accepted)
	r.Observer.Begin(load.Name, rows.In)
	group.Go(func() error {
		defer close(ready)
		defer r.Observer.End(classify.Name)
		for i := range chunks.Chunks {
			env := r.env(classify.Name)
			_, err := classify.Run(ctx, env, r.Predictor, classify.Config{Chunks: chunks, Index: i, API: cfg.Classify.API,
				BatchRows: cfg.Classify.BatchRows, Concurrency: cfg.Classify.Concurrency, Refusals: cfg.Classify.Refusals})
			if err != nil {
				return fmt.Errorf("classify: %w", err)
			}
			select {
			case ready <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range loadsAtOnce {
		group.Go(func() error {
			for i := range ready {
				_, err := load.Run(ctx, r.env(load.Name), r.Store,
					load.Config{Chunks: chunks, Index: i, BlockRows: cfg.Load.BlockRows, Inserts: 1})
				if err != nil {
					return fmt.Errorf("load: %w", err)
				}
			}
			return nil
		})
	}
	defer r.Observer.End(load.Name)
	return group.Wait()
}

func (r *Runner) reconcile(ctx context.Context, cfg Config, validated *batch.Manifest) (ledger.Counts, error) {
	at, err := validated.Output(batch.OutputFiles)
	if err != nil {
		return validated.Counts, err
	}
	var files batch.Files
	if err := batch.ReadJSON(ctx, r.Env.Artifacts, at.URL, at.SHA256, &files); err != nil {
		return validated.Counts, err
	}
	cfg.Reconcile.Files = &files
	m, err := r.do(reconcile.Name, validated.Counts.In, func(env *tasks.Env) (*batch.Manifest, error) {
		return reconcile.Run(ctx, env, r.Sources, r.Ledger, cfg.Reconcile)
	})
	return countsOf(m), err
}

// do runs a task that is not mapped, observed.
func (r *Runner) do(name string, rows int64, task func(*tasks.Env) (*batch.Manifest, error)) (*batch.Manifest, error) {
	r.Observer.Begin(name, rows)
	defer r.Observer.End(name)
	m, err := task(r.env(name))
	if err != nil {
		return m, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

func (r *Runner) env(task string) *tasks.Env {
	env := r.Env
	env.Links = nil // the run's span has them
	env.Recorder = r.Recorder
	env.Progress = func(rows int64) { r.Observer.Done(task, rows) }
	return &env
}

func countsOf(m *batch.Manifest) ledger.Counts {
	if m == nil {
		return ledger.Counts{}
	}
	return m.Counts
}
