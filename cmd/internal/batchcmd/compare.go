package batchcmd

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/tasks/compare"
)

func compareCommand() *cli.Command {
	return &cli.Command{
		Name: compare.Name, Category: category, ArgsUsage: "RUN_FOLDER",
		Usage: "show which stored categories a load would change (dry run)",
		Flags: Flags(TaskFlags, ClickHouseFlags, []cli.Flag{
			&cli.StringFlag{Name: "chunks", EnvVars: []string{"TXFLOW_CHUNKS"}, Usage: "`URL` of the index that split wrote"},
			&cli.Float64Flag{Name: "max-changed", Value: 1, EnvVars: []string{"TXFLOW_MAX_CHANGED"},
				Usage: "maximum `RATIO` of rows that would change category or are new; more exit 65"},
			&cli.Int64Flag{Name: "max-new", Value: -1, EnvVars: []string{"TXFLOW_MAX_NEW"},
				Usage: "maximum `N` rows that are new; more exit 65; -1 = no limit"},
			&cli.IntFlag{Name: "examples", Value: compare.DefaultExamples, EnvVars: []string{"TXFLOW_EXAMPLES"},
				Usage: "list the first `N` rows that would change"},
		}),
		Description: `For rows that are reclassified, between classify and load. The report is comparison.json in the
run's folder.

   txflow compare out/RUN_ID
   txflow compare --max-changed 0.05 --max-new 0 out/RUN_ID`,
		Action: app.Task(func(c *cli.Context, rt *app.Runtime) error {
			cfg := compare.Config{BlockRows: compare.DefaultBlockRows, Examples: c.Int("examples"),
				MaxChanged: c.Float64("max-changed"),
				MaxNew:     c.Int64("max-new")}
			if err := Check(c, &cfg); err != nil {
				return err
			}
			chunks, layout, err := readChunks(c, rt)
			if err != nil {
				return err
			}
			db, err := Store(c, rt)
			if err != nil {
				return err
			}
			defer db.Close()
			cfg.Chunks = chunks
			m, report, err := compare.Run(c.Context, NewEnv(c, rt, layout, chunks.RunID, chunks.Source), db, cfg)
			if m.ChangedShare != nil && rt.Interactive {
				showReport(rt.Stderr, report)
			}
			return Finish(c, rt, m, err, "txflow load "+layout.Root)
		}),
	}
}

func showReport(w io.Writer, r *compare.Report) {
	defer func() {
		_, _ = fmt.Fprintf(w, "stored rows that load replaces: %d (%d with other contents); rows that replace nothing, "+
			"since newer ones are stored: %d\n",
			r.Replaced, r.Contents, r.Newer)
	}()
	_, _ = fmt.Fprintf(w, "%s: %d not stored yet, %d stored already, of which %d would change: %.4g %% of all\n",
		display.Count(r.Rows, "row"), r.New, r.Known, r.Changed, 100*r.Share)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, part := range []struct {
		title string
		rows  []batch.Change
	}{{"model", r.Models}, {"category", r.Changes}} {
		for _, n := range part.rows {
			_, _ = fmt.Fprintf(t, "%s\t%s\t→ %s\t%d\n", part.title, cmp.Or(n.From, "(not stored)"), n.To, n.Rows)
		}
	}
	_ = t.Flush() // a terminal
}
