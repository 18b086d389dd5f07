package batchcmd

import (
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/tasks/inbox"
)

func inboxCommand() *cli.Command {
	return &cli.Command{
		Name: inbox.Name, Category: category, Usage: "list new files in a folder or bucket, or mark them as processed",
		Flags: Flags(TaskFlags, []cli.Flag{
			&cli.StringFlag{Name: "inbox", EnvVars: []string{"TXFLOW_INBOX"},
				Usage: "folder, `URL` or glob; of a folder *.csv, *.csv.gz and *.csv.zst"},
			&cli.StringFlag{Name: "taken", EnvVars: []string{"TXFLOW_TAKEN"}, Usage: "folder or `URL` of the markers"},
			&cli.GenericFlag{Name: "take", Value: new(list), EnvVars: []string{"TXFLOW_TAKE"},
				Usage: "mark the file `ID=URL` as processed instead of listing; repeatable"},
			&cli.DurationFlag{Name: "settle", Value: inbox.DefaultSettle, EnvVars: []string{"TXFLOW_INBOX_SETTLE"},
				Usage: "minimum age `TIME` of a file since its last change: a younger one may still be written"},
			&cli.BoolFlag{Name: "follow-links", EnvVars: []string{"TXFLOW_INBOX_FOLLOW_LINKS"},
				Usage: "also list files outside the inbox that a link in it points to"},
			&cli.IntFlag{Name: "limit", Value: inbox.DefaultLimit, EnvVars: []string{"TXFLOW_INBOX_LIMIT"},
				Usage: "list at most `N` files, the oldest first"},
		}),
		Description: `The outputs in the manifest are the new files, named by their ids. Exits 99 when there is none.
A file that changes under the same name is a new one. Names like .x, x.tmp and x.part are
ignored, and so are links that lead out of the inbox.

   txflow inbox --inbox in --taken out/taken
   txflow inbox --inbox 's3://bank/in/*.csv?region=eu-west-3' --taken out/taken
   txflow inbox --taken out/taken --take 202401-1f0c4c7ac3a5a0d1=file:///data/in/january.csv`,
		Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
			cfg := inbox.Config{Inbox: c.String("inbox"), Settle: c.Duration("settle"), Limit: c.Int("limit"),
				Follow: c.Bool("follow-links"), Now: time.Now()}
			if err := Check(c, &cfg); err != nil {
				return err
			}
			if c.String("taken") == "" {
				return fault.WithHint(fault.Failf(fault.ExitUsage, "missing flag: --taken"),
					"txflow inbox --inbox FOLDER --taken FOLDER")
			}
			taken, err := artifact.Canonical(c.String("taken"))
			if err != nil {
				return err
			}
			env := NewEnv(c, rt, batch.Layout{}, "", "")
			if takes := *c.Generic("take").(*list); len(takes) > 0 {
				marks := make([]inbox.Mark, len(takes))
				for i, text := range takes {
					if marks[i], err = inbox.ParseMark(text); err != nil {
						return err
					}
				}
				m, err := inbox.Take(c.Context, env, taken, marks)
				return Finish(c, rt, m, err, "")
			}
			if c.String("inbox") == "" {
				return fault.WithHint(fault.Failf(fault.ExitUsage, "missing flag: --inbox"),
					"txflow inbox --inbox FOLDER --taken FOLDER")
			}
			cfg.Taken = taken
			m, err := inbox.Look(c.Context, env, rt.Artifacts, cfg)
			return Finish(c, rt, m, err, "txflow run FILE..., then txflow inbox --take ID=URL")
		}),
	}
}

// list is a flag that may be given several times, each time with one value: a URL may hold the commas that the
// library's own lists are cut at.
type list []string

// Set adds a value.
func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

func (l *list) String() string { return strings.Join(*l, " ") }
