package batchcmd

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/otel/telemetry"
	"github.com/txflow/txflow/tasks"
)

// NewRunID names a run by its start, with a random tail: they sort by time, and two never collide.
func NewRunID(now time.Time) string {
	var tail [3]byte
	_, _ = rand.Read(tail[:]) // it never fails
	return now.UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(tail[:])
}

// NewEnv makes the surroundings of a task.
func NewEnv(c *cli.Context, rt *app.Runtime, layout batch.Layout, runID, source string) *tasks.Env {
	return &tasks.Env{Artifacts: rt.Artifacts, Tracer: rt.Tracer, Log: rt.Log, RunID: runID, Source: source,
		Try: max(c.Int("try"), 1), Layout: layout,
		Manifest: c.String("manifest"), Recorder: history{c, rt}, Links: telemetry.LinksFromEnv()}
}

// failEarly gives what went wrong before a task could begin a manifest and an entry in the history, too; wrong usage,
// which is no try of anything, gets none.
func failEarly(c *cli.Context, rt *app.Runtime, env *tasks.Env, task string, index int, err error) error {
	if fault.ExitCode(err) == fault.ExitUsage {
		return err
	}
	m, err := tasks.Do(c.Context, env, task, index, func(context.Context, *batch.Manifest) error { return err })
	return Finish(c, rt, m, err, "")
}

// Finish makes the manifest the last line of stdout and says what to run next.
func Finish(c *cli.Context, rt *app.Runtime, m *batch.Manifest, taskErr error, next string) error {
	if m == nil {
		return taskErr
	}
	line, err := m.Line()
	if err != nil {
		return err
	}
	if taskErr == nil {
		rt.Log.InfoContext(c.Context, m.Task+" is done", countFields(m)...)
		if next != "" && rt.Interactive {
			_, _ = fmt.Fprintf(rt.Stderr, "next: %s\n", next)
		}
	}
	rt.LastLine = string(line)
	return taskErr
}

func countFields(m *batch.Manifest) []any {
	f := []any{"run_id", m.RunID, "in", m.Counts.In}
	for _, n := range []struct {
		name  string
		count int64
	}{{"accepted", m.Counts.Accepted}, {"rejected", m.Counts.Rejected}, {"duplicates", m.Counts.Duplicates},
		{"predicted", m.Counts.Predicted}, {"dead_lettered", m.Counts.DeadLettered}, {"stored", m.Counts.Stored},
		{"superseded", m.Counts.Superseded}, {"other_sources", m.Counts.OtherSources}} {
		if n.count > 0 {
			f = append(f, n.name, n.count)
		}
	}
	return append(f, "duration_ms", m.DurationMS)
}

// Workers is how many goroutines check rows.
func Workers(c *cli.Context) int {
	if n := c.Int("workers"); n != 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}

// runFolder returns the layout of the run that the first argument names: its folder, or a manifest or index in it.
func runFolder(c *cli.Context, flag string) (batch.Layout, string, error) {
	at := c.String(flag)
	if at == "" {
		at = c.Args().First()
	}
	if at == "" {
		return batch.Layout{}, "", fault.WithHint(fault.Failf(fault.ExitUsage, "missing argument: the run"),
			"name its folder: txflow %s out/RUN_ID", c.Command.Name)
	}
	if strings.HasSuffix(strings.SplitN(at, "?", 2)[0], ".json") {
		return batch.LayoutOf(at), at, nil
	}
	return batch.Layout{Root: strings.TrimRight(at, "/")}, "", nil
}

// readChunks reads the index of chunks of a run.
func readChunks(c *cli.Context, rt *app.Runtime) (*batch.Chunks, batch.Layout, error) {
	layout, url, err := runFolder(c, "chunks")
	if err != nil {
		return nil, layout, err
	}
	if url == "" {
		url = layout.Chunks()
	}
	var chunks batch.Chunks
	if err := batch.ReadJSON(c.Context, rt.Artifacts, url, "", &chunks); err != nil {
		return nil, layout, fault.WithHint(err, "run txflow split first")
	}
	if err := chunks.Check(); err != nil {
		return nil, layout, fault.WithHint(fmt.Errorf("%s: %w", url, err), "run txflow split again")
	}
	return &chunks, layout, nil
}
