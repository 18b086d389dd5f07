package setupcmd

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/topics"
)

// Topics is txflow topics.
func Topics() *cli.Command {
	return &cli.Command{
		Name: "topics", Category: "Set up and check", Usage: "create or update the stream's topics",
		Subcommands: []*cli.Command{{
			Name: "apply", Usage: "create missing topics and apply their settings; idempotent",
			Flags: batchcmd.Flags([]cli.Flag{
				&cli.BoolFlag{Name: "dry-run", EnvVars: []string{"TXFLOW_TOPICS_DRY_RUN"},
					Usage: "show what would be done, and do nothing"},
				&cli.IntFlag{Name: "partitions", Value: topics.Default.Transactions, EnvVars: []string{"TXFLOW_TOPICS_PARTITIONS"},
					Usage: "`N` partitions of the topics of transactions; the maximum number of members that share the work"},
				&cli.IntFlag{Name: "event-partitions", Value: topics.Default.Events,
					EnvVars: []string{"TXFLOW_TOPICS_EVENT_PARTITIONS"},
					Usage:   "`N` partitions of the topics of events, for good: later they are not added"},
				&cli.IntFlag{Name: "replicas", Value: 1, EnvVars: []string{"TXFLOW_TOPICS_REPLICAS"},
					Usage: "`N` replicas of each partition"},
			}, kafkaflags.Flags),
			Description: `Partitions are never taken away, since their messages would be lost. They are not added to events.raw, events.silver and events.claims, since
duplicates of earlier events would no longer be found.

   txflow topics apply --dry-run
   txflow topics apply --partitions 12 --replicas 3 --kafka-brokers kafka-1:9092,kafka-2:9092`,
			Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
				cfg, err := kafkaflags.Config(c, rt)
				if err := app.Usage(c, err, app.CountErr(c, "partitions", 1, topics.MaxPartitions),
					app.CountErr(c, "event-partitions", 1, topics.MaxPartitions),
					app.CountErr(c, "replicas", 1, topics.MaxReplicas)); err != nil {
					return err
				}
				admin, err := kafka.NewAdmin(cfg)
				if err != nil {
					return err
				}
				defer admin.Close()
				plan, err := topics.Plan(c.Context, admin, topics.All(topics.Partitions{Transactions: c.Int("partitions"), Events: c.Int("event-partitions")},
					c.Int("replicas")))
				if err != nil {
					return err
				}
				if c.Bool("dry-run") {
					for _, change := range plan {
						_, _ = fmt.Fprintln(rt.Stdout, "would", change.Text)
					}
				} else if err := topics.Apply(c.Context, admin, plan,
					func(change topics.Change) { _, _ = fmt.Fprintln(rt.Stdout, change.Text) }); err != nil {
					return err
				}
				if len(plan) == 0 {
					_, _ = fmt.Fprintln(rt.Stderr, "the topics are as they should be")
				}
				return nil
			}),
		}},
	}
}
