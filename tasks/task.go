// Package tasks frames the batch tasks: each one package below does its work, and Do gives it a span, a manifest and an
// exit code.
package tasks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/txflow/txflow/internal/fault"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/txflow/txflow/internal/batch"
)

// Recorder keeps the history of tasks.
type Recorder interface {
	RecordTask(ctx context.Context, m *batch.Manifest) error
}

// Env is what every task needs around it.
type Env struct {
	Artifacts batch.Artifacts
	Tracer    trace.Tracer
	Log       *slog.Logger
	Progress  func(rows int64) // called with rows as they are done; may be nil
	Recorder  Recorder         // of every try, also a failed one; may be nil
	RunID     string
	Source    string
	Try       int          // 1 for the first
	Layout    batch.Layout // of the run; zero for a task that is no part of one
	Manifest  string       // URL of another copy of the manifest; "" for none
	Links     []trace.Link // of the task's span: what the run was started by
}

// Done reports rows as done.
func (e *Env) Done(rows int) {
	if e.Progress != nil {
		e.Progress(int64(rows))
	}
}

// Do runs a task inside a span and returns its manifest, which is also kept beside the outputs of its run, where
// Env.Manifest says, and in the history. The manifest is there even when the task failed; err carries the exit code,
// which is the manifest's. Index is negative for a task that is not mapped.
func Do(ctx context.Context, env *Env, name string, index int,
	work func(context.Context, *batch.Manifest) error) (*batch.Manifest, error) {
	started := time.Now()
	ctx, span := env.Tracer.Start(ctx, "task "+name, trace.WithLinks(env.Links...),
		trace.WithAttributes(attribute.String("txflow.run_id", env.RunID),
			attribute.String("txflow.source", env.Source), attribute.Int("txflow.try", env.Try)))
	defer span.End()
	m := &batch.Manifest{Task: name, RunID: env.RunID, Source: env.Source, Try: env.Try,
		Inputs: []batch.Artifact{}, Outputs: []batch.Artifact{}, StartedAt: started.UTC().Truncate(time.Millisecond)}
	if index >= 0 {
		m.Index = &index
		span.SetAttributes(attribute.Int("txflow.index", index))
	}
	if sc := span.SpanContext(); sc.IsValid() {
		m.TraceID = sc.TraceID().String()
	}
	err := work(ctx, m)
	if err != nil && ctx.Err() != nil && (errors.Is(err, context.Canceled) || fault.ExitCode(err) == fault.ExitFault) {
		err = fault.Fail(fault.ExitInterrupted, err)
	}
	conclude(m, started, err)
	if keepErr := keep(ctx, env, m); keepErr != nil && err == nil {
		err = fmt.Errorf("keep the manifest: %w", keepErr)
		conclude(m, started, err)
		_ = keep(ctx, env, m) // where it could be written it must not say that the task is done
	}
	record(ctx, env, m)
	if m.Status == statusFailed {
		span.SetStatus(codes.Error, m.Error)
	}
	span.SetAttributes(attribute.Int64("txflow.rows", m.Counts.In), attribute.Int("txflow.exit_code", m.ExitCode))
	return m, err
}

const statusFailed = "failed"

// conclude is the one place that says how a task ended.
func conclude(m *batch.Manifest, started time.Time, err error) {
	m.DurationMS = time.Since(started).Milliseconds()
	m.ExitCode, m.Status, m.Error = fault.ExitCode(err), "done", ""
	switch {
	case m.ExitCode == fault.ExitNothing:
		m.Status = "nothing"
	case err != nil:
		m.Status, m.Error = statusFailed, err.Error()
	}
}

// keep writes the manifest beside the outputs and where it is asked for, also when the task was cancelled.
func keep(ctx context.Context, env *Env, m *batch.Manifest) error {
	line, err := m.Line()
	if err != nil {
		return err
	}
	var urls []string
	if env.Layout != (batch.Layout{}) {
		index := -1
		if m.Index != nil {
			index = *m.Index
		}
		urls = append(urls, env.Layout.Manifest(m.Task, index))
	}
	if env.Manifest != "" {
		urls = append(urls, env.Manifest)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	var failed error
	for _, url := range urls {
		_, err := batch.WriteAll(ctx, env.Artifacts, url, append(line, '\n'))
		failed = errors.Join(failed, err)
	}
	return failed
}

// recordLimit bounds what a task waits to be noted in the history: ClickHouse may be what it failed for, and a
// scheduler that ends a task does not wait for long.
const recordLimit = 3 * time.Second

// record notes the try in the history, which is for people: what can not be noted costs a warning.
func record(ctx context.Context, env *Env, m *batch.Manifest) {
	if env.Recorder == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordLimit)
	defer cancel()
	if err := env.Recorder.RecordTask(ctx, m); err != nil {
		env.Log.WarnContext(ctx, "this try is not in the history", "error", err)
	}
}
