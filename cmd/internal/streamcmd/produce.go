package streamcmd

import (
	"context"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/cmd/internal/progress"
	"github.com/txflow/txflow/data"
	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/stream/transactions/produce"
)

func streamProduceCommand() *cli.Command {
	return &cli.Command{
		Name: "produce", ArgsUsage: "[FILE]", Usage: "send the rows of a file, or generated rows, to " + topics.Raw +
			" as live traffic",
		Flags: batchcmd.Flags([]cli.Flag{
			&cli.StringFlag{Name: "profile", EnvVars: []string{"TXFLOW_PRODUCE_PROFILE"},
				Usage: "`NAME` of a preset: small (1,000 a second, 10 at once) or large (20,000 at once, every 20 s); " +
					"--rate and --burst win"},
			&cli.Float64Flag{Name: "rate", EnvVars: []string{"TXFLOW_PRODUCE_RATE"},
				Usage: "`N` messages per second; 0 = unlimited"},
			&cli.IntFlag{Name: "burst", Value: 1, EnvVars: []string{"TXFLOW_PRODUCE_BURST"},
				Usage: "send in bursts of `N`; the average rate stays"},
			&cli.Int64Flag{Name: "count", EnvVars: []string{"TXFLOW_PRODUCE_COUNT"},
				Usage: "stop after `N` rows; 0 = all rows of the file, or no limit"},
			&cli.Float64Flag{Name: "bad", EnvVars: []string{"TXFLOW_PRODUCE_BAD"},
				Usage: "fraction of invalid messages to add, `RATIO` of the rows"},
			&cli.Float64Flag{Name: "duplicates", EnvVars: []string{"TXFLOW_PRODUCE_DUPLICATES"},
				Usage: "`RATIO` of rows to send twice"},
			&cli.Float64Flag{Name: "corrections", EnvVars: []string{"TXFLOW_PRODUCE_CORRECTIONS"},
				Usage: "`RATIO` of rows to send again with another description"},
			&cli.Float64Flag{Name: "traced", EnvVars: []string{"TXFLOW_PRODUCE_TRACED"},
				Usage: "`RATIO` of messages that start a trace"},
			&cli.Uint64Flag{Name: "seed", Value: 1, EnvVars: []string{"TXFLOW_PRODUCE_SEED"}, Usage: "`SEED` of the generator"},
			&cli.StringFlag{Name: "first-id", Value: "1", EnvVars: []string{"TXFLOW_PRODUCE_FIRST_ID"},
				Usage: "`ID` of the first generated row; now for one that no earlier start has sent"},
			batchcmd.SourceOfIDsFlag("TXFLOW_SOURCE", "`NAME` of the source system that issued the ids"),
			&cli.DurationFlag{Name: "drain", Value: 10 * time.Second, EnvVars: []string{"TXFLOW_PRODUCE_DRAIN"},
				Usage: "graceful-shutdown timeout: `TIME` for Kafka to acknowledge what was sent"},
		}, kafkaflags.Flags),
		Description: `Exits 75 when it is stopped before Kafka has acknowledged all rows, 65 at a row that is too
large for Kafka.

   txflow stream produce --rate 1000
   txflow stream produce --profile large
   txflow stream produce --rate 1000 --burst 5000 --bad 0.01 --duplicates 0.05
   txflow stream produce --source bank data/transactions.csv`,
		Action: app.Action(runProduce),
	}
}

func runProduce(c *cli.Context, rt *app.Runtime) error {
	ctx, cancel := context.WithCancel(c.Context)
	defer cancel()
	pace, paceErr := paceOf(c)
	cfg := produce.Config{Source: c.String("source"), Rate: pace.rate, Burst: pace.burst, Bad: c.Float64("bad"),
		Duplicates: c.Float64("duplicates"), Corrected: c.Float64("corrections"),
		Limit: c.Int64("count"), Seed: c.Uint64("seed"), Traced: c.Float64("traced"), Drain: c.Duration("drain"),
		Tracer: rt.Tracer}
	broker, kafkaErr := kafkaflags.Config(c, rt)
	first, firstErr := firstID(c.String("first-id"), time.Now())
	if err := app.Usage(c, paceErr, cfg.Validate(), firstErr, kafkaErr); err != nil {
		return err
	}
	var err error
	var files source.Opener = rt.Artifacts
	url := c.Args().First()
	if url == "" {
		cfg.Endless = cfg.Limit == 0
		files, url = data.Opener{Rows: c.Int64("count"), Seed: c.Uint64("seed"), FirstID: first}, "generated rows"
	} else {
		if url, err = artifact.Canonical(url); err != nil {
			return err
		}
	}
	rules := transaction.DefaultRules(time.Now())
	rules.Latest = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) // traffic may go on for months; the stream sorts rows out
	rows, err := source.Open(ctx, files, url, source.Options{MaxRecord: source.DefaultMaxRecord, Rules: rules})
	if err != nil {
		return err
	}
	defer rows.Close()
	sink, err := kafka.NewProducer(broker)
	if err != nil {
		return err
	}
	defer sink.Close()
	show := progress.NewTicker(rt.Stderr, rt.Interactive, "sent")
	stats, err := produce.Run(ctx, rows, sink, cfg, func(s produce.Stats) { show.Tick(s.Messages) })
	_, _ = fmt.Fprintln(rt.Stderr, produced(stats))
	return err
}

// produced says what became of the messages.
func produced(s produce.Stats) string {
	all := display.Count(s.Messages, "message")
	if s.Acknowledged < s.Messages {
		all = display.Thousands(s.Acknowledged) + " of " + all
	}
	return fmt.Sprintf("%s %s in %s: %s, %s and %s were sent", all, display.Are(s.Messages), topics.Raw,
		display.Count(s.Bad, "bad one"), display.Count(s.Duplicates, "duplicate"), display.Count(s.Corrected, "correction"))
}
