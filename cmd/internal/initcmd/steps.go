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
	"github.com/txflow/txflow/internal/artifact"
	"github.com/txflow/txflow/internal/secret"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/registry"
	"github.com/txflow/txflow/stream/schemas"
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
			want := topics.Partitions{Transactions: c.Int("partitions"), Events: c.Int("event-partitions")}
			return makeTopics(ctx, cfg, want, c.Int("replicas"), out)
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
			all = append(all, step{"S3", func(ctx context.Context) error { return makeBucket(ctx, rt.Artifacts, strings.TrimSpace(url), out) }})
		}
	}
	// Last: it is the slowest to start, and nothing here needs it.
	if url := c.String("registry-url"); url != "" {
		all = append(all, step{"the Schema Registry", func(ctx context.Context) error { return registerSchemas(ctx, url, out) }})
	}
	return all
}

// makeTopics makes the stream's topics. Those that are there keep their partitions.
func makeTopics(ctx context.Context, cfg kafka.Config, partitions topics.Partitions, replicas int,
	out io.Writer) error {
	admin, err := kafka.NewAdmin(cfg)
	if err != nil {
		return err
	}
	defer admin.Close()
	want := topics.All(partitions, replicas)
	have, err := admin.Topics(ctx, topics.Names(want))
	if err != nil {
		return err
	}
	topics.KeepPartitions(want, have)
	plan, err := topics.Plan(ctx, admin, want)
	if err != nil {
		return err
	}
	return topics.Apply(ctx, admin, plan, func(change topics.Change) { _, _ = fmt.Fprintln(out, change.Text) })
}

func registerSchemas(ctx context.Context, url string, out io.Writer) error {
	all, err := schemas.All()
	if err != nil {
		return err
	}
	client, err := registry.New(url)
	if err != nil {
		return err
	}
	plan, err := schemas.Plan(ctx, client, all)
	if err != nil {
		return err
	}
	return schemas.Apply(ctx, client, plan, func(change schemas.Change) { _, _ = fmt.Fprintln(out, change.Text) })
}

// makeTables migrates ClickHouse. With brokers it also reads Kafka there; one that is up to date is left alone, since
// its readers would have to join their groups again.
func makeTables(ctx context.Context, db *store.Store, brokers string, security map[string]string, out io.Writer) error {
	if _, err := db.ServerVersion(ctx); err != nil {
		return err
	}
	core, err := schema.Core()
	if err == nil {
		err = apply(ctx, db, core, out)
	}
	if err != nil || brokers == "" {
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
	old, err := db.SetBrokers(ctx, brokers, security)
	if err != nil {
		return err
	}
	if err := apply(ctx, db, stream, out); err != nil {
		return err
	}
	_, err = db.Reattach(ctx, old)
	return err
}

func apply(ctx context.Context, db *store.Store, set migrate.Set, out io.Writer) error {
	applied := 0
	err := migrate.Up(ctx, db, set, func(migrate.Migration) { applied++ })
	if applied > 0 {
		_, _ = fmt.Fprintf(out, "schema %s, %s: %d migrations applied, %d in all\n", db.Database(), set.Name, applied,
			len(set.Migrations))
	}
	return err
}

func makeBucket(ctx context.Context, store *artifact.Store, url string, out io.Writer) error {
	made, err := store.EnsureBucket(ctx, url)
	if made {
		_, _ = fmt.Fprintf(out, "bucket %s made\n", url)
	}
	return err
}
