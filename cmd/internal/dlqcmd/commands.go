// Package dlqcmd is txflow dlq: dead letters of batch, stream and events.
package dlqcmd

import (
	"math"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/transactions"
	"github.com/txflow/txflow/tasks/load"
)

// deadLetterFlags select dead letters.
var deadLetterFlags = []cli.Flag{
	&cli.StringFlag{Name: "reason", EnvVars: []string{"TXFLOW_DLQ_REASON"}, Usage: "only dead letters of this `CODE`"},
	&cli.StringFlag{Name: "id", EnvVars: []string{"TXFLOW_DLQ_ID"},
		Usage: "only dead letters of this `ID`, as the source wrote it or the UUID"},
	batchcmd.SourceNameFlag("TXFLOW_DLQ_SOURCE", "only dead letters of the source `NAME`"),
	&cli.StringFlag{Name: "pipeline", EnvVars: []string{"TXFLOW_DLQ_PIPELINE"},
		Usage: "only dead letters of the `PIPELINE` batch, stream or events"},
	&cli.TimestampFlag{Name: "since", Layout: time.RFC3339, EnvVars: []string{"TXFLOW_DLQ_SINCE"},
		Usage: "only dead letters first seen at `TIME` or later, like 2026-01-31T00:00:00Z"},
	&cli.TimestampFlag{Name: "until", Layout: time.RFC3339, EnvVars: []string{"TXFLOW_DLQ_UNTIL"},
		Usage: "only dead letters first seen before `TIME`"},
}

var stateFlag = &cli.StringFlag{Name: "state", Value: ledger.StateOpen, EnvVars: []string{"TXFLOW_DLQ_STATE"},
	Usage: "open, replayed, resolved, purged, or all"}

// deadLetterQuery is what the flags select.
func deadLetterQuery(c *cli.Context) ledger.DeadLetterQuery {
	q := ledger.DeadLetterQuery{Pipeline: c.String("pipeline"), Code: c.String("reason"), Source: c.String("source"),
		ID: c.String("id"), State: c.String("state"), Limit: c.Int("limit")}
	if q.State == "all" {
		q.State = ""
	}
	if t := c.Timestamp("since"); t != nil {
		q.Since = *t
	}
	if t := c.Timestamp("until"); t != nil {
		q.Until = *t
	}
	return q
}

