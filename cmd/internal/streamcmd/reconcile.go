package streamcmd

import (
	"context"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/cmd/internal/progress"
	"github.com/txflow/txflow/cmd/internal/readers"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/reconcile"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/tasks"
)

// WithReconcile adds --stream to batch's reconcile.
func WithReconcile(commands []*cli.Command) []*cli.Command {
	for _, c := range commands {
		if c.Name != "reconcile" {
			continue
		}
		c.Flags = batchcmd.Flags(c.Flags, []cli.Flag{kafkaflags.Group,
			&cli.BoolFlag{Name: "stream", EnvVars: []string{"TXFLOW_RECONCILE_STREAM"},
				Usage: "verify the messages committed by stream classify since the last time, instead of a run"},
			&cli.BoolFlag{Name: "accept-gap", EnvVars: []string{"TXFLOW_ACCEPT_GAP"},
				Usage: "with --stream: accept messages deleted by retention; they are not reported again"},
			&cli.DurationFlag{Name: "wait", Value: 5 * time.Minute, EnvVars: []string{"TXFLOW_RECONCILE_WAIT"},
				Usage: "with --stream: wait at most `TIME` for ClickHouse to read what is in Kafka"},
		}, kafkaflags.Flags)
		c.Description += `

With --stream it reads ` + topics.Raw +
			` from where it ended the last time to what the group has committed. Each message must
have one entry in the ledger, each stored id must be in transactions with that version or a newer one, and each
dead letter in dead_letters. It starts where it started when there are findings (exit 65).

   txflow reconcile --stream
   txflow reconcile --stream --group bank --kafka-brokers kafka:9092
   txflow reconcile --stream --accept-gap`
		run := c.Action
		c.Action = func(c *cli.Context) error {
			if err := app.Positive(c, "wait"); err != nil {
				return err
			}
			if c.Bool("stream") {
				return app.Task(reconcileStream)(c)
			}
			return run(c)
		}
	}
	return commands
}

func reconcileStream(c *cli.Context, rt *app.Runtime) error {
	cfg := batchcmd.ReconcileConfig(c)
	if err := batchcmd.Check(c, &cfg); err != nil {
		return err
	}
	broker, err := kafkaflags.Config(c, rt)
	if err := app.Usage(c, err); err != nil {
		return err
	}
	db, err := batchcmd.Store(c, rt)
	if err != nil {
		return err
	}
	defer db.Close()
	m, err := tasks.Do(c.Context, batchcmd.NewEnv(c, rt, batch.Layout{}, c.String("group"), ""), "reconcile", -1,
		func(ctx context.Context, m *batch.Manifest) error {
			return proveStream(ctx, c, rt, broker, db, m)
		})
	return batchcmd.Finish(c, rt, m, err, "txflow dlq list; txflow stream status")
}

func proveStream(ctx context.Context, c *cli.Context, rt *app.Runtime, broker kafka.Config, db *store.Store,
	m *batch.Manifest) error {
	if err := broker.Reach(ctx); err != nil {
		return err
	}
	log, err := kafka.OpenVerifier(broker, c.String("group"), topics.Raw)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // it only read
	show, done := progress.NewTicker(rt.Stderr, rt.Interactive, "verified"), int64(0)
	var found ledger.Findings
	m.Counts, found, err = reconcile.Run(ctx, log, db, reconcile.Config{Group: c.String("group"), Limit: c.Int("findings"),
		AcceptGap: c.Bool("accept-gap"),
		Read: func(ctx context.Context) error {
			return readers.WaitRead(ctx, broker, c.Duration("wait"), rt.Stderr, transactionReaders)
		}},
		func(n int) {
			done += int64(n)
			show.Tick(done)
		})
	if err != nil || found.Total() == 0 {
		return err
	}
	hint := "txflow dlq list --reason unreadable shows what ClickHouse could not read; it reads a topic again when its " +
		"consumer group is deleted"
	if found.Counts[ledger.FindingGap] == found.Total() {
		hint = "those messages are lost to this group: send them again from where they came, then txflow reconcile " +
			"--stream --accept-gap"
	}
	return fault.WithHint(found.Err("reconciliation of the stream failed"), "%s", hint)
}

// transactionReaders are the groups that read what classify wrote, with their topics.
var transactionReaders = [][2]string{{readers.Classified, topics.Classified}, {readers.DeadLetters, topics.DeadLetters}}
