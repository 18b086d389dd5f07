package batchcmd

import (
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/tasks/prune"
)

func artifactsCommand() *cli.Command {
	return &cli.Command{
		Name: "artifacts", Category: category, Usage: "remove the artifacts of old runs",
		Subcommands: []*cli.Command{{
			Name: prune.Name, Usage: "remove the artifacts of finished, old runs; stored rows are kept",
			Flags: Flags(TaskFlags, []cli.Flag{
				&cli.StringFlag{Name: "out", Value: "out", EnvVars: []string{"TXFLOW_OUT"},
					Usage: "folder or `URL` of the runs' artifacts"},
				&cli.DurationFlag{Name: "older-than", Value: prune.DefaultOlderThan, EnvVars: []string{"TXFLOW_PRUNE_OLDER_THAN"},
					Usage: "only runs not written to for `TIME`"},
				&cli.BoolFlag{Name: "dry-run", EnvVars: []string{"TXFLOW_PRUNE_DRY_RUN"},
					Usage: "list the runs that would be removed, and remove none"},
			}),
			Description: `A run is finished when reconcile is done, or when validate refused its file. Any other may go
on, and is left alone, as is whatever is no run. A finished run that is run again after its
artifacts were removed asks the ML API again. Exits 99 when there is none.

   txflow artifacts prune --dry-run
   txflow artifacts prune --out s3://bank/out --older-than 2160h`,
			Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
				if c.Duration("older-than") < time.Hour {
					return fault.Failf(fault.ExitUsage, "--older-than is an hour or more, not %s", c.Duration("older-than"))
				}
				out, err := artifact.Canonical(c.String("out"))
				if err != nil {
					return err
				}
				m, err := prune.Run(c.Context, NewEnv(c, rt, batch.Layout{}, "", ""), rt.Artifacts, prune.Config{Out: out,
					OlderThan: c.Duration("older-than"), DryRun: c.Bool("dry-run"), Now: time.Now()})
				return Finish(c, rt, m, err, "")
			}),
		}},
	}
}
