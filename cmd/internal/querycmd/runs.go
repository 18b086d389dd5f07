package querycmd

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/table"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/ledger"
)

func runsCommand() *cli.Command {
	return &cli.Command{
		Name: "runs", Category: "Query results", Usage: "list runs with their status and counts, newest first",
		Flags: batchcmd.Flags([]cli.Flag{
			&cli.IntFlag{Name: "limit", Value: 20, EnvVars: []string{"TXFLOW_RUNS_LIMIT"}, Usage: "show the last `N`"},
			&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_RUNS_JSON"}, Usage: "one JSON object per line"},
		}, batchcmd.ClickHouseFlags),
		Description: `A run whose process was killed is "interrupted" once its lease is over, within a minute: the
same command resumes it.

   txflow runs
   txflow runs --limit 1 --json | jq .counts`,
		Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
			if err := app.Usage(c, app.CountErr(c, "limit", 1, 1_000_000)); err != nil {
				return err
			}
			db, err := batchcmd.StoreNow(c, rt)
			if err != nil {
				return err
			}
			defer db.Close()
			runs, err := db.Runs(c.Context, c.Int("limit"))
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
			runsTable(rt.Stdout, runs)
			if len(runs) == c.Int("limit") {
				_, _ = fmt.Fprintf(rt.Stderr, "the last %s; --limit N shows more\n", display.Count(len(runs), "run"))
			}
			return nil
		}),
	}
}

// runsTable prints runs, and below why some failed.
func runsTable(w io.Writer, runs []ledger.RunRecord) {
	t := table.New("run", "status", "source", "started (UTC)", "took", "rows", "stored", "rej.", "dup.", "dead").
		AlignRight("took", "rows", "stored", "rej.", "dup.", "dead").Own("run", "source")
	var failed []string
	for _, r := range runs {
		took := ""
		if !r.FinishedAt.IsZero() {
			took = shortly(r.FinishedAt.Sub(r.StartedAt))
		}
		if r.Error != "" {
			failed = append(failed, r.RunID+": "+table.Plain(table.FirstLine(r.Error)))
		}
		n := r.Counts
		t.Add(r.RunID, r.Status, r.Source, r.StartedAt.UTC().Format("2006-01-02 15:04"), took,
			display.Thousands(n.In), display.Thousands(n.Stored),
			display.Thousands(n.Rejected), display.Thousands(n.Duplicates),
			display.Thousands(n.DeadLettered))
	}
	t.Print(w)
	for _, why := range failed {
		_, _ = fmt.Fprintln(w, why)
	}
}

// shortly is a time span in the precision that matters to a reader: 2.3s, 5m12s.
func shortly(d time.Duration) string {
	if d < time.Minute {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