// Command is txflow dlq.
func Command() *cli.Command {
	return &cli.Command{
		Name: "dlq", Category: "Repair", Usage: "list, show, replay, resolve and purge dead letters",
		Subcommands: []*cli.Command{
			{
				Name: "stats", Usage: "count dead letters by reason",
				Flags: batchcmd.Flags(deadLetterFlags, []cli.Flag{stateFlag}, batchcmd.ClickHouseFlags),
				Description: `
   txflow dlq stats
   txflow dlq stats --state all --pipeline stream`,
				Action: app.Action(checked(withStore(dlqStats))),
			}, {
				Name: "list", Usage: "list dead letters, one per line",
				Flags: batchcmd.Flags(deadLetterFlags, []cli.Flag{stateFlag,
					&cli.IntFlag{Name: "limit", Value: 50, EnvVars: []string{"TXFLOW_DLQ_LIMIT"}, Usage: "list at most `N`; 0 = all"},
					&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_DLQ_JSON"},
						Usage: "all fields, one JSON object per line; raw is Base64"},
				}, batchcmd.ClickHouseFlags),
				Description: `
   txflow dlq list --reason amount_format
   txflow dlq list --json --limit 0 | jq -r '.raw | @base64d'`,
				Action: app.Action(checked(withStore(dlqList))),
			}, {
				Name: "show", ArgsUsage: "ORIGIN PARTITION POSITION", Usage: "show one dead letter with its raw message",
				Flags: batchcmd.Flags([]cli.Flag{
					&cli.BoolFlag{Name: "json", EnvVars: []string{"TXFLOW_DLQ_JSON"}, Usage: "as a JSON object; raw is Base64"},
				}, batchcmd.ClickHouseFlags),
				Description: `Takes the last three columns of txflow dlq list. Exits 99 when there is no such dead letter.

   txflow dlq show transactions.raw 3 1041`,
				Action: app.Action(withStore(dlqShow)),
			}, {
				Name: "replay", Usage: "republish open dead letters of the stream to their topic",
				Flags: batchcmd.Flags(deadLetterFlags, []cli.Flag{
					&cli.BoolFlag{Name: "dry-run", EnvVars: []string{"TXFLOW_DLQ_DRY_RUN"},
						Usage: "count what would be replayed, and replay none"},
					&cli.Float64Flag{Name: "rate", EnvVars: []string{"TXFLOW_DLQ_RATE"},
						Usage: "`N` dead letters per second; 0 = unlimited"},
					&cli.IntFlag{Name: "max-replays", Value: 3, EnvVars: []string{"TXFLOW_DLQ_MAX_REPLAYS"},
						Usage: "skip dead letters replayed `N` times; 0 skips all"},
				}, batchcmd.TaskFlags, kafkaflags.Flags, []cli.Flag{kafkaflags.Registry, kafkaflags.ErasureKey},
					batchcmd.ClickHouseFlags),
				Description: `Correct the cause first: a message that fails again becomes a new dead letter. Rejected rows of
files are closed by a new run of the corrected file. A replay keeps the trace and version of its
message, and skips dead letters that arrive after its start. If interrupted, the same command
continues with the dead letters that are still open. The manifest on stdout has the number of
republished dead letters as counts.in. Exit 99: nothing to replay; the error says why. With
--pipeline events those of events go to events.raw. What the collector refused is parsed again;
what still breaks a rule stays open, and the log says why.

   txflow dlq replay --pipeline events
   txflow dlq replay --reason prediction_refused --dry-run
   txflow dlq replay --reason prediction_refused --rate 100`,
				Action: app.Action(checked(withStore(dlqReplay))),
			}, {
				Name: "resolve", Usage: "close open dead letters whose id has been stored since; each load does so for its source",
				Flags: batchcmd.Flags([]cli.Flag{
					batchcmd.SourceNameFlag("TXFLOW_DLQ_SOURCE",
						"dead letters of the source `NAME`; of events: of the token `NAME`, or of all without it"),
					&cli.StringFlag{Name: "pipeline", EnvVars: []string{"TXFLOW_DLQ_PIPELINE"},
						Usage: "events closes those of events that are in gold by now, and those of transactions stay"},
				}, batchcmd.ClickHouseFlags),
				Description: `For dead letters of the stream whose message was sent again, corrected, rather than replayed. An
id_conflict is closed only where the contents of its own row were stored; one of events never.

   txflow dlq resolve --source bank
   txflow dlq resolve --pipeline events`,
				Action: app.Action(checked(withStore(dlqResolve))),
			}, {
				Name: "purge", Usage: "mark open dead letters as purged (rows are kept); cannot be undone",
				Flags: batchcmd.Flags(deadLetterFlags, []cli.Flag{
					&cli.BoolFlag{Name: "all", EnvVars: []string{"TXFLOW_DLQ_ALL"},
						Usage: "purge all open dead letters; required without a filter"},
					&cli.BoolFlag{Name: "dry-run", EnvVars: []string{"TXFLOW_DLQ_DRY_RUN"},
						Usage: "count what would be purged, and purge none"},
				}, batchcmd.ClickHouseFlags),
				Description: `A purged dead letter is not replayed, listed or resolved any more. Only SQL can undo it: look
first, with --dry-run.

   txflow dlq purge --reason message_format --until 2026-01-31T00:00:00Z --dry-run
   txflow dlq purge --all`,
				Action: app.Action(checked(withStore(dlqPurge))),
			},
		},
	}
}

// checked validates the flags of the command that has them before anything is contacted.
func checked(work func(*cli.Context, *app.Runtime) error) func(*cli.Context, *app.Runtime) error {
	return func(c *cli.Context, rt *app.Runtime) error {
		var errs []error
		for _, f := range c.Command.Flags {
			switch name := f.Names()[0]; name {
			case "state":
				errs = append(errs, app.OneOfErr(c, name, append(slices.Clone(ledger.DeadLetterStates), "all")...))
			case "pipeline":
				errs = append(errs, app.OneOfErr(c, name, "", load.Pipeline, transactions.Ledger, events.Ledger))
			case "limit":
				errs = append(errs, app.CountErr(c, name, 0, math.MaxInt32))
			case "rate":
				errs = append(errs, app.RateErr(c, name))
			case "max-replays":
				errs = append(errs, app.CountErr(c, name, 0, math.MaxUint16))
			case "kafka-config":
				_, err := kafkaflags.Config(c, rt)
				errs = append(errs, err)
			}
		}
		if err := app.Usage(c, errs...); err != nil {
			return err
		}
		return work(c, rt)
	}
}

func withStore(work func(*cli.Context, *app.Runtime, *store.Store) error) func(*cli.Context, *app.Runtime) error {
	return func(c *cli.Context, rt *app.Runtime) error {
		db, err := batchcmd.StoreNow(c, rt)
		if err != nil {
			return err
		}
		defer db.Close()
		return work(c, rt, db)
	}
}
