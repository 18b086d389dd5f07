package initcmd

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/schema"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/cmd/internal/setupcmd"
	"github.com/txflow/txflow/cmd/internal/table"
	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/fault"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/topics"
)

// steps are all that the flags ask for.
func steps(c *cli.Context, rt *app.Runtime) (all []step) {
	withKafka, out := c.String("kafka-brokers") != "", rt.Stderr
	if withKafka {
		all = append(all, step{"Kafka", func(ctx context.Context) error {
			cfg, err := kafkaflags.Config(c, rt)
			if err != nil {
				return app.Usage(c, err)
			}
			file, err := kafkaflags.TopicsFile(c)
			if err != nil {
				return err
			}
			want := topics.Partitions{Transactions: c.Int("partitions"), Events: c.Int("event-partitions")}
			return makeTopics(ctx, cfg, topics.All(want, c.Int("replicas")), file, out)
		}})
	}
	all = append(all, step{"ClickHouse", func(ctx context.Context) error {
		db, err := store.Open(store.Config{URL: secret.NewURL(c.String("clickhouse-url")), Log: rt.Log})
		if err != nil {
			return err
		}
		defer db.Close()
		brokers, security := "", map[string]string(nil)
		if withKafka {
			cfg, err := kafkaflags.Config(c, rt)
			if err != nil {
				return app.Usage(c, err)
			}
			security = cfg.Settings.Security()
			if brokers = c.String("clickhouse-kafka-brokers"); brokers == "" {
				brokers = c.String("kafka-brokers")
			}
		}
		return makeTables(ctx, db, brokers, security, out)
	}})
	for _, list := range c.StringSlice("bucket") {
		for _, url := range strings.Split(list, ",") {
			all = append(all, step{"S3", func(ctx context.Context) error {
				return makeBucket(ctx, rt.Artifacts, strings.TrimSpace(url), out)
			}})
		}
	}
	// Last: it is the slowest to start, and nothing here needs it.
	if url := c.String("registry-url"); url != "" {
		all = append(all, step{"the Schema Registry", func(ctx context.Context) error {
			return registerSchemas(ctx, url, out)
		}})
	}
	return all
}

// makeTopics makes the stream's topics. Those that are there keep their partitions, unless the file asks for more.
func makeTopics(ctx context.Context, cfg kafka.Config, want []topics.Topic, file topics.File, out io.Writer) error {
	if err := cfg.Reach(ctx); err != nil {
		return err
	}
	admin, err := kafka.NewAdmin(cfg)
	if err != nil {
		return err
	}
	defer admin.Close()
	have, err := admin.Topics(ctx, topics.Names(want))
	if err != nil {
		return err
	}
	topics.KeepPartitions(want, have)
	if err := file.Apply(want); err != nil {
		return fault.Failf(fault.ExitUsage, "--topics-file: %w", err)
	}
	plan, err := topics.Plan(ctx, admin, want)
	if err != nil {
		return err
	}
	return topics.Apply(ctx, admin, plan, func(change topics.Change) { table.PrintText(out, change.Text) })
}

func registerSchemas(ctx context.Context, url string, out io.Writer) error {
	plan, client, err := setupcmd.PlanSchemas(ctx, url)
	if err != nil {
		return err
	}
	return setupcmd.ApplySchemas(ctx, client, plan, out)
}

// makeTables migrates ClickHouse. With brokers it also reads Kafka there; one that is up to date is left alone, since
// its readers would have to join their groups again.
func makeTables(ctx context.Context, db *store.Store, brokers string, security map[string]string, out io.Writer) error {
	if _, err := db.ServerVersion(ctx); err != nil {
		return err
	}
	if err := setupcmd.MigrateUp(ctx, db, out, false); err != nil || brokers == "" {
		return err
	}
	stream, err := schema.Stream()
	if err != nil {
		return err
	}
	state, err := migrate.Status(ctx, db, stream)
	if err == nil {
		err = state.Err()
	}
	if err != nil || len(state.Pending) == 0 {
		return err
	}
	return setupcmd.MigrateStream(ctx, db, out, brokers, security)
}

func makeBucket(ctx context.Context, store *artifact.Store, url string, out io.Writer) error {
	made, err := store.EnsureBucket(ctx, url)
	if made {
		_, _ = fmt.Fprintf(out, "bucket %s made\n", url)
	}
	return err
}
