package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/progress"
	"github.com/txflow/txflow/data"
	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/source"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/ml_api/client"
	"github.com/txflow/txflow/stream/classify"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/produce"
	"github.com/txflow/txflow/stream/topics"
)

var (
	brokersFlag = &cli.StringFlag{Name: "kafka-brokers", Value: "127.0.0.1:9092", EnvVars: []string{"KAFKA_BROKERS"}, Usage: "Kafka at `HOST:PORT`, several separated by commas"}
	kafkaFlags  = []cli.Flag{brokersFlag,
		&cli.StringSliceFlag{Name: "kafka-config", EnvVars: []string{"KAFKA_CONFIG"}, Usage: "a setting of librdkafka, `NAME=VALUE`, for security for example; several times"}}
)

func kafkaConfig(c *cli.Context, rt *app.Runtime) kafka.Config {
	extra := map[string]string{}
	for _, setting := range c.StringSlice("kafka-config") {
		name, value, _ := strings.Cut(setting, "=")
		extra[name] = value
	}
	return kafka.Config{Brokers: c.String("kafka-brokers"), Extra: extra, Log: rt.Log}
}

func streamCommand() *cli.Command {
	return &cli.Command{
		Name: "stream", Category: "Stream", Usage: "live transactions through Kafka",
		Subcommands: []*cli.Command{streamProduceCommand(), streamClassifyCommand(), streamStatusCommand()},
	}
}

