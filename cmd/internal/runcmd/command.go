// Package runcmd is txflow run: all tasks of a run in one process.
package runcmd

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/logging"
	"github.com/txflow/txflow/tasks/run"
)

// Command is txflow run.
func Command() *cli.Command {
	return &cli.Command{
		Name: "run", Category: "Process files", ArgsUsage: "FILE...",
		Usage: "process files: all five tasks on this machine, with progress",
		Flags: batchcmd.Flags(batchcmd.RunFlags, batchcmd.SourceFlags, batchcmd.SplitFlags, batchcmd.MLFlags,
			batchcmd.ClickHouseFlags, batchcmd.LoadFlags, batchcmd.ReconcileFlags, []cli.Flag{
				&cli.BoolFlag{Name: "new", EnvVars: []string{"TXFLOW_NEW"},
					Usage: "start a new run instead of resuming an unfinished one of the same command"}}),
		Description: `Chunks are stored while others are still classified. The same command, with the same files, goes
on with its newest run that is not finished and that no process works on: what the ML API
answered is not asked again, and nothing is stored twice.

   txflow run --source demo data/transactions.csv
   txflow run --source crm 'in/2024-*.csv.gz'
   txflow run --source crm --new in/january.csv
   txflow run --source crm --as-of 2024-02-01 in/january.csv
   zcat export.gz | txflow run --source crm -`,
		Action: app.Task(runAll),
	}
}

func runAll(c *cli.Context, rt *app.Runtime) error {
	now := time.Now()
	cfg, err := runConfig(c, now)
	if err != nil {
		return err
	}
	db, err := batchcmd.Store(c, rt)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Ping(c.Context); err != nil {
		return err
	}
	api, err := batchcmd.Client(c, rt)
	if err != nil {
		return err
	}
	defer api.Close()
	if cfg.Classify.API, err = batchcmd.APIKey(c.Context, c, api); err != nil {
		return err
	}
	cfg.Classify.Refusals = api.Refusals()
	env, goOn, err := batchcmd.Begin(c, rt, now, &cfg.Validate)
	if err != nil {
		return err
	}
	record, err := Pipeline(c.Context, rt, env, api, db, cfg)
	if err != nil {
		if fault.Hint(err) == "" && fault.ExitCode(err) != fault.ExitUsage && fault.ExitCode(err) != fault.ExitData {
			err = fault.WithHint(err, "%s resumes this run", goOn)
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

// runConfig reads the flags of all tasks, and checks them.
func runConfig(c *cli.Context, now time.Time) (run.Config, error) {
	checked, err := batchcmd.ValidateConfig(c, now)
	cfg := run.Config{Validate: checked, Split: batchcmd.SplitConfig(c), Classify: batchcmd.ClassifyConfig(c),
		Load: batchcmd.LoadConfig(c), Reconcile: batchcmd.ReconcileConfig(c)}
	if err != nil {
		return cfg, err
	}
	if c.Bool("new") && c.String("run-id") != "" {
		return cfg, fault.Failf(fault.ExitUsage, "--new starts a run of a new id: leave --run-id out")
	}
	return cfg, batchcmd.Check(c, &cfg.Validate, &cfg.Split, &cfg.Classify, &cfg.Load, &cfg.Reconcile)
}
