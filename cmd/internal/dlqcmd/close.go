package dlqcmd

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/cmd/internal/progress"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/ledger"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/dlq"
	"github.com/txflow/txflow/stream/events"
	"github.com/txflow/txflow/stream/events/collect"
	"github.com/txflow/txflow/stream/events/replay"
	"github.com/txflow/txflow/stream/events/tombstone"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/registry"
	"github.com/txflow/txflow/stream/schemas"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/stream/transactions"
	"github.com/txflow/txflow/tasks"
	"github.com/txflow/txflow/tasks/load"
)

// openDeadLetters returns the number of open dead letters that a command is about, and how many of them do not hold
// their message.
func openDeadLetters(c *cli.Context, db *store.Store, q ledger.DeadLetterQuery) (n, without uint64, err error) {
	q.State = ledger.StateOpen
	counts, err := db.CountDeadLetters(c.Context, q)
	for _, k := range counts {
		n += k.Rows
		if !transaction.Code(k.Code).KeepsRow() {
			without += k.Rows
		}
	}
	return n, without, err
}

// sayOthers says what a command about one pipeline leaves open in another one, with the same filters.
func sayOthers(c *cli.Context, rt *app.Runtime, db *store.Store, q ledger.DeadLetterQuery, command string) error {
	if c.String("pipeline") == events.Ledger {
		return nil
	}
	q.Pipeline, q.Origin, q.Replays = events.Ledger, "", nil
	n, _, err := openDeadLetters(c, db, q)
	if err == nil && n > 0 {
		rt.Log.WarnContext(c.Context, "only dead letters of transactions are looked at; those of events stay open",
			"dead_letters", n, "next", "txflow "+command+" --pipeline "+events.Ledger)
	}
	return err
}

func dlqReplay(c *cli.Context, rt *app.Runtime, db *store.Store) error {
	if c.String("pipeline") == load.Pipeline {
		return fault.WithHint(fault.Failf(fault.ExitUsage, "--pipeline %s: rows of files are not replayed", load.Pipeline),
			"correct the file and run it again: that closes its dead letters")
	}
	broker, err := kafkaflags.Config(c, rt)
	if err != nil {
		return err
	}
	q := deadLetterQuery(c)
	limit := c.Int("max-replays")
	q.Replays = &limit
	cfg := dlq.Config{Rate: c.Float64("rate"), MaxReplays: limit}
	if q.Pipeline == events.Ledger {
		tombstones, err := kafka.OpenFollower(broker, events.Tombstones)
		if err != nil {
			return err
		}
		defer func() { _ = tombstones.Close() }() // it only read
		replayEvents(c, rt, tombstones, &cfg)
	} else {
		q.Pipeline, q.Origin = transactions.Ledger, topics.Raw
	}
	n, without, err := openDeadLetters(c, db, q)
	if err != nil {
		return err
	}
	if err := sayOthers(c, rt, db, q, "dlq replay"); err != nil {
		return err
	}
	if n -= without; without > 0 {
		rt.Log.WarnContext(c.Context,
			"dead letters that are too large to hold their message are left: send those again from where they came",
			"dead_letters", without)
	}
	if c.Bool("dry-run") {
		_, _ = fmt.Fprintf(rt.Stdout, "%s would be replayed\n", display.Count(n, "dead letter"))
		return nil
	}
	m, err := tasks.Do(c.Context, batchcmd.NewEnv(c, rt, batch.Layout{}, "", c.String("source")), "dlq_replay", -1,
		func(ctx context.Context, m *batch.Manifest) error {
			if n == 0 {
				return nothingToReplay(c, db, q, without)
			}
			if err := broker.Reach(ctx); err != nil {
				return err
			}
			sink, err := kafka.NewProducer(broker)
			if err != nil {
				return err
			}
			defer sink.Close()
			show := progress.NewTicker(rt.Stderr, rt.Interactive, "replayed")
			cfg.Query = q
			replayed, err := dlq.Replay(ctx, db, sink, cfg, func(n int) { show.Tick(int64(n)) })
			m.Counts.In = int64(replayed)
			return fault.OrHint(err, "the same command continues with what is still open")
		})
	return batchcmd.Finish(c, rt, m, err, "txflow dlq stats")
}

// replayEvents has the messages of events made from their dead letters, without those of erased users.
func replayEvents(c *cli.Context, rt *app.Runtime, tombstones *kafka.Follower, cfg *dlq.Config) {
	maker := replay.Maker{ItemBytes: collect.DefaultMaxEventBytes, Schema: func(ctx context.Context) (int32, error) {
		client, err := registry.New(c.String("registry-url"))
		if err != nil {
			return 0, err
		}
		return client.AvroID(ctx, schemas.RawEvents, events.RawSchema)
	}}
	maker.Forgotten = tombstone.NewSet(tombstones, c.String(kafkaflags.ErasureKey.Name), rt.Log)
	cfg.Record = maker.Record
	cfg.Left = func(l *ledger.DeadLetterState, why string) {
		rt.Log.WarnContext(c.Context, "a dead letter is left open", "origin", l.Origin.Origin, "partition",
			l.Origin.Partition, "position", l.Origin.Position, "id", l.ID, "why", why)
	}
}

// nothingToReplay says why: none is open, or those that are came back too often or do not hold their message.
func nothingToReplay(c *cli.Context, db *store.Store, q ledger.DeadLetterQuery, without uint64) error {
	limit := *q.Replays
	q.Replays = nil
	all, allWithout, err := openDeadLetters(c, db, q)
	if err != nil {
		return err
	}
	switch tired := all - allWithout; {
	case tired > 0:
		return fault.WithHint(fault.Failf(fault.ExitNothing,
			"%s came back %s already, which is the limit; none was replayed",
			display.Count(tired, "open dead letter"), display.Count(limit, "time")),
			"correct the cause, then replay them with a higher --max-replays; or purge them")
	case without > 0:
		return fault.WithHint(fault.Failf(fault.ExitNothing,
			"%s without the message, which is too large: none was replayed",
			display.Count(without, "open dead letter")),
			"send those again from where they came, in smaller messages")
	}
	return fault.WithHint(fault.Failf(fault.ExitNothing, "there is no open dead letter to replay"),
		"txflow dlq stats --state all shows what became of the others")
}

func dlqPurge(c *cli.Context, rt *app.Runtime, db *store.Store) error {
	q := deadLetterQuery(c)
	if q.Filtered() == c.Bool("all") {
		return fault.WithHint(fault.Failf(fault.ExitUsage,
			"dlq purge takes a filter, or --all to purge every open dead letter"),
			"txflow dlq stats lists reasons and sources; --dry-run counts what would be purged")
	}
	if c.Bool("dry-run") {
		n, _, err := openDeadLetters(c, db, q)
		if err == nil {
			_, _ = fmt.Fprintf(rt.Stdout, "%s would be purged\n", display.Count(n, "dead letter"))
		}
		return err
	}
	show := progress.NewTicker(rt.Stderr, rt.Interactive, "purged")
	purged, err := dlq.Purge(c.Context, db, q, func(n int) { show.Tick(int64(n)) })
	if err == nil || purged > 0 {
		_, _ = fmt.Fprintf(rt.Stdout, "%s %s purged\n", display.Count(purged, "dead letter"), display.Are(purged))
	}
	return fault.OrHint(err, "the same command continues with what is still open")
}
