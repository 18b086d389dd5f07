package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/logging"
	"github.com/txflow/txflow/tasks/load"
	"github.com/txflow/txflow/tasks/reconcile"
	"github.com/txflow/txflow/tasks/run"
	"github.com/txflow/txflow/tasks/split"
	"github.com/txflow/txflow/tasks/validate"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name: "run", Category: "Batch", ArgsUsage: "FILE...", Usage: "all five tasks on this machine, with progress",
		Flags: batchcmd.Flags(batchcmd.RunFlags, batchcmd.SourceFlags, batchcmd.SplitFlags, batchcmd.MLFlags, batchcmd.ClickHouseFlags,
			batchcmd.LoadFlags, batchcmd.ReconcileFlags),
		Description: `Chunks are stored while others are still classified. A run that was stopped goes on under its id: what the ML API
answered is not asked again, and nothing is stored twice.

   txflow run --source demo data/transactions.csv
   txflow run --source crm 'in/2024-*.csv.gz'
   txflow run --source crm --run-id 20240131T101500Z-1f2e3d in/january.csv
   zcat export.gz | txflow run --source crm -`,
		Action: app.Task(runAll),
	}
}

func runAll(c *cli.Context, rt *app.Runtime) error {
	now := time.Now()
	opt, err := batchcmd.SourceOptions(c, now)
	if err != nil {
		return err
	}
	runID := c.String("run-id")
	if runID == "" {
		runID = batchcmd.NewRunID(now)
	}
	layout := batch.NewLayout(c.String("out"), runID)
	db, err := batchcmd.Store(c, rt)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Ping(c.Context); err != nil {
		return err
	}
	files, err := batchcmd.Expand(c, rt, layout)
	if err != nil {
		return err
	}
	api, err := batchcmd.Client(c, rt)
	if err != nil {
		return err
	}
	defer api.Close()
	asks, err := batchcmd.ClassifyConfig(c.Context, c, api)
	if err != nil {
		return err
	}
	record, err := runPipeline(c.Context, rt, batchcmd.NewEnv(c, rt, layout, runID, c.String("source")), api, db, run.Config{
		Validate: validate.Config{Files: files, Options: opt, MaxRejectRatio: c.Float64("max-reject-ratio"), TempDir: c.String("temp-dir"),
			Workers: batchcmd.Workers(c)},
		Split:     split.Config{MaxChunks: c.Int("max-chunks"), MinRows: c.Int("min-rows"), SegmentRows: c.Int("segment-rows")},
		Classify:  asks,
		Load:      load.Config{BlockRows: c.Int("block-rows")},
		Reconcile: reconcile.Config{Pipeline: load.Pipeline, Workers: batchcmd.Workers(c), Limit: c.Int("findings")},
	})
	if err != nil {
		if batch.Hint(err) == "" && batch.ExitCode(err) != batch.ExitUsage && batch.ExitCode(err) != batch.ExitData {
			err = batch.WithHint(err, "the same command with --run-id %s goes on with this run", runID)
		}
		return err
	}
	if !logging.IsTerminal(rt.Stdout) {
		line, err := json.Marshal(record)
		if err != nil {
			return fmt.Errorf("encode the run: %w", err)
		}
		rt.LastLine = string(line)
	}
	return nil
}
