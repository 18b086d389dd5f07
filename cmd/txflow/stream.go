package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/progress"
	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/ml_api/client"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/pipeline"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/stream/transactions"
	"github.com/txflow/txflow/stream/transactions/classify"
	"github.com/txflow/txflow/stream/transactions/produce"
)

func streamCommand() *cli.Command {
	return &cli.Command{
		Name: "stream", Category: "Process messages",
		Usage: "classify live transactions and refine live events, from Kafka to Kafka",
		Subcommands: []*cli.Command{streamProduceCommand(), streamClassifyCommand(), streamRefineCommand(),
			streamStatusCommand()},
	}
}

func streamProduceCommand() *cli.Command {
	return &cli.Command{
		Name: "produce", ArgsUsage: "[FILE]", Usage: "send the rows of a file, or generated rows, to " + topics.Raw +
			" as live traffic",
		Flags: batchcmd.Flags([]cli.Flag{
			&cli.StringFlag{Name: "profile", EnvVars: []string{"TXFLOW_PRODUCE_PROFILE"},
				Usage: "`NAME` of a preset: small (1,000 a second, 10 at once) or large (20,000 at once, every 20 s); --rate and --burst win"},
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
			batchcmd.SourceNameFlag("TXFLOW_SOURCE", "`NAME` of the source system that issued the ids"),
			&cli.DurationFlag{Name: "drain", Value: 10 * time.Second, EnvVars: []string{"TXFLOW_PRODUCE_DRAIN"},
				Usage: "graceful-shutdown timeout: `TIME` for Kafka to acknowledge what was sent"},
		}, kafkaFlags),
		Description: `Exits 75 when it is stopped before Kafka has acknowledged all rows, 65 at a row that is too large for Kafka.

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
	broker, kafkaErr := kafkaConfig(c, rt)
	first, firstErr := firstID(c.String("first-id"), time.Now())
	if err := app.Usage(c, paceErr, cfg.Validate(), firstErr, kafkaErr); err != nil {
		return err
	}
	var err error
	var files source.Opener = rt.Artifacts
	url := c.Args().First()
	if url == "" {
		cfg.Endless = cfg.Limit == 0
		files, url = generated{rows: c.Int64("count"), seed: c.Uint64("seed"), firstID: first}, "generated rows"
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
	show := newTicker(rt, "sent")
	stats, err := produce.Run(ctx, rows, sink, cfg, func(s produce.Stats) { show.tick(s.Messages) })
	_, _ = fmt.Fprintln(rt.Stderr, produced(stats))
	return err
}

// produced says what became of the messages.
func produced(s produce.Stats) string {
	all := progress.Thousands(s.Messages)
	if s.Acknowledged < s.Messages {
		all = progress.Thousands(s.Acknowledged) + " of " + all
	}
	return fmt.Sprintf("%s messages are in %s: %s bad ones, %s duplicates and %s corrections were sent", all, topics.Raw,
		progress.Thousands(s.Bad), progress.Thousands(s.Duplicates), progress.Thousands(s.Corrected))
}

func streamClassifyCommand() *cli.Command {
	return &cli.Command{
		Name: "classify", Usage: "classify live transactions; exactly-once within Kafka",
		Flags: batchcmd.Flags([]cli.Flag{groupFlag,
			batchcmd.SourceNameFlag("TXFLOW_SOURCE", "source system `NAME` of messages without a source"),
		}, memberFlags, streamMLFlags(), kafkaFlags),
		Description: `Results, dead letters and offsets are one Kafka transaction. While the ML API is unavailable the partitions are paused and
nothing is lost. Any number may run; each needs an --instance of its own: of two with the same one the newer takes over, and
the older exits 64.

   txflow stream classify
   txflow stream classify --watch-addr 127.0.0.1:9464
   txflow stream classify --instance b --kafka-brokers kafka:9092 --ml-url http://ml:8000`,
		Action: app.Action(runClassify),
	}
}

