package setupcmd

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/cmd/internal/table"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/topics"
)

// topicFlags say how the topics should be.
var topicFlags = []cli.Flag{
	&cli.IntFlag{Name: "partitions", Value: topics.Default.Transactions, EnvVars: []string{"TXFLOW_TOPICS_PARTITIONS"},
		Usage: "`N` partitions of the topics of transactions; the maximum number of members that share the work"},
	&cli.IntFlag{Name: "event-partitions", Value: topics.Default.Events,
		EnvVars: []string{"TXFLOW_TOPICS_EVENT_PARTITIONS"},
		Usage:   "`N` partitions of the topics of events, for good: later they are not added"},
	&cli.IntFlag{Name: "replicas", Value: 1, EnvVars: []string{"TXFLOW_TOPICS_REPLICAS"},
		Usage: "`N` replicas of each partition"},
	kafkaflags.Topics,
}

// Topics is txflow topics.
func Topics() *cli.Command {
	return &cli.Command{
		Name: "topics", Category: "Set up and check", Usage: "create or update the stream's topics",
		Subcommands: []*cli.Command{{
			Name: "apply", Usage: "create missing topics and apply their settings; idempotent",
			Flags: batchcmd.Flags([]cli.Flag{
				&cli.BoolFlag{Name: "dry-run", EnvVars: []string{"TXFLOW_TOPICS_DRY_RUN"},
					Usage: "show what would be done, and do nothing"},
			}, topicFlags, kafkaflags.Flags),
			Description: `Partitions are never taken away, since their messages would be lost. They are not added to
events.raw, events.silver and events.claims, since duplicates of earlier events would no longer
be found.

   txflow topics apply --dry-run
   txflow topics apply --partitions 12 --replicas 3 --kafka-brokers kafka-1:9092,kafka-2:9092
   txflow topics apply --topics-file topics.json`,
			Action: app.Action(applyTopics),
		}, {
			Name: "print", Usage: "print the topics as a file that can be edited, for --topics-file",
			Flags: topicFlags,
			Description: `What is left out of the file stays as txflow has it. cleanup.policy and message.timestamp.type
can not be set: promises rest on them.

   txflow topics print --replicas 3 > topics.json
   txflow topics apply --topics-file topics.json --dry-run
   TXFLOW_TOPICS_FILE=topics.json txflow doctor`,
			Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
				if c.Args().Present() {
					return app.Usage(c, fmt.Errorf("topics print takes no arguments, only flags: %q", c.Args().First()))
				}
				want, err := wantedTopics(c, nil)
				if err != nil {
					return err
				}
				text, err := topics.Format(want)
				if err != nil {
					return err
				}
				_, err = rt.Stdout.Write(text)
				return err
			}),
		}},
	}
}

// wantedTopics are those that the flags and the file ask for. Another error of usage may be given, to be reported with
// theirs.
func wantedTopics(c *cli.Context, other error) ([]topics.Topic, error) {
	if err := app.Usage(c, other, app.CountErr(c, "partitions", 1, topics.MaxPartitions),
		app.CountErr(c, "event-partitions", 1, topics.MaxPartitions),
		app.CountErr(c, "replicas", 1, topics.MaxReplicas)); err != nil {
		return nil, err
	}
	return kafkaflags.Wanted(c,
		topics.All(topics.Partitions{Transactions: c.Int("partitions"), Events: c.Int("event-partitions")},
			c.Int("replicas")))
}

func applyTopics(c *cli.Context, rt *app.Runtime) error {
	cfg, err := kafkaflags.Config(c, rt)
	want, err := wantedTopics(c, err)
	if err != nil {
		return err
	}
	if err := cfg.Reach(c.Context); err != nil {
		return err
	}
	admin, err := kafka.NewAdmin(cfg)
	if err != nil {
		return err
	}
	defer admin.Close()
	plan, err := topics.Plan(c.Context, admin, want)
	if err != nil {
		return err
	}
	if c.Bool("dry-run") {
		for _, change := range plan {
			table.PrintText(rt.Stdout, "would "+change.Text)
		}
	} else if err := topics.Apply(c.Context, admin, plan,
		func(change topics.Change) { table.PrintText(rt.Stdout, change.Text) }); err != nil {
		return err
	}
	if len(plan) == 0 {
		_, _ = fmt.Fprintln(rt.Stderr, "the topics are as they should be")
	}
	return nil
}
