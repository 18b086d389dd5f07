// Package initcmd makes everything that the servers of a deployment must have before txflow runs on them: tables,
// topics, schemas and buckets. It waits for servers that are still starting, and run again it changes nothing.
package initcmd

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/stream/topics"
)

// Command is txflow init.
func Command() *cli.Command {
	return &cli.Command{
		Name: "init", Category: "Deploy", Usage: "create tables, topics, schemas and buckets of a deployment; idempotent",
		Flags: batchcmd.Flags([]cli.Flag{
			&cli.DurationFlag{Name: "wait", Value: 5 * time.Minute, EnvVars: []string{"TXFLOW_INIT_WAIT"},
				Usage: "wait `TIME` in all for servers that do not answer yet, then exit 69"},
			app.Optional{StringFlag: &cli.StringFlag{Name: "registry-url", EnvVars: []string{"SCHEMA_REGISTRY_URL"},
				Usage: "`URL` of the Schema Registry; empty for none"}},
			&cli.StringSliceFlag{Name: "bucket", EnvVars: []string{"TXFLOW_INIT_BUCKETS"},
				Usage: "an S3 bucket to make, as `URL`, several times or separated by commas"},
			&cli.IntFlag{Name: "partitions", Value: topics.Default.Transactions, EnvVars: []string{"TXFLOW_TOPICS_PARTITIONS"},
				Action: app.CountFrom("partitions", 1, topics.MaxPartitions),
				Usage:  "`N` partitions for transactions, where the topics are new"},
			&cli.IntFlag{Name: "event-partitions", Value: topics.Default.Events,
				Action:  app.CountFrom("event-partitions", 1, topics.MaxPartitions),
				EnvVars: []string{"TXFLOW_TOPICS_EVENT_PARTITIONS"}, Usage: "`N` partitions for events, where the topics are new"},
			&cli.IntFlag{Name: "replicas", Value: 1, EnvVars: []string{"TXFLOW_TOPICS_REPLICAS"},
				Action: app.CountFrom("replicas", 1, topics.MaxReplicas),
				Usage:  "`N` replicas of each partition"},
			kafkaflags.Topics,
			&cli.StringFlag{Name: "clickhouse-kafka-brokers", EnvVars: []string{"TXFLOW_CLICKHOUSE_KAFKA_BROKERS"},
				Usage: "Kafka as ClickHouse reaches it, at `HOST:PORT` (default: --kafka-brokers)"},
		}, kafkaflags.Optional(), batchcmd.ClickHouseFlags),
		Description: `The order is topics, tables with what reads from Kafka, buckets, and last the schemas, since a
registry takes longest to start. Servers that do not answer yet are waited for. An empty
--kafka-brokers leaves the stream out. A ClickHouse that reads Kafka already is pointed to other
brokers with txflow migrate --stream.

   txflow init
   txflow init --kafka-brokers kafka:9092 --bucket s3://inputs --bucket s3://artifacts
   txflow init --registry-url http://schema-registry:8080/apis/ccompat/v7
   txflow init --kafka-brokers '' --clickhouse-url clickhouse://db:9000`,
		Subcommands: []*cli.Command{volumesCommand()},
		Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
			if d := c.Duration("wait"); d <= 0 {
				return app.Usage(c, fmt.Errorf("--wait is %s: it must be more than 0", d))
			}
			ctx, cancel := context.WithTimeout(c.Context, c.Duration("wait"))
			defer cancel()
			w := waiting{out: rt.Stderr, every: time.Second, say: 10 * time.Second}
			for _, step := range steps(c, rt) {
				if err := w.do(ctx, step); err != nil {
					return err
				}
			}
			_, _ = fmt.Fprintln(rt.Stderr, "all is there")
			return c.Context.Err()
		}),
	}
}

// step is one kind of thing to make. It may be run again after it failed half-way.
type step struct {
	name string // of the server that it needs
	run  func(context.Context) error
}

// waiting runs steps again while their server does not answer.
type waiting struct {
	out   io.Writer
	every time.Duration // between two tries
	say   time.Duration // between two lines about the same server
}

func (w waiting) do(ctx context.Context, s step) error {
	var said time.Time
	for {
		err := s.run(ctx)
		if err == nil || !passing(err) {
			return err
		}
		if now := time.Now(); now.Sub(said) >= w.say {
			said = now
			_, _ = fmt.Fprintf(w.out, "waiting for %s: %v\n", s.name, err)
		}
		select {
		case <-ctx.Done():
			return fault.WithHint(fault.Failf(fault.ExitUnavailable, "%s is not ready: %w", s.name, err),
				"start it, or wait longer with --wait")
		case <-time.After(w.every):
		}
	}
}

// passing reports whether a server that is still starting may be the reason of an error.
func passing(err error) bool {
	code := fault.ExitCode(err)
	return code == fault.ExitUnavailable || code == fault.ExitTryAgain
}
