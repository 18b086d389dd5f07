package main

import (
	"context"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/internal/embedded"
	"github.com/txflow/txflow/stream/kafka"
	"github.com/txflow/txflow/stream/topics"
)

var dataFolder = &cli.StringFlag{Name: "data", Value: ".txflow", EnvVars: []string{"TXFLOW_DATA"}, Usage: "`FOLDER` that holds everything; one process owns it"}

func platformCommand() *cli.Command {
	return &cli.Command{
		Name: "platform", Category: "Platform", Usage: "ClickHouse, Kafka and a Schema Registry in one process, until Ctrl-C",
		Flags: []cli.Flag{dataFolder,
			&cli.StringFlag{Name: "clickhouse-addr", Value: "127.0.0.1:8123", EnvVars: []string{"TXFLOW_PLATFORM_CLICKHOUSE"}, Usage: "ClickHouse's HTTP interface listens at `HOST:PORT`"},
			&cli.StringFlag{Name: "kafka-addr", Value: "127.0.0.1:9092", EnvVars: []string{"TXFLOW_PLATFORM_KAFKA"}, Usage: "Kafka listens at `HOST:PORT`; empty for none"},
			&cli.StringFlag{Name: "registry-addr", Value: "127.0.0.1:8081", EnvVars: []string{"TXFLOW_PLATFORM_REGISTRY"}, Usage: "the Schema Registry listens at `HOST:PORT`; empty for none"},
		},
		Description: `The real ClickHouse engine answers as a ClickHouse server does over HTTP; the tables of txflow are made at the start.

   txflow platform
   txflow platform --data /var/lib/txflow --kafka-addr '' --registry-addr ''
   curl -s 'http://127.0.0.1:8123/?database=txflow' -d 'SELECT * FROM category_totals FORMAT PrettyCompact'`,
		Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
			p, err := embedded.Start(c.Context, embedded.Config{Dir: c.String("data"), ClickHouseAddr: c.String("clickhouse-addr"),
				KafkaAddr: c.String("kafka-addr"), RegistryAddr: c.String("registry-addr"), Log: rt.Log, Progress: rt.Stderr,
				Prepare: func(ctx context.Context, p *embedded.Platform) error { return preparePlatform(ctx, rt, p) }})
			if err != nil {
				return err
			}
			showAddresses(rt, p)
			<-c.Context.Done()
			_, _ = fmt.Fprintln(rt.Stderr, "stopping")
			return p.Close()
		}),
		Subcommands: []*cli.Command{{
			Name: "fetch", Usage: "fetch the ClickHouse engine (about 180 MB, once, by npm) and print where it is",
			Description: `
   txflow platform fetch
   TXFLOW_ENGINE_DIR=/opt/txflow txflow platform fetch`,
			Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
				lib, err := embedded.EnsureEngine(c.Context, os.Stderr)
				if err == nil {
					_, err = fmt.Fprintln(rt.Stdout, lib)
				}
				return err
			}),
		}},
	}
}

// showAddresses prints where everything is, as the environment variables that the other commands read.
func showAddresses(rt *app.Runtime, p *embedded.Platform) {
	_, _ = fmt.Fprintf(rt.Stdout, "CLICKHOUSE_URL=%s\n", p.ClickHouseURL())
	if a := p.KafkaAddr(); a != "" {
		_, _ = fmt.Fprintf(rt.Stdout, "KAFKA_BROKERS=%s\n", a)
	}
	if u := p.RegistryURL(); u != "" {
		_, _ = fmt.Fprintf(rt.Stdout, "SCHEMA_REGISTRY_URL=%s\n", u)
	}
	_, _ = fmt.Fprintln(rt.Stderr, "ready; Ctrl-C stops")
}

// preparePlatform makes topics, schemas and tables, so that every command works at once.
func preparePlatform(ctx context.Context, rt *app.Runtime, p *embedded.Platform) error {
	if url := p.RegistryURL(); url != "" {
		plan, client, err := planSchemas(ctx, url)
		if err != nil {
			return err
		}
		if err := applySchemas(ctx, client, plan, rt.Stderr); err != nil {
			return err
		}
	}
	if p.KafkaAddr() != "" {
		admin, err := kafka.NewAdmin(kafka.Config{Brokers: p.KafkaAddr(), Log: rt.Log})
		if err != nil {
			return err
		}
		defer admin.Close()
		plan, err := topics.Plan(ctx, admin, topics.All(defaultPartitions, 1))
		if err != nil {
			return err
		}
		if err := topics.Apply(ctx, admin, plan, func(change topics.Change) { _, _ = fmt.Fprintln(rt.Stderr, change.Text) }); err != nil {
			return err
		}
	}
	db, err := store.Open(store.Config{URL: p.ClickHouseURL(), Log: rt.Log})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := migrateUp(ctx, db, rt.Stderr); err != nil || p.KafkaAddr() == "" {
		return err
	}
	brokers := ""
	if p.KafkaMoved() {
		brokers = p.KafkaAddr()
	}
	return migrateStream(ctx, db, rt.Stderr, brokers)
}
