package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/progress"
)

func runsCommand() *cli.Command {
	return &cli.Command{
		Name: "runs", Category: "Questions", Usage: "the history of runs with their counts, the newest first",
		Flags: batchcmd.Flags([]cli.Flag{
			&cli.IntFlag{Name: "limit", Value: 20, EnvVars: []string{"TXFLOW_RUNS_LIMIT"}, Usage: "show the last `N`"},
			&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_RUNS_JSON"}, Usage: "one JSON object a line"},
		}, batchcmd.ClickHouseFlags),
		Description: `A run whose process was killed is "interrupted" once its lease is over, within a minute: the same command goes on with it.

   txflow runs
   txflow runs --limit 1 --json | jq .counts`,
		Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
			db, err := batchcmd.StoreNow(c, rt)
			if err != nil {
				return err
			}
			defer db.Close()
			runs, err := db.Runs(c.Context, max(c.Int("limit"), 1))
			if err != nil {
				return err
			}
			if c.Bool("json") {
				out := json.NewEncoder(rt.Stdout)
				for i := range runs {
					if err := out.Encode(runs[i]); err != nil {
						return err
					}
				}
				return nil
			}
			if len(runs) == 0 {
				_, _ = fmt.Fprintln(rt.Stderr, "no runs yet; start one with txflow run FILE")
				return nil
			}
			t := newTable("run", "status", "source", "started", "took", "rows", "stored", "rejected", "duplicates", "dead letters").
				alignRight("took", "rows", "stored", "rejected", "duplicates", "dead letters")
			for _, r := range runs {
				took := ""
				if !r.FinishedAt.IsZero() {
					took = r.FinishedAt.Sub(r.StartedAt).Round(time.Millisecond).String()
				}
				n := r.Counts
				t.add(r.RunID, r.Status, r.Source, r.StartedAt.UTC().Format(time.DateTime), took, progress.Thousands(n.In), progress.Thousands(n.Stored),
					progress.Thousands(n.Rejected), progress.Thousands(n.Duplicates), progress.Thousands(n.DeadLettered))
			}
			t.print(rt.Stdout)
			return nil
		}),
	}
}