// streamMLFlags are those of batch, but for how long an outage is waited for: here, always.
func streamMLFlags() []cli.Flag {
	var flags []cli.Flag
	for _, f := range batchcmd.MLFlags {
		if f.Names()[0] != "ml-outage" {
			flags = append(flags, f)
		}
	}
	return flags
}

const forever = 365 * 24 * time.Hour

func runClassify(c *cli.Context, rt *app.Runtime) error {
	instance, release, instanceErr := heldInstance(c)
	defer release()
	broker, kafkaErr := kafkaConfig(c, rt)
	watch := newStreamWatch(rt, max(c.Duration("stuck"), time.Second))
	cfg := memberConfig(c, rt, watch)
	cfg.Name, cfg.Ledger, cfg.Topic, cfg.DeadLetters = transactions.Name, transactions.Ledger, topics.Raw,
		topics.DeadLetters
	handlerCfg := classify.Config{Source: c.String("source"), Now: time.Now, BatchRows: c.Int("batch-rows"),
		Concurrency: c.Int("concurrency")}
	ml, mlErr := batchcmd.ClientConfig(c, rt)
	ml.OutageLimit, ml.Patient, ml.Observe = forever, true, watch.call
	handlerCfg.Refusals = ml.Refusals
	if err := app.Usage(c, cfg.Validate(), handlerCfg.Validate(), kafkaErr, instanceErr, mlErr,
		durationErr(c, "session-timeout", leastSession, mostSession),
		durationErr(c, "stuck", time.Second, forever)); err != nil {
		return err
	}
	api, err := client.New(ml)
	if err != nil {
		return err
	}
	defer api.Close()
	watch.api = api
	stop, err := watch.serve(c.Context, c.String("watch-addr"))
	if err != nil {
		return err
	}
	defer stop()
	member := kafka.SessionConfig{Config: broker, Topic: cfg.Topic, Group: cfg.Group, Instance: instance,
		Timeout: c.Duration("session-timeout")}
	return runMember(c, rt, member, func() pipeline.Handler { return classify.New(api, handlerCfg) }, cfg, watch)
}

// memberConfig reads memberFlags, and the flag of the group.
func memberConfig(c *cli.Context, rt *app.Runtime, observer pipeline.Observer) pipeline.Config {
	return pipeline.Config{Group: c.String("group"), Now: time.Now, Tracer: rt.Tracer, Log: rt.Log, Observer: observer,
		BatchMessages: c.Int("transaction-rows"), MaxMessage: c.Int("max-message-bytes"), MaxWait: c.Duration("max-wait"),
		DrainLimit: c.Duration("drain")}
}

// runMember works as a member of the group until it ends. A member that the broker lost track of joins again.
func runMember(c *cli.Context, rt *app.Runtime, member kafka.SessionConfig, handler func() pipeline.Handler,
	cfg pipeline.Config,
	watch *streamWatch) error {
	for {
		err := memberSession(c, member, handler(), cfg, watch)
		if !errors.Is(err, kafka.ErrLost) || c.Context.Err() != nil {
			watch.sum(rt.Stderr)
			return err
		}
		rt.Log.WarnContext(c.Context, "joining the group again", "error", err)
	}
}

// memberSession works as a member of the group until it ends.
func memberSession(c *cli.Context, member kafka.SessionConfig, handler pipeline.Handler, cfg pipeline.Config,
	watch *streamWatch) error {
	session, err := kafka.OpenSession(c.Context, member)
	if err != nil {
		return err
	}
	unfollow := func() {}
	if c.String("watch-addr") != "" { // else nobody asks
		unfollow = watch.follow(c.Context, session)
	}
	err = pipeline.New(session, handler, cfg).Run(c.Context)
	unfollow()
	if closeErr := session.Close(); err == nil {
		err = closeErr
	}
	return err
}
