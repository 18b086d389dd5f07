package eventscmd

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
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/reconcile"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/tasks"
)

func eventsReconcileCommand() *cli.Command {
	return &cli.Command{
		Name: "reconcile", Usage: "prove that every accepted event is in gold, a duplicate, or a dead letter",
		Flags: batchcmd.Flags(batchcmd.RunFlags, batchcmd.ReconcileFlags, []cli.Flag{kafkaflags.RefineGroup,
			&cli.BoolFlag{Name: "accept-gap", EnvVars: []string{"TXFLOW_EVENTS_ACCEPT_GAP"},
				Usage: "accept messages deleted by retention; they are not reported again"},
			&cli.DurationFlag{Name: "wait", Value: 5 * time.Minute, EnvVars: []string{"TXFLOW_EVENTS_RECONCILE_WAIT"},
				Usage: "wait at most `TIME` for ClickHouse to read what is in Kafka"},
		}, kafkaflags.Flags, batchcmd.ClickHouseFlags),
		Description: `It reads ` + events.Raw +
			` from where it ended the last time to what the group has committed. Each message must be in gold, say
again what a stored one said at a lower offset of its partition, or be a dead letter, by the ledger and by the tables.
It starts where it started when there are findings (exit 65).

   txflow events reconcile
   txflow events reconcile --kafka-brokers kafka:9092
   txflow events reconcile --accept-gap`,
		Action: app.Task(eventsReconcile),
	}
}

func eventsReconcile(c *cli.Context, rt *app.Runtime) error {
	if err := batchcmd.Check(c); err != nil {
		return err
	}
	broker, err := kafkaflags.Config(c, rt)
	if err := app.Usage(c, err, app.Positive(c, "wait"), app.CountErr(c, "findings", 0, 1_000_000)); err != nil {
		return err
	}
	db, err := batchcmd.Store(c, rt)
	if err != nil {
		return err
	}
	defer db.Close()
	env := batchcmd.NewEnv(c, rt, batch.Layout{}, c.String("group"), "")
	m, err := tasks.Do(c.Context, env, "reconcile", -1, func(ctx context.Context, m *batch.Manifest) error {
		return proveEvents(ctx, c, rt, broker, db, m)
	})
	return batchcmd.Finish(c, rt, m, err, "txflow dlq list --pipeline events; txflow stream status")
}

func proveEvents(ctx context.Context, c *cli.Context, rt *app.Runtime, broker kafka.Config, db *store.Store,
	m *batch.Manifest) error {
	if err := broker.Reach(ctx); err != nil {
		return err
	}
	log, err := kafka.OpenVerifier(broker, c.String("group"), events.Raw)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // it only read
	show, done := progress.NewTicker(rt.Stderr, rt.Interactive, "verified"), int64(0)
	var found ledger.Findings
	from := [][2]string{{readers.EventsSilver, events.Silver}, {readers.EventsDeadLetters, events.DeadLetters}}
	m.Counts, found, err = reconcile.Run(ctx, log, db, reconcile.Config{
		Limit: c.Int("findings"), AcceptGap: c.Bool("accept-gap"),
		Read: func(ctx context.Context) error {
			return readers.WaitRead(ctx, broker, c.Duration("wait"), rt.Stderr, from)
		}}, func(n int) {
		done += int64(n)
		show.Tick(done)
	})
	if err != nil || found.Total() == 0 {
		return err
	}
	hint := "txflow events show ID; txflow dlq list --pipeline events"
	if found.Counts[ledger.FindingGap] == found.Total() {
		hint = "those messages are lost: have them sent again, then txflow events reconcile --accept-gap"
	}
	return fault.WithHint(found.Err("reconciliation of the events failed"), "%s", hint)
}