func streamProduceCommand() *cli.Command {
	return &cli.Command{
		Name: "produce", ArgsUsage: "[FILE]", Usage: "send the rows of a file, or made-up ones, to " + topics.Raw + " as live traffic",
		Flags: batchcmd.Flags([]cli.Flag{
			&cli.StringFlag{Name: "profile", EnvVars: []string{"TXFLOW_PRODUCE_PROFILE"}, Usage: "`NAME` of a ready mix: small (1,000 a second, 10 at once) or large (20,000 at once, every 20 s); --rate and --burst win"},
			&cli.Float64Flag{Name: "rate", EnvVars: []string{"TXFLOW_PRODUCE_RATE"}, Usage: "`N` messages a second; 0 for as fast as Kafka takes them"},
			&cli.IntFlag{Name: "burst", Value: 1, EnvVars: []string{"TXFLOW_PRODUCE_BURST"}, Usage: "send `N` at once, at the same rate in the long run"},
			&cli.Int64Flag{Name: "count", EnvVars: []string{"TXFLOW_PRODUCE_COUNT"}, Usage: "stop after `N` rows; 0 for all of the file, or no end"},
			&cli.Float64Flag{Name: "bad", EnvVars: []string{"TXFLOW_PRODUCE_BAD"}, Usage: "add messages that are none, this `SHARE` of the rows"},
			&cli.Float64Flag{Name: "duplicates", EnvVars: []string{"TXFLOW_PRODUCE_DUPLICATES"}, Usage: "send this `SHARE` of the rows twice"},
			&cli.Float64Flag{Name: "traced", EnvVars: []string{"TXFLOW_PRODUCE_TRACED"}, Usage: "start a trace for this `SHARE` of the messages"},
			&cli.Uint64Flag{Name: "seed", Value: 1, EnvVars: []string{"TXFLOW_PRODUCE_SEED"}, Usage: "another `SEED` makes other rows"},
			&cli.StringFlag{Name: "source", EnvVars: []string{"TXFLOW_SOURCE"}, Usage: "`NAME` of the system that the ids are from"},
		}, kafkaFlags),
		Description: `
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
	pace, err := paceOf(c)
	if err != nil {
		return err
	}
	var files source.Opener = rt.Artifacts
	url := c.Args().First()
	if url == "" {
		files, url = generated{rows: c.Int64("count"), seed: c.Uint64("seed")}, "made-up rows"
	} else {
		if url, err = artifact.Canonical(url); err != nil {
			return err
		}
	}
	rows, err := source.Open(ctx, files, url, source.Options{MaxRecord: source.DefaultMaxRecord, Rules: transaction.DefaultRules(time.Now())})
	if err != nil {
		return err
	}
	defer rows.Close()
	sink, err := kafka.NewProducer(kafkaConfig(c, rt), topics.Raw)
	if err != nil {
		return err
	}
	defer sink.Close()
	show := newTicker(rt, "sent")
	stats, err := produce.Run(ctx, rows, sink, produce.Config{Source: c.String("source"), Rate: pace.rate, Burst: pace.burst, Bad: c.Float64("bad"),
		Duplicates: c.Float64("duplicates"), Limit: c.Int64("count"), Seed: c.Uint64("seed"), Traced: c.Float64("traced"), Tracer: rt.Tracer}, func(s produce.Stats) { show.tick(s.Messages) })
	if err != nil && c.Context.Err() == nil {
		return err
	}
	_, _ = fmt.Fprintf(rt.Stderr, "%s messages are in %s: %s bad ones, %s duplicates\n", progress.Thousands(stats.Messages), topics.Raw,
		progress.Thousands(stats.Bad), progress.Thousands(stats.Duplicates))
	return nil
}

// pace is how traffic comes: messages a second in the long run, and how many at once.
type pace struct {
	rate  float64
	burst int
}

// profiles are ready ones: the same number of messages, a few all the time or many now and then.
var profiles = map[string]pace{"": {}, "small": {1000, 10}, "large": {1000, 20_000}}

func paceOf(c *cli.Context) (pace, error) {
	p, ok := profiles[c.String("profile")]
	if !ok {
		return p, batch.WithHint(batch.Failf(batch.ExitUsage, "there is no profile %q", c.String("profile")), "small and large are known")
	}
	if c.IsSet("rate") {
		p.rate = c.Float64("rate")
	}
	if c.IsSet("burst") || p.burst == 0 {
		p.burst = c.Int("burst")
	}
	return p, nil
}

// generated opens made-up rows where a file is expected.
type generated struct {
	rows int64
	seed uint64
}

const endless = 1 << 40

func (g generated) OpenSource(ctx context.Context, _ string) (io.ReadCloser, error) {
	options := data.Options{Rows: g.rows, Seed: g.seed}
	if g.rows == 0 {
		options.Rows = endless
	}
	if err := options.Validate(); err != nil {
		return nil, batch.Fail(batch.ExitUsage, err)
	}
	r, w := io.Pipe()
	go func() {
		_, err := data.Generate(ctx, w, options)
		w.CloseWithError(err)
	}()
	return r, nil
}

func streamClassifyCommand() *cli.Command {
	return &cli.Command{
		Name: "classify", Usage: "classify live transactions: each exactly once, whatever is killed",
		Flags: batchcmd.Flags([]cli.Flag{groupFlag,
			&cli.StringFlag{Name: "instance", EnvVars: []string{"TXFLOW_STREAM_INSTANCE"}, Usage: "`NAME` of this member, the same after a restart and no other's (default: the host's name)"},
			&cli.IntFlag{Name: "transaction-rows", Value: classify.DefaultTransactionRows, EnvVars: []string{"TXFLOW_STREAM_TRANSACTION_ROWS"}, Usage: "`N` messages a Kafka transaction at most"},
			&cli.IntFlag{Name: "max-message-bytes", Value: 512 << 10, EnvVars: []string{"TXFLOW_STREAM_MAX_MESSAGE_BYTES"}, Usage: "a message over `N` bytes is a dead letter that says where it stands"},
			&cli.DurationFlag{Name: "max-wait", Value: 100 * time.Millisecond, EnvVars: []string{"TXFLOW_STREAM_MAX_WAIT"}, Usage: "a message waits at most `TIME` for others"},
			&cli.DurationFlag{Name: "drain", Value: 10 * time.Second, EnvVars: []string{"TXFLOW_STREAM_DRAIN"}, Usage: "at the end, what is under way gets `TIME`"},
			&cli.StringFlag{Name: "source", EnvVars: []string{"TXFLOW_SOURCE"}, Usage: "`NAME` of the system that ids are from, for messages that name none"},
			&cli.StringFlag{Name: "watch-addr", EnvVars: []string{"TXFLOW_STREAM_WATCH_ADDR"}, Usage: "serve /healthz, /readyz and /metrics at `HOST:PORT`; empty for none"},
			&cli.DurationFlag{Name: "stuck", Value: time.Minute, EnvVars: []string{"TXFLOW_STREAM_STUCK"}, Usage: "/readyz answers 503 when messages wait or are under way, or Kafka is away, for longer than `TIME`"},
		}, streamMLFlags(), kafkaFlags),
		Description: `Results, dead letters and offsets are one Kafka transaction. While the ML API is away the partitions are paused and
nothing is lost. Any number may run; each needs an --instance of its own.

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
	instance := c.String("instance")
	if instance == "" {
		host, err := os.Hostname()
		if err != nil {
			return batch.WithHint(batch.Failf(batch.ExitUsage, "this host has no name: %w", err), "name this member with --instance")
		}
		instance = host
	}
	if n := c.Int("max-message-bytes"); n < 1 || n > classify.MessageLimit {
		return batch.Failf(batch.ExitUsage, "--max-message-bytes is %d: it must be from 1 to %d, for a dead letter with the message to fit into Kafka's limit", n, classify.MessageLimit)
	}
	watch := newStreamWatch(rt, c.Duration("stuck"))
	ml, err := batchcmd.ClientConfig(c, rt)
	if err != nil {
		return err
	}
	ml.OutageLimit, ml.Patient, ml.Observe = forever, true, watch.call
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
	log, err := kafka.OpenLog(c.Context, kafka.LogConfig{Config: kafkaConfig(c, rt), Topic: topics.Raw, Group: c.String("group"), Instance: instance})
	if err != nil {
		return err
	}
	unfollow := func() {}
	if c.String("watch-addr") != "" { // else nobody asks
		unfollow = watch.follow(c.Context, log)
	}
	err = classify.New(log, api, classify.Config{Group: c.String("group"), Source: c.String("source"), Now: time.Now, Tracer: rt.Tracer, TransactionRows: c.Int("transaction-rows"),
		MaxMessage: c.Int("max-message-bytes"), BatchRows: c.Int("batch-rows"),
		Concurrency: max(c.Int("concurrency"), 1), MaxWait: c.Duration("max-wait"), DrainLimit: c.Duration("drain"), Refusals: ml.Refusals}, rt.Log, watch).Run(c.Context)
	unfollow()
	watch.sum(rt.Stderr)
	if closeErr := log.Close(); err == nil {
		err = closeErr
	}
	return err
}

// ticker tells of a count that has no end: a line that renews itself on a terminal, else one every ten seconds.
type ticker struct {
	out         io.Writer
	what, end   string
	every       time.Duration
	start, last time.Time
}

func newTicker(rt *app.Runtime, what string) *ticker {
	t := &ticker{out: rt.Stderr, what: what, end: "\n", every: 10 * time.Second, start: time.Now()}
	if rt.Interactive {
		t.end, t.every = "\r", 200*time.Millisecond
	}
	t.last = t.start
	return t
}

func (t *ticker) tick(n int64) {
	if now := time.Now(); now.Sub(t.last) >= t.every {
		t.last = now
		_, _ = fmt.Fprintf(t.out, "%s %s, %s a second%s", t.what, progress.Thousands(n), progress.Thousands(int64(float64(n)/now.Sub(t.start).Seconds())), t.end)
	}
}
