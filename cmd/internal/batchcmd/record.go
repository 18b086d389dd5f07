package batchcmd

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/tasks/classify"
	"github.com/txflow/txflow/tasks/load"
	"github.com/txflow/txflow/tasks/run"
	"github.com/txflow/txflow/tasks/split"
	"github.com/txflow/txflow/tasks/validate"
)

// history notes tries of tasks where the command knows a ClickHouse.
type history struct {
	c  *cli.Context
	rt *app.Runtime
}

// RecordTask notes a try of a task of a run.
func (h history) RecordTask(ctx context.Context, m *batch.Manifest) error {
	if m.RunID == "" || h.c.String("clickhouse-url") == "" {
		return nil
	}
	db, err := Store(h.c, h.rt)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.RecordTask(ctx, m)
}

// before names the manifests of the tasks that ran before load, which may have no ClickHouse.
func before(layout batch.Layout, chunks int) []task {
	tasks := []task{{validate.Name, layout.Manifest(validate.Name, -1)}, {split.Name, layout.Manifest(split.Name, -1)},
		{classify.Name, layout.Manifest(classify.Name, -1)}}
	for i := range chunks {
		tasks = append(tasks, task{classify.Name, layout.Manifest(classify.Name, i)})
	}
	return tasks
}

type task struct{ name, manifest string }

// recordTasks writes the history of the run so far, whatever became of the tasks: a try that failed may have been
// followed by one of another form that did not. Recording a task again changes nothing, and what can not be recorded
// costs a warning.
func recordTasks(ctx context.Context, rt *app.Runtime, db run.Recorder, loaded *batch.Manifest, tasks []task) {
	warn := func(what string, err error) {
		rt.Log.WarnContext(ctx, "the history of this run has a gap", "missing", what, "error", err)
	}
	record := ledger.RunRecord{RunID: loaded.RunID, Pipeline: load.Pipeline, Source: loaded.Source, Status: "running",
		TraceID: loaded.TraceID}
	for _, t := range tasks {
		var m batch.Manifest
		switch err := batch.ReadJSON(ctx, rt.Artifacts, t.manifest, "", &m); {
		case errors.Is(err, fs.ErrNotExist):
			continue // classify ran either for all chunks or for each
		case err != nil:
			warn(t.manifest, err)
			continue
		}
		if t.name == validate.Name {
			record.StartedAt, record.Counts, record.Files = m.StartedAt, m.Counts, len(m.Inputs)
		}
		if err := db.RecordTask(ctx, &m); err != nil {
			warn(t.manifest, err)
		}
	}
	if err := db.RecordRun(ctx, record); err != nil {
		warn("the run", err)
	}
}

// recordRun writes how the run ended, after reconcile.
func recordRun(ctx context.Context, rt *app.Runtime, db run.Recorder, validated, reconciled *batch.Manifest, files int,
	err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	record := ledger.RunRecord{RunID: validated.RunID, Pipeline: load.Pipeline, Source: validated.Source, Status: "done",
		Files:  files,
		Counts: reconciled.Counts, TraceID: reconciled.TraceID, StartedAt: validated.StartedAt, FinishedAt: time.Now().UTC()}
	if err != nil {
		record.Status, record.Error = "failed", err.Error()
	}
	if err := db.RecordRun(ctx, record); err != nil {
		rt.Log.WarnContext(ctx, "the history does not say how this run ended", "error", err)
	}
}
