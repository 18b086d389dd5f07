// Package setupcmd makes and checks what txflow needs: tables, topics, schemas, and the services themselves.
package setupcmd

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/txflow/txflow/clickhouse/migrate"
	"github.com/txflow/txflow/clickhouse/schema"
	"github.com/txflow/txflow/clickhouse/store"
	"github.com/txflow/txflow/cmd/internal/app"
	"github.com/txflow/txflow/cmd/internal/batchcmd"
	"github.com/txflow/txflow/cmd/internal/kafkaflags"
	"github.com/txflow/txflow/internal/display"
	"github.com/txflow/txflow/internal/fault"
)

// Migrate is txflow migrate.
func Migrate() *cli.Command {
	return &cli.Command{
		Name: "migrate", Category: "Set up and check", Usage: "create or update the tables in ClickHouse",
		Flags: batchcmd.Flags([]cli.Flag{
			&cli.BoolFlag{Name: "dry-run", EnvVars: []string{"TXFLOW_MIGRATE_DRY_RUN"},
				Usage: "list pending migrations, and apply none"},
			&cli.BoolFlag{Name: "check", EnvVars: []string{"TXFLOW_MIGRATE_CHECK"},
				Usage: "exit 69 when migrations are pending, and apply none"},
			&cli.BoolFlag{Name: "stream", EnvVars: []string{"TXFLOW_MIGRATE_STREAM"},
				Usage: "also create the Kafka tables; --kafka-brokers must be reachable from ClickHouse"},
		}, kafkaflags.Flags, batchcmd.ClickHouseFlags),
		Description: `Migrations go forward only; each is applied once and kept with its checksum. An empty database
is made at once, from what they add up to. Two may migrate at once. With --stream, the settings
security.*, sasl.* and ssl.* of --kafka-config are ClickHouse's from then on; files among them
are ClickHouse's own. Without any of these it keeps those that it has.

   txflow migrate
   txflow migrate --dry-run
   txflow migrate --stream --kafka-brokers kafka:9092
   txflow migrate --stream --kafka-config-file kafka.properties
   txflow migrate --check --clickhouse-url clickhouse://db:9000?database=txflow`,
		Action: app.Action(func(c *cli.Context, rt *app.Runtime) error {
			cfg, err := kafkaflags.Config(c, rt)
			if err != nil {
				return app.Usage(c, err)
			}
			db, err := batchcmd.Store(c, rt)
			if err != nil {
				return err
			}
			defer db.Close()
			brokers := ""
			if c.Bool("stream") {
				brokers = cfg.Brokers
			}
			if !c.Bool("dry-run") && !c.Bool("check") {
				if err := MigrateUp(c.Context, db, rt.Stderr, true); err != nil || brokers == "" {
					return err
				}
				return MigrateStream(c.Context, db, rt.Stderr, brokers, cfg.Settings.Security())
			}
			sets, err := migrationSets(brokers != "")
			if err != nil {
				return err
			}
			pending, all := 0, 0
			for _, set := range sets {
				state, err := migrate.Status(c.Context, db, set)
				if err == nil {
					err = state.Err()
				}
				if err != nil {
					return err
				}
				for _, m := range state.Pending {
					_, _ = fmt.Fprintf(rt.Stdout, "-- %s: %s\n%s\n", set.Name, m.Name, m.SQL)
				}
				pending, all = pending+len(state.Pending), all+len(set.Migrations)
			}
			_, _ = fmt.Fprintf(rt.Stderr, "%d of %s %s to be applied\n", pending, display.Count(all, "migration"),
				display.Are(pending))
			if c.Bool("check") && pending > 0 {
				return fault.WithHint(fault.Failf(fault.ExitUnavailable, "the schema is not up to date"), "run txflow migrate")
			}
			return nil
		}),
	}
}

// migrationSets are what every txflow needs and, with stream, what reads from Kafka.
func migrationSets(stream bool) ([]migrate.Set, error) {
	core, err := schema.Core()
	if err != nil || !stream {
		return []migrate.Set{core}, err
	}
	kafka, err := schema.Stream()
	return []migrate.Set{core, kafka}, err
}

// MigrateUp brings the tables that every txflow needs up to date. It says what it did, always or only where it did
// something.
func MigrateUp(ctx context.Context, db *store.Store, w io.Writer, always bool) error {
	set, err := schema.Core()
	if err != nil {
		return err
	}
	return applySet(ctx, db, w, set, always)
}

// MigrateStream brings up to date what reads from Kafka. ClickHouse's named collection gets the brokers and how they
// let it in, unless brokers is "".
func MigrateStream(ctx context.Context, db *store.Store, w io.Writer, brokers string,
	security map[string]string) error {
	set, err := schema.Stream()
	if err != nil {
		return err
	}
	if brokers == "" {
		return applySet(ctx, db, w, set, true)
	}
	old, err := db.SetBrokers(ctx, brokers, security)
	if err != nil {
		return err
	}
	if err := applySet(ctx, db, w, set, true); err != nil {
		return err
	}
	_, err = db.Reattach(ctx, old)
	return err
}

func applySet(ctx context.Context, db *store.Store, w io.Writer, set migrate.Set, always bool) error {
	applied := 0
	err := migrate.Up(ctx, db, set, func(migrate.Migration) { applied++ })
	if applied > 0 || err == nil && always {
		_, _ = fmt.Fprintf(w, "schema %s, %s: %s applied, %d in all\n", db.Database(), set.Name,
			display.Count(applied, "migration"),
			len(set.Migrations))
	}
	return err
}
