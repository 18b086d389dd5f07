// Package tasks frames the batch tasks: each one package below does its work, and Do gives it a span, a manifest and an
// exit code.
package tasks

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/txflow/txflow/internal/batch"
)

// Env is what every task needs around it.
type Env struct {
	Artifacts batch.Artifacts
	Tracer    trace.Tracer
	Log       *slog.Logger
	Progress  func(rows int64) // told of rows as they are done; may be nil
	RunID     string
	Source    string
	Try       int          // 1 for the first
	Layout    batch.Layout // of the run; zero for a task that is no part of one
	Links     []trace.Link // of the task's span: what the run was started by
}

// Done reports rows as done.
func (e *Env) Done(rows int) {
	if e.Progress != nil {
		e.Progress(int64(rows))
	}
}

// Do runs a task inside a span and returns its manifest, which is also kept beside the outputs of its run. The manifest is there
// even when the task failed; err carries the exit code. Index is negative for a task that is not mapped.
func Do(ctx context.Context, env *Env, name string, index int, work func(context.Context, *batch.Manifest) error) (*batch.Manifest, error) {
	started := time.Now()
	ctx, span := env.Tracer.Start(ctx, "task "+name, trace.WithLinks(env.Links...), trace.WithAttributes(attribute.String("txflow.run_id", env.RunID),
		attribute.String("txflow.source", env.Source), attribute.Int("txflow.try", env.Try)))
	defer span.End()
	m := &batch.Manifest{Task: name, Status: "done", RunID: env.RunID, Source: env.Source, Try: env.Try,
		Inputs: []batch.Artifact{}, Outputs: []batch.Artifact{}, StartedAt: started.UTC().Truncate(time.Millisecond)}
	if index >= 0 {
		m.Index = &index
		span.SetAttributes(attribute.Int("txflow.index", index))
	}
	if sc := span.SpanContext(); sc.IsValid() {
		m.TraceID = sc.TraceID().String()
	}
	err := work(ctx, m)
	m.DurationMS = time.Since(started).Milliseconds()
	m.ExitCode = batch.ExitCode(err)
	switch {
	case m.ExitCode == batch.ExitNothing:
		m.Status = "nothing"
	case err != nil:
		m.Status, m.Error = "failed", err.Error()
		span.SetStatus(codes.Error, err.Error())
	}
	span.SetAttributes(attribute.Int64("txflow.rows", m.Counts.In), attribute.Int("txflow.exit_code", m.ExitCode))
	if keepErr := keep(ctx, env, m, index); keepErr != nil && err == nil {
		err = fmt.Errorf("keep the manifest: %w", keepErr)
	}
	return m, err
}

// keep writes the manifest beside the outputs, also when the task was cancelled.
func keep(ctx context.Context, env *Env, m *batch.Manifest, index int) error {
	if env.Layout == (batch.Layout{}) {
		return nil
	}
	line, err := m.Line()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	_, err = batch.WriteAll(ctx, env.Artifacts, env.Layout.Manifest(m.Task, index), append(line, '\n'))
	return err
}
