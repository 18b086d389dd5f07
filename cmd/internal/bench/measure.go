package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/txflow/txflow/internal/display"
)

// stageNames are the tasks in their order.
var stageNames = []string{"validate", "split", "classify", "load", "reconcile"}

func (b *bencher) file(ctx context.Context, rows int) (string, error) {
	path := filepath.Join(b.dir, fmt.Sprintf("in-%d.csv", rows))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	say("making a file of %s rows", display.Thousands(int64(rows)))
	_, err := b.time(ctx, "data", "generate", "--rows", strconv.Itoa(rows), "--out", path)
	return path, err
}

// wholeRuns times `txflow run`; the first, small run only warms everything up.
func (b *bencher) wholeRuns(ctx context.Context, o options, r *report) error {
	small, err := b.file(ctx, 20_000)
	if err != nil {
		return err
	}
	if err := b.freshDatabase(ctx, "bench_warm"); err != nil {
		return err
	}
	if _, err := b.time(ctx, "run", small); err != nil {
		return err
	}
	file, err := b.file(ctx, o.rows)
	if err != nil {
		return err
	}
	for i := range o.runs {
		if err := b.freshDatabase(ctx, fmt.Sprintf("bench_run%d", i)); err != nil {
			return err
		}
		u, err := b.time(ctx, "run", "--run-id", fmt.Sprintf("run%d", i), file)
		if err != nil {
			return err
		}
		say("run %d of %d: %s, %s", i+1, o.runs, u.took.Round(time.Millisecond), perSecond(o.rows, u.took))
		r.runs = append(r.runs, u)
	}
	slices.SortFunc(r.runs, func(a, b used) int { return int(a.took - b.took) })
	return nil
}

// eachTask times every task by itself, as containers run it.
func (b *bencher) eachTask(ctx context.Context, o options, r *report) error {
	file, err := b.file(ctx, o.rows)
	if err != nil {
		return err
	}
	r.tasks, err = b.tasks(ctx, "tasks", file, o.rows)
	return err
}

func (b *bencher) tasks(ctx context.Context, runID, file string, rows int) ([]used, error) {
	if err := b.freshDatabase(ctx, "bench_"+runID); err != nil {
		return nil, err
	}
	var all []used
	for i, name := range stageNames {
		args := []string{name, filepath.Join("out", runID)}
		if i == 0 {
			args = []string{name, "--run-id", runID, file}
		}
		u, err := b.time(ctx, args...)
		if err != nil {
			return nil, err
		}
		say("%-10s %s, %s, %s", name, u.took.Round(time.Millisecond), perSecond(rows, u.took), megabytes(u.memory))
		all = append(all, u)
	}
	return all, nil
}

// memory does every task on a file so large that anything that grows with the file would show.
func (b *bencher) memory(ctx context.Context, o options, r *report) error {
	if o.memoryRows == 0 {
		return nil
	}
	file, err := b.file(ctx, o.memoryRows)
	if err != nil {
		return err
	}
	r.largeRows = o.memoryRows
	if r.large, err = b.tasks(ctx, "large", file, o.memoryRows); err != nil {
		return err
	}
	if err := b.freshDatabase(ctx, "bench_large_run"); err != nil {
		return err
	}
	u, err := b.time(ctx, "run", "--run-id", "large-run", file)
	if err != nil {
		return err
	}
	say("%-10s %s, %s, %s", "run", u.took.Round(time.Millisecond), perSecond(o.memoryRows, u.took), megabytes(u.memory))
	r.largeRun = u
	return nil
}

func perSecond(rows int, took time.Duration) string {
	return display.Thousands(int64(float64(rows)/took.Seconds())) + " rows/s"
}

func megabytes(bytes int64) string { return fmt.Sprintf("%d MB", bytes/1e6) }
