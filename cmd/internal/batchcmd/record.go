package batchcmd

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/tasks/classify"
	"github.com/txflow/txflow/tasks/load"
	"github.com/txflow/txflow/tasks/run"
	"github.com/txflow/txflow/tasks/split"
	"github.com/txflow/txflow/tasks/validate"
)

// recordLimit bounds what a task waits to be noted in the history: ClickHouse may be what it failed for, and a scheduler
// that ends a task does not wait for long.
const recordLimit = 3 * time.Second

// recordTry notes a try of a task of a run, also a failed one, where the task knows a ClickHouse. The history is for people:
// what can not be noted costs a warning.
func recordTry(c *cli.Context, rt *app.Runtime, m *batch.Manifest) {
	if m.RunID == "" || c.String("clickhouse-url") == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context), recordLimit)
	defer cancel()
	db, err := Store(c, rt)
	if err == nil {
		defer db.Close()
		err = db.RecordTask(ctx, m)
	}
	if err != nil {
		rt.Log.WarnContext(ctx, "this try is not in the history", "error", err)
	}
}

// earlier names the manifests of the tasks that ran before load, which may know no ClickHouse.
func earlier(layout batch.Layout, chunks int) []task {
	tasks := []task{{validate.Name, layout.Manifest(validate.Name, -1)}, {split.Name, layout.Manifest(split.Name, -1)},
		{classify.Name, layout.Manifest(classify.Name, -1)}}
	for i := range chunks {
		tasks = append(tasks, task{classify.Name, layout.Manifest(classify.Name, i)})
	}
	return tasks
}

type task struct{ name, manifest string }

// recordTasks writes the history of the run so far. Recording a task again changes nothing.
func recordTasks(ctx context.Context, rt *app.Runtime, db run.Recorder, loaded *batch.Manifest, before []task) error {
	var first time.Time
	var counts batch.Counts
	files := 0
	for _, t := range before {
		r, err := rt.Artifacts.Open(ctx, t.manifest, "")
		if errors.Is(err, fs.ErrNotExist) {
			continue // classify ran either for all chunks or for each
		}
		if err != nil {
			return err
		}
		m, err := batch.ReadManifest(r, t.name)
		_ = r.Close() // it was only read
		if err != nil {
			return err
		}
		if t.name == validate.Name {
			first, counts, files = m.StartedAt, m.Counts, len(m.Inputs)
		}
		if err := db.RecordTask(ctx, m); err != nil {
			return err
		}
	}
	return db.RecordRun(ctx, batch.RunRecord{RunID: loaded.RunID, Pipeline: load.Pipeline, Source: loaded.Source, Status: "running",
		Files: files, Counts: counts, TraceID: loaded.TraceID, StartedAt: first})
}

// recordRun writes how the run ended, behind reconcile.
func recordRun(ctx context.Context, db run.Recorder, validated, reconciled *batch.Manifest, files int, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	record := batch.RunRecord{RunID: validated.RunID, Pipeline: load.Pipeline, Source: validated.Source, Status: "done", Files: files,
		Counts: reconciled.Counts, TraceID: reconciled.TraceID, StartedAt: validated.StartedAt, FinishedAt: time.Now().UTC()}
	if err != nil {
		record.Status, record.Error = "failed", err.Error()
	}
	return db.RecordRun(ctx, record)
}
