package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/internal/batch"
	"github.com/txflow/txflow/internal/transaction"
	"github.com/txflow/txflow/stream/classify"
	"github.com/txflow/txflow/stream/dlq"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/topics"
	"github.com/txflow/txflow/tasks"
)

// open returns the number of open letters that a command is about, and how many of them do not hold their message.
func open(c *cli.Context, db *store.Store, q batch.LetterQuery) (n, without uint64, err error) {
	q.State = batch.LetterOpen
	counts, err := db.CountLetters(c.Context, q)
	for _, k := range counts {
		n += k.Rows
		if k.Code == string(transaction.CodeMessageSize) {
			without += k.Rows
		}
	}
	return n, without, err
}

func dlqReplay(c *cli.Context, rt *app.Runtime, db *store.Store) error {
	q := letterQuery(c)
	q.Pipeline, q.Origin, q.Replays = classify.Pipeline, topics.Raw, c.Int("max-replays")
	n, without, err := open(c, db, q)
	if err != nil {
		return err
	}
	if n -= without; without > 0 {
		rt.Log.WarnContext(c.Context, "letters that are too large to hold their message are left: send those again from where they came", "letters", without)
	}
	if c.Bool("dry-run") {
		_, _ = fmt.Fprintf(rt.Stdout, "%d letters would be replayed\n", n)
		return nil
	}
	m, err := tasks.Do(c.Context, batchcmd.NewEnv(c, rt, batch.Layout{}, "", c.String("source")), "dlq_replay", -1, func(ctx context.Context, m *batch.Manifest) error {
		if n == 0 {
			return batch.Failf(batch.ExitNothing, "there is no open letter to replay")
		}
		sink, err := kafka.NewProducer(kafkaConfig(c, rt), topics.Raw)
		if err != nil {
			return err
		}
		defer sink.Close()
		show := newTicker(rt, "replayed")
		replayed, err := dlq.Replay(ctx, db, sink, dlq.Config{Query: q, Rate: c.Float64("rate"), MaxReplays: c.Int("max-replays")}, func(n int) { show.tick(int64(n)) })
		m.Counts.In = int64(replayed)
		return batch.WithHint(err, "the same command goes on with what is still open")
	})
	return batchcmd.Finish(c, rt, m, err, "txflow dlq stats")
}

func dlqPurge(c *cli.Context, rt *app.Runtime, db *store.Store) error {
	q := letterQuery(c)
	n, _, err := open(c, db, q)
	if err != nil {
		return err
	}
	if c.Bool("dry-run") {
		_, _ = fmt.Fprintf(rt.Stdout, "%d letters would be put away\n", n)
		return nil
	}
	purged := 0
	for q.State, q.Limit = batch.LetterOpen, 500; ; {
		letters, err := db.Letters(c.Context, q)
		if err != nil || len(letters) == 0 {
			_, _ = fmt.Fprintf(rt.Stdout, "%d letters are put away\n", purged)
			return err
		}
		if err := db.MarkLetters(c.Context, letters, batch.LetterPurged); err != nil {
			return err
		}
		purged += len(letters)
		q.After = &letters[len(letters)-1].Origin
	}
}
